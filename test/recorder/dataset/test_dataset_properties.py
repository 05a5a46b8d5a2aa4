"""Whatever is done to a writer, the dataset is valid and its rows come back exactly."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.validate import validate_dataset


class StopError(Exception):
    """Ends a session the hard way."""


STEPS = st.one_of(
    st.tuples(st.just('add'), st.integers(1, 12), st.sampled_from(['Pick', 'Place', 'Push'])),
    st.tuples(st.just('episode'), st.integers(1, 12), st.sampled_from(['Pick', 'Place', 'Push'])),
    st.tuples(st.just('save')),
    st.tuples(st.just('discard')),
    st.tuples(st.just('raise')),
    st.tuples(st.just('close')),
)
KINDS = st.sampled_from(['float32', 'float64', 'int64', 'bool', 'uint8', 'string'])


@st.composite
def infos(draw, tools):
    cameras = draw(st.sampled_from([(), ('observation.images.front',)]))
    entries = tools.features(cameras, draw(st.sampled_from(['video', 'image'])))
    for number in range(draw(st.integers(0, 3))):
        kind = draw(KINDS)
        shapes = [(1,)] if kind == 'string' else [(1,), (4,), (2, 3)]
        shape = draw(st.sampled_from(shapes))
        entries[f'extra_{number}'] = {'dtype': kind, 'shape': shape, 'names': None}
    return DatasetInfo(draw(st.sampled_from([1, 10, 30, 60])), entries, 'so_follower')


def session(root, film, steps):
    """Do steps until the session ends; a dataset without episodes is gone afterwards."""
    opened = DatasetWriter.resume if root.exists() else DatasetWriter.create
    try:
        with opened(root, film.info) as writer:
            while steps:
                step = steps.pop(0)
                if step[0] == 'add':
                    film.add(writer, step[1], step[2])
                elif step[0] == 'episode':
                    film.episode(writer, step[1], step[2])
                elif step[0] == 'save' and writer.num_frames:
                    film.save(writer)
                elif step[0] == 'discard':
                    film.discard(writer)
                elif step[0] == 'raise':
                    raise StopError
                elif step[0] == 'close':
                    return
    except StopError:
        pass
    finally:
        film.running = []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), st.lists(STEPS, max_size=12))
def test_any_sequence_of_steps_gives_a_valid_dataset(tools, data, steps):
    film = tools.Film(data.draw(infos(tools)))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / 'd'
        while steps:
            session(root, film, steps)
        if not film.saved:
            assert not root.exists()
            return
        assert [str(f) for f in validate_dataset(root)] == []
        assert not (root / '.recording').exists()
        reader = DatasetReader(root)
        for view, frames in zip(reader.episodes(), film.saved, strict=True):
            tools.same_rows(view, frames)
        for camera in reader.cameras:
            last = reader.episode(reader.num_episodes - 1)
            assert sum(1 for _ in last.frames(camera)) == last.length
