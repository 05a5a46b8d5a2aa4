"""Accepting, saving behind it, discarding: who waits for whom, and what memory it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import durable, saver
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

REPOSITORY = Path(__file__).parents[3]


class Slow:
    """A picture whose encoder takes as long as one likes."""

    height, width = 48, 64

    def __init__(self):
        self.go = threading.Event()
        self.begun = threading.Event()

    def rgb(self):
        self.begun.set()
        assert self.go.wait(30)
        return np.zeros((48, 64, 3), np.uint8)


def add_slow(writer, film, tools, count=1):
    slow = Slow()
    for _ in range(count):
        writer.add_frame(film.frame(), {tools.CAMERA: slow}, 'x')
    return slow


def add_hasty(writer, film, tools):
    picture = ArrayPicture(film.picture(tools.CAMERA))
    film.count += 1
    return writer.add_frame(film.frame(), {tools.CAMERA: picture}, 'x', wait=False)


def test_the_next_episode_starts_while_the_last_is_being_saved(tmp_path, info, film, tools):
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        slow = add_slow(writer, film, tools)
        first = writer.accept_episode(EpisodeRecord('first'))
        film.add(writer, 5)
        assert first.poll() is None and writer.num_episodes == 0
        second = writer.accept_episode(EpisodeRecord('second'))
        assert not (first.had_to_wait or second.had_to_wait or writer.can_accept)
        slow.go.set()
        assert (second.wait().index, first.wait().index) == (1, 0)
        assert first.poll() == first.wait()
    assert [v.length for v in DatasetReader(tmp_path / 'd').episodes()] == [1, 5]
    assert validate_dataset(tmp_path / 'd') == []


def test_too_many_accepted_episodes_make_the_next_one_wait(tmp_path, info, film, tools):
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        slow = add_slow(writer, film, tools)
        pending = [writer.accept_episode()]
        for _ in range(saver.MAX_PENDING - 1):
            film.add(writer, 2)
            pending.append(writer.accept_episode())
        film.add(writer, 2)
        assert not writer.can_accept
        threading.Timer(0.1, slow.go.set).start()
        last = writer.accept_episode()
        assert last.had_to_wait and pending[0].is_done
        assert last.wait().index == saver.MAX_PENDING


def test_closing_waits_for_what_was_accepted(tmp_path, info, film, tools):
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        slow = add_slow(writer, film, tools, 3)
        pending = writer.accept_episode()
        film.add(writer, 4)
        threading.Timer(0.1, slow.go.set).start()
    assert pending.poll().length == 3
    assert DatasetReader(tmp_path / 'd').num_episodes == 1


def test_discarding_waits_for_no_encoder_and_for_no_save(tmp_path, info, film, tools):
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        stuck = add_slow(writer, film, tools)
        pending = writer.accept_episode()
        also = add_slow(writer, film, tools, info.fps)
        assert also.begun.wait(20)
        writer.discard_episode()
        film.add(writer, 3)
        assert not pending.is_done and not also.go.is_set()
        stuck.go.set()
        also.go.set()
        assert film.save(writer).index == 1
    assert [v.length for v in DatasetReader(tmp_path / 'd').episodes()] == [1, 3]


def test_a_row_need_not_wait_for_an_encoder_but_repeats_its_picture(tmp_path, info, film, tools):
    root = tmp_path / 'd'
    with DatasetWriter.create(root, info) as writer:
        slow = add_slow(writer, film, tools)
        assert slow.begun.wait(20)
        behind = [add_hasty(writer, film, tools) for _ in range(info.fps + 3)]
        assert behind == [frozenset()] * info.fps + [frozenset({tools.CAMERA})] * 3
        slow.go.set()
        assert writer.save_episode().length == info.fps + 4
    episode = DatasetReader(root).episode(0)
    last = [episode.frame(tools.CAMERA, info.fps + at) for at in range(4)]
    assert all(abs(last[0].astype(int) - again).mean() < 3 for again in last[1:])
    assert abs(last[0].astype(int) - episode.frame(tools.CAMERA, info.fps - 1)).mean() > 3


def test_how_far_encoders_are_behind_is_known(tmp_path, info, film, tools):
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        assert writer.frames_behind == 0
        slow = add_slow(writer, film, tools)
        assert slow.begun.wait(20)
        for _ in range(info.fps + 3):
            add_hasty(writer, film, tools)
        assert writer.frames_behind == info.fps + 3
        slow.go.set()


def test_a_row_that_waits_repeats_nothing(tmp_path, info, film, tools):
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        slow = add_slow(writer, film, tools)
        assert slow.begun.wait(20)
        threading.Timer(0.1, slow.go.set).start()
        film.add(writer, info.fps + 1)
        assert writer.save_episode().length == info.fps + 2


def test_what_half_a_commit_left_stops_all_that_would_come_after(
    tmp_path, info, film, tools, monkeypatch
):
    root = tmp_path / 'd'
    writer = DatasetWriter.create(root, info)
    film.episode(writer, 3)
    with monkeypatch.context() as patch:
        patch.setattr(durable, 'make_folders', lambda _: 1 / 0)
        film.add(writer, 4)
        with pytest.raises(DatasetError, match='division'):
            writer.accept_episode(EpisodeRecord('half', 'success')).wait()
    half, film.running = film.running, []
    film.add(writer, 5)
    with pytest.raises(DatasetError, match='resume to mend'):
        writer.accept_episode(EpisodeRecord('after', 'failure')).wait()
    writer.finalize()
    assert len(repair_dataset(root)) == 2
    reader = DatasetReader(root)
    for view, frames in zip(reader.episodes(), [*film.saved, half, film.running], strict=True):
        tools.same_rows(view, frames)
    assert [v.extra['ros/outcome'] for v in reader.episodes()] == [None, 'success', 'failure']
    assert validate_dataset(root) == []


def test_statistics_are_exact_once_closed_however_it_ended(good, info, film, tools):
    """A killed writer leaves rough quantiles; whoever opens the dataset next makes them exact."""
    with DatasetWriter.resume(good, info) as writer:
        film.episode(writer, 9)
        rough = (good / 'meta/stats.json').read_bytes()
    closed = json.loads((good / 'meta/stats.json').read_text())
    before = json.loads(rough)
    assert before['action']['q90'] != closed['action']['q90']
    np.testing.assert_allclose(before['action']['std'], closed['action']['std'])
    (good / 'meta/stats.json').write_bytes(rough)
    (good / '.recording').mkdir()
    (good / '.recording/session.json').write_text('{}')
    assert repair_dataset(good) == ['computed stats.json anew']
    again = json.loads((good / 'meta/stats.json').read_text())
    for key, name in [(feature, name) for feature in closed for name in closed[feature]]:
        np.testing.assert_allclose(again[key][name], closed[key][name], atol=1e-9)
    with DatasetWriter.resume(good, info) as writer:
        assert writer._was_sealed


def test_a_dataset_is_read_only_if_it_is_not_what_was_closed(good, info, monkeypatch):
    def refuse(*_):
        raise AssertionError('looked at the episodes')

    monkeypatch.setattr('lerobot_recorder.dataset.prefix.find', refuse)
    with DatasetWriter.resume(good, info):
        pass
    path = good / 'data/chunk-000/file-001.parquet'
    path.write_bytes(path.read_bytes())
    with pytest.raises(AssertionError, match='looked at'):
        DatasetWriter.resume(good, info)


def measured(script: str, *arguments: str) -> float:
    done = subprocess.run(
        [sys.executable, '-c', script, *arguments], capture_output=True, text=True,
        check=True, timeout=110, env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
    )  # fmt: skip
    return float(done.stdout)


IMAGES = """
import sys
from pathlib import Path
import numpy as np, pyarrow as pa
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.dataset.picture import ArrayPicture
names = ['height', 'width', 'channels']
info = DatasetInfo(30, {'front': {'dtype': 'image', 'shape': [240, 320, 3], 'names': names}})
rng = np.random.default_rng(0)
with DatasetWriter.create(Path(sys.argv[1]), info) as writer:
    for _ in range(150):
        picture = rng.integers(0, 255, (240, 320, 3), dtype=np.uint8)
        writer.add_frame({}, {'front': ArrayPicture(picture)}, 'x')
    writer.save_episode()
