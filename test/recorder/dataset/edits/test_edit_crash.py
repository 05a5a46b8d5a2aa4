"""Edits can be broken off anywhere: all that is there is whole, and nothing else is left."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from compact_scene import CAMERA, FPS, WRIST, content, decoded, make
from file_watch import state, watched

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import folder_links, folder_swap
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.edits.delete import delete_episodes
from lerobot_recorder.dataset.edits.merge import Merging, merge_datasets
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.edits.split import split_dataset
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

REPOSITORY = Path(__file__).parents[4]
LONG = bool(os.environ.get('LEROBOT_ROS_LONG_TESTS'))
STRIDE = 1 if LONG else 31
pytestmark = pytest.mark.timeout(3600 if LONG else 120)


@pytest.fixture(scope='module')
def made(tmp_path_factory, tools):
    """Two datasets, one with files that episodes share, and one of both."""
    folder = tmp_path_factory.mktemp('crash')
    make(folder / 'a', tools)
    compact_dataset(folder / 'a')
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    with DatasetWriter.create(folder / 'b', info) as writer:
        tools.Film(info, count=50).episode(writer, 3)
        tools.Film(info, count=60).episode(writer, 3)
    merge_datasets([folder / 'a', folder / 'b'], folder / 'm')
    return folder


def merge(folder):
    merge_datasets([folder / 'a', folder / 'b'], folder / 'm', how=Merging(link=not LONG))


def split(folder):
    parts = {'x': [0, 3, 4], 'y': [1, 2]}
    split_dataset(read_source(folder / 'a'), folder / 's', parts)


def delete(folder):
    delete_episodes(folder / 'a', [1, 4])


def lengths(root):
    assert [str(finding) for finding in validate_dataset(root)] == []
    return [view.length for view in DatasetReader(root).episodes()]


def check(folder, made):
    """Return whether the edit was done; nothing else may lie there, hidden or not."""
    if (folder / 'm').exists():
        assert content(folder / 'm') == content(made / 'm')
        assert decoded(folder / 'm') == decoded(made / 'm')
    if (folder / 's').exists():
        assert lengths(folder / 's/x') == [3, 3, 4]
        assert lengths(folder / 's/y') == [4, 5]
    found = lengths(folder / 'a')
    assert found in ([3, 4, 5, 3, 4, 5, 3], [3, 5, 3, 5, 3])
    assert lengths(folder / 'b') == [3, 3]
    return len(found) == 5 or len(os.listdir(folder)) > 2


def prepared(made, folder):
    for name in 'ab':
        shutil.copytree(made / name, folder / name)
    return folder


@pytest.mark.parametrize('edit', [merge, split, delete])
def test_a_kill_before_any_step_and_the_same_call_again(made, tmp_path, monkeypatch, edit):
    work, copies, states = prepared(made, tmp_path / 'work'), tmp_path / 'copies', []
    copies.mkdir()

    def keep(event):
        now = state(work)
        if not states or now != states[-1]:
            states.append(now)
            if len(states) % STRIDE == 0:
                shutil.copytree(work, copies / f'{len(states):03d}')

    with watched(monkeypatch, keep):
        edit(work)
    assert len(states) > 40
    outcomes = []
    for copy in sorted(copies.iterdir()):
        visible = {path.name for path in copy.iterdir() if not path.name.startswith('.')}
        done = visible > {'a', 'b'}
        if edit is delete:
            repair_dataset(copy / 'a')
            done = len(DatasetReader(copy / 'a').rows_of_episodes()) == 5
        if not done:
            edit(copy)
        assert check(copy, made)
        assert not [name for name in os.listdir(copy) if name.startswith('.')]
        outcomes.append(done)
        shutil.rmtree(copy)
    assert outcomes == sorted(outcomes)
    assert not outcomes[0]


@pytest.mark.parametrize('edit', [merge, split, delete])
def test_a_disk_that_refuses_at_any_step_leaves_nothing(made, tmp_path, monkeypatch, edit):
    number, failures = 1, 0
    while True:
        work = prepared(made, tmp_path / f'{number:03d}')
        before = [folder_links.snapshot(work / name, ()) for name in 'ab']
        left = iter(range(number - 1, -1, -1))

        def fail(event, left=left):
            if next(left, None) == 0:
                raise OSError(28, f'No space left on device, said at {event}')

        told = None
        try:
            with watched(monkeypatch, fail):
                edit(work)
        except DatasetError as error:
            told = str(error)
            assert 'No space left' in told
            failures += 1
        if next(left, None) is not None:
            assert told is None
            break
        if edit is delete:
            repair_dataset(work / 'a')
        done = check(work, made)
        assert not [name for name in os.listdir(work) if name.startswith('.')]
        if told and not done:
            for name, facts in zip('ab', before, strict=True):
                assert folder_links.snapshot(work / name, ()) == facts
        shutil.rmtree(work)
        number += STRIDE
    assert failures > 60 / STRIDE


def test_ctrl_c_leaves_nothing(made, tmp_path):
    prepared(made, tmp_path)

    def press(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge_datasets([tmp_path / 'a', tmp_path / 'b'], tmp_path / 'm', press)
    with pytest.raises(KeyboardInterrupt):
        split_dataset(read_source(tmp_path / 'a'), tmp_path / 's', {'x': [0, 1]}, press)
    with pytest.raises(KeyboardInterrupt):
        delete_episodes(tmp_path / 'a', [0], press)
    assert sorted(os.listdir(tmp_path)) == ['a', 'b']
    assert not check(tmp_path, made)


def test_what_was_copied_before_a_kill_is_not_copied_again(made, tmp_path, monkeypatch):
    """The work folder as a kill leaves it: nobody tidied up."""
    prepared(made, tmp_path)
    how = Merging()
    monkeypatch.setattr(shutil, 'rmtree', lambda *_, **__: None)

    def die(done, total):
        if done == total - 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge_datasets([tmp_path / 'a', tmp_path / 'b'], tmp_path / 'm', die, how)
    monkeypatch.undo()
    kept = {path.name: path.stat().st_ino for path in tmp_path.rglob('.m*/videos/*/*/*.mp4')}
    shared = []
    share = folder_links.share
    monkeypatch.setattr(folder_links, 'share', lambda *a: (shared.append(a[0]), share(*a)))
    merge(tmp_path) if LONG else merge_datasets(
        [tmp_path / 'a', tmp_path / 'b'], tmp_path / 'm', how=how
    )
    assert kept
    assert len([path for path in shared if path.suffix == '.mp4']) < 6
    assert check(tmp_path, made)


def test_two_at_once_is_one_too_many(made, tmp_path):
    prepared(made, tmp_path)
    refused = []

    def attempt(done, total):
        with pytest.raises(DatasetError, match='another process is making'):
            merge_datasets([tmp_path / 'a'], tmp_path / 'm')
        refused.append(done)

    merge_datasets([tmp_path / 'a', tmp_path / 'b'], tmp_path / 'm', attempt)
    assert len(refused) > 5
    assert check(tmp_path, made)


def test_kill_9(made, tmp_path):
    rng, outcomes = random.Random(5), []
    for number in range(100 if LONG else 2):
        folder = prepared(made, tmp_path / str(number))
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name('killed_edits.py')), folder],
            stdout=subprocess.PIPE, env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
        )  # fmt: skip
        assert process.stdout.readline() == b'open\n'
        time.sleep(rng.uniform(0.0, 0.5))
        process.kill()
        process.communicate()
        repair_dataset(folder / 'a')
        outcomes.append(check(folder, made))
        if not (folder / 'm').exists() and len(lengths(folder / 'a')) == 7:
            merge(folder)
            assert check(folder, made)
    assert len(outcomes) >= 2


def test_where_folders_cannot_be_exchanged(made, tmp_path, monkeypatch):
    prepared(made, tmp_path)
    monkeypatch.setattr(folder_swap, 'exchange', lambda one, other: False)
    delete(tmp_path)
    assert check(tmp_path, made)
    assert sorted(os.listdir(tmp_path)) == ['a', 'b']
