"""The episode that is being recorded, looked at by others meanwhile."""

from __future__ import annotations

import time

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.watch import running


def eventually(root, pictures, camera):
    """Return the running episode once so many of its pictures have been written."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = running(root)
        if found is not None and len(list(found.episode.frames(camera))) >= pictures:
            return found
        time.sleep(0.05)
    raise AssertionError('too few pictures')


def test_the_running_episode_is_seen_and_not_touched(tmp_path, film, tools):
    root = tmp_path / 'set'
    with DatasetWriter.create(root, film.info) as writer:
        film.add(writer, 20)
        first = eventually(root, 5, tools.CAMERA)
        assert first.episode.index == 0 and first.fps == 10 and first.cameras == [tools.CAMERA]
        film.add(writer, 20)
        film.save(writer)
        assert running(root) is None, 'what is saved is read by others'
        film.add(writer, 30)
        found = eventually(root, 10, tools.CAMERA)
        assert found.episode.index == 1
        length = found.episode.length
        assert 10 <= length <= 30
        expected = film.running[:length]
        assert list(found.episode.row_tasks) == [frame['task'] for frame in expected]
        for key in ('action', 'observation.state'):
            values = [frame['values'][key] for frame in expected]
            assert found.episode.rows[key].tolist() == [list(map(float, v)) for v in values]
        for number, picture in enumerate(found.episode.frames(tools.CAMERA)):
            assert tools.psnr(picture, film.running[number]['pictures'][tools.CAMERA]) > 30
        film.save(writer)
    assert running(root) is None
    reader = DatasetReader(root)
    for episode, frames in zip(reader.episodes(), film.saved, strict=True):
        tools.same_rows(episode, frames)


def test_there_is_none_where_nobody_records(good):
    assert running(good) is None