print(pa.default_memory_pool().max_memory() / 1e6)
"""


def test_images_go_into_parquet_without_being_in_memory(tmp_path):
    peak_mb = measured(IMAGES, str(tmp_path / 'd'))
    size_mb = sum(p.stat().st_size for p in (tmp_path / 'd/data').rglob('*.parquet')) / 1e6
    assert size_mb > 30
    assert peak_mb < size_mb / 4
    assert validate_dataset(tmp_path / 'd') == []


EPISODES = """
import gc, sys
from pathlib import Path
import numpy as np
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
sys.path.insert(0, sys.argv[2])
from crash_scenarios import INFO, add_frames
def anonymous():
    gc.collect()
    lines = Path('/proc/self/status').read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('RssAnon')) / 1e3
with DatasetWriter.create(Path(sys.argv[1]), INFO) as writer:
    for number in range(int(sys.argv[3])):
        add_frames(writer, number, 10)
        writer.accept_episode().wait()
        if number == int(sys.argv[3]) // 3:
            before = anonymous()
    print(anonymous() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='reads /proc')
def test_memory_does_not_grow_with_the_episodes(tmp_path):
    grown_mb = measured(EPISODES, str(tmp_path / 'd'), str(Path(__file__).parent), '80')
    assert grown_mb < 15


def test_one_can_tell_a_discarded_episode_from_a_running_one(tmp_path, tools):
    film = tools.Film(DatasetInfo(10, tools.features(), 'so_follower'))
    with DatasetWriter.create(tmp_path / 'd', film.info) as writer:
        film.add(writer, 3)
        film.discard(writer)
        assert writer.num_frames == 0 and writer.can_accept
        writer.discard_episode()
