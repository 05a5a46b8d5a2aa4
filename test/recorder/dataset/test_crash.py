from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crash_scenarios import Promises, check, check_accepted

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import durable
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

CAMERA = 'observation.images.front'
REPOSITORY = Path(__file__).parents[3]
HARNESS = Path(__file__).with_name('kill_harness.py')
KILLS = int(os.environ.get('LEROBOT_ROS_KILLS', '16'))


@pytest.mark.timeout(120 + 5 * KILLS)
def test_no_promise_is_broken_by_kill_9(tmp_path, capsys):
    """Hundreds of moments with LEROBOT_ROS_KILLS=300."""
    done = subprocess.run(
        [sys.executable, str(HARNESS), str(tmp_path), str(KILLS), '1'],
        capture_output=True, text=True, check=False, timeout=100 + 5 * KILLS,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts['accepted'] and counts['durable']
    with capsys.disabled():
        print('\n', counts)  # noqa: T201


STARVED = """
import os, signal, sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from crash_scenarios import *
from lerobot_recorder.dataset import video_writer
frames, encode = int(sys.argv[2]), video_writer.Encoder._encode
def starved(self, frame):
    if self.frames == frames - FPS - 1:
        threading.Event().wait()
    encode(self, frame)
video_writer.Encoder._encode = starved
writer = DatasetWriter.create(Path(sys.argv[1]), INFO)
add_frames(writer, 7, frames)
writer.accept_episode(EpisodeRecord('e7', 'success'))
tell('accepted', 'e7', frames, 'success')
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(('frames', 'left'), [(46, 0), (61, 15)])
def test_an_encoder_without_a_processor_costs_what_was_inside(tmp_path, frames, left):
    """A picture in its hand, a second in the queue, half a second in the fragment: no more."""
    done = subprocess.run(
        [sys.executable, '-c', STARVED, str(tmp_path / 'd'), str(frames), str(HARNESS.parent)],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
    )  # fmt: skip
    promises = Promises()
    promises.hear(done.stdout)
    assert promises.accepted, done.stderr
    said = repair_dataset(tmp_path / 'd')
    if left:
        assert check(tmp_path / 'd', promises)['shortened'] == 1
        assert f'its last {frames - left} frames' in said[0]
    else:
        check_accepted(tmp_path / 'd', promises, {})
        assert 'no complete frame' in said[0]


class Snapshots:
    """Copies a folder before every step that changes what is on the disk for good."""

    def __init__(self, root, target, monkeypatch):
        self.copies, self.last, self.lock = [], None, threading.Lock()
        for name in ('replace', 'fsync', 'rename'):
            monkeypatch.setattr(os, name, self.wrap(getattr(os, name), root, target))

    def copy(self, root, target):
        files = [(path, path.stat()) for path in sorted(root.rglob('*'))]
        state = [(path, facts.st_mtime_ns, facts.st_size) for path, facts in files]
        if state != self.last:
            self.copies.append(target / f'{len(self.copies):03d}')
            shutil.copytree(root, self.copies[-1])
            self.last = state

    def wrap(self, step, root, target):
        def wrapped(*arguments):
            with self.lock:
                self.copy(root, target)
            return step(*arguments)

        return wrapped


@pytest.mark.parametrize('before', [0, 1])
def test_a_crash_at_any_step_of_saving_leaves_all_or_a_recoverable_part(
    tmp_path, info, film, tools, monkeypatch, before
):
    root, copies = tmp_path / 'd', tmp_path / 'copies'
    copies.mkdir()
    with DatasetWriter.create(root, info) as writer:
        for _ in range(before):
            film.episode(writer, 4)
        film.add(writer, 12, 'Another task')
        while writer._episode._cameras[CAMERA]._done < 12:
            time.sleep(0.01)
        with monkeypatch.context() as patch:
            snapshots = Snapshots(root, copies, patch)
            film.save(writer)
    outcomes = []
    assert len(snapshots.copies) > 8
    for copy in snapshots.copies:
        done = repair_dataset(copy)
        assert [str(f) for f in validate_dataset(copy)] == [], (copy, done)
        reader = DatasetReader(copy)
        assert reader.num_episodes == before + 1
        for view, frames in zip(reader.episodes(), film.saved, strict=True):
            tools.same_rows(view, frames[: view.length])
        last = reader.episode(before)
        lost = json.loads(last.extra['ros/defects']).get('lost_frames', 0)
        outcomes.append(last.extra['ros/outcome'])
        assert last.length == 12 - lost
        assert last.length >= 5
        assert not (copy / '.recording').exists()
        assert repair_dataset(copy) == []
    assert set(outcomes) == {None}, 'the record is the first that is on the disk'


def interrupted(root, info, film, frames, monkeypatch):
    """Leave a dataset as a killed writer does: all files as they are at that moment."""
    writer = DatasetWriter.create(root, info)
    film.episode(writer, 4)
    film.add(writer, frames)
    camera = writer._episode._cameras[CAMERA]
    while camera._done < frames or getattr(camera._sink, '_waiting', ()):
        time.sleep(0.01)
    copy = root.with_name('killed')
    shutil.copytree(root, copy)
    writer.finalize()
    return copy


def test_an_interrupted_episode_is_recovered(tmp_path, tools, monkeypatch):
    film = tools.Film(DatasetInfo(10, tools.features(), 'so_follower'))
    root = interrupted(tmp_path / 'd', film.info, film, 57, monkeypatch)
    with DatasetWriter.resume(root, film.info) as writer:
        assert 'interrupted episode as episode 1' in writer.notices[0]
        assert 'incomplete' in writer.notices[0]
        recovered, running = writer.total_frames - 4, film.running
        film.running = []
        assert recovered >= 50
        film.saved.append(running[:recovered])
        film.episode(writer, 3)
    reader = DatasetReader(root)
    for view, frames in zip(reader.episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)
        for found, frame in zip(view.frames(CAMERA), frames, strict=True):
            assert tools.psnr(found, frame['pictures'][CAMERA]) > 32
    extra = reader.episode(1).extra
    assert extra['ros/outcome'] == 'incomplete'
    assert json.loads(extra['ros/defects']) == {'interrupted': 1}
    assert validate_dataset(root, decode=True) == []


def test_images_of_an_interrupted_episode_are_recovered(tmp_path, tools, monkeypatch):
    film = tools.Film(DatasetInfo(10, tools.features(dtype='image'), 'so_follower'))
    root = interrupted(tmp_path / 'd', film.info, film, 9, monkeypatch)
    assert 'recovered 8 frames' in repair_dataset(root)[0]
    film.saved.append(film.running[:8])
    tools.same_rows(DatasetReader(root).episode(1), film.saved[1])
    assert validate_dataset(root, decode=True) == []


@pytest.mark.parametrize('size', [0.0, 0.3, 0.9])
def test_a_torn_journal_or_video_costs_only_what_is_torn(tmp_path, tools, monkeypatch, size):
    film = tools.Film(DatasetInfo(10, tools.features(), 'so_follower'))
    root = interrupted(tmp_path / 'd', film.info, film, 40, monkeypatch)
    for name in ('rows.arrow', f'{CAMERA}.mp4'):
        torn = shutil.copytree(root, tmp_path / name)
        path = torn / '.recording/episode-000001' / name
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * size)])
        done = repair_dataset(torn)
        assert validate_dataset(torn, decode=True) == [], done
        reader = DatasetReader(torn)
        if reader.num_episodes == 2:
            view = reader.episode(1)
            tools.same_rows(view, film.running[: view.length])
        else:
            assert 'no complete frame' in done[0]


def test_the_first_episode_of_a_dataset_is_recovered_too(tmp_path, info, film, tools):
    root = tmp_path / 'd'
    writer = DatasetWriter.create(root, info)
    film.add(writer, 30)
    while writer._episode._cameras[CAMERA]._done < 30:
        time.sleep(0.01)
    shutil.copytree(root, tmp_path / 'killed')
    writer.finalize()
    assert not root.exists()
    assert 'as episode 0' in repair_dataset(tmp_path / 'killed')[0]
    assert validate_dataset(tmp_path / 'killed', decode=True) == []


def test_a_running_recording_cannot_be_repaired(tmp_path, info, film):
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        film.episode(writer, 3)
        with pytest.raises(DatasetError, match='another process'):
            repair_dataset(tmp_path / 'd')


def test_a_write_is_all_old_or_all_new(tmp_path, monkeypatch):
    path = tmp_path / 'x'
    durable.write_bytes(path, b'old')
    monkeypatch.setattr(os, 'replace', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        durable.write_bytes(path, b'new')
    assert path.read_bytes() == b'old'
