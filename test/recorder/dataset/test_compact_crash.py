"""Joining files can be broken off anywhere: the dataset is the old one or the new one, whole."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from file_watch import state, watched

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError
from lerobot_recorder.dataset import folder_swap, layout
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

REPOSITORY = Path(__file__).parents[3]
EPISODES = 3
LONG = bool(os.environ.get('LEROBOT_ROS_LONG_TESTS'))
FORMS = [
    pytest.param(13, id='every thirteenth step'),
    pytest.param(
        1, id='every step',
        marks=pytest.mark.skipif(not LONG, reason='a minute; set LEROBOT_ROS_LONG_TESTS=1'),
    ),
]  # fmt: skip


@pytest.fixture(scope='module')
def made(tmp_path_factory, tools):
    info = DatasetInfo(10, tools.features(), 'so_follower')
    film, root = tools.Film(info), tmp_path_factory.mktemp('crash') / 'd'
    with DatasetWriter.create(root, info) as writer:
        for _ in range(EPISODES):
            film.episode(writer, 3)
    (root / 'README.md').write_text('by hand')
    return root, info, film.saved


@pytest.fixture(params=['exchange', 'two steps'])
def way(request, monkeypatch):
    if request.param == 'two steps':
        monkeypatch.setattr(folder_swap, 'exchange', lambda one, other: False)
    return request.param


def check(root, saved, tools):
    """The dataset is whole, old or new, and nothing lies beside it."""
    assert [str(finding) for finding in validate_dataset(root)] == []
    views = list(DatasetReader(root).episodes())
    for view, frames in zip(views, saved, strict=True):
        tools.same_rows(view, frames)
        assert len(list(view.frames(tools.CAMERA))) == len(frames)
    assert (root / 'README.md').read_text() == 'by hand'
    assert os.listdir(root.parent) == [root.name]
    files = {len(layout.data_files(root)), len(layout.video_files(root, tools.CAMERA))}
    assert files in ({EPISODES}, {1})
    return files == {1}


@pytest.mark.parametrize('stride', FORMS)
def test_a_crash_before_any_step_leaves_the_old_or_the_new_one(
    made, tmp_path, tools, monkeypatch, way, stride
):
    root, info, saved = made
    work, copies, states = tmp_path / 'work', tmp_path / 'copies', []
    shutil.copytree(root, work / 'd')
    copies.mkdir()

    def keep(event):
        now = state(work)
        if not states or now != states[-1]:
            states.append(now)
            if len(states) % stride == 0:
                shutil.copytree(work, copies / f'{len(states):03d}')

    with watched(monkeypatch, keep):
        compact_dataset(work / 'd')
    assert len(states) > 40
    outcomes = []
    for number, copy in enumerate(sorted(copies.iterdir())):
        if number % 3 == 0:
            repair_dataset(copy / 'd')
        elif number % 3 == 1:
            DatasetWriter.resume(copy / 'd', info).finalize()
        else:
            compact_dataset(copy / 'd')
        joined = check(copy / 'd', saved, tools)
        if number % 3 < 2:
            outcomes.append(joined)
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}


@pytest.mark.parametrize('stride', FORMS)
def test_a_step_that_fails_leaves_the_old_or_the_new_one(
    made, tmp_path, tools, monkeypatch, way, stride
):
    root, _, saved = made
    joined = failures = 0
    number = {'exchange': 1, 'two steps': 3}[way]
    while True:
        work = tmp_path / f'{number:03d}'
        shutil.copytree(root, work / 'd')
        left = iter(range(number - 1, -1, -1))

        def fail(event, left=left):
            if next(left, None) == 0:
                raise OSError(28, f'no space left, said at {event}')

        told = None
        try:
            with watched(monkeypatch, fail):
                done = compact_dataset(work / 'd')
        except DatasetError as error:
            told = str(error)
            failures += 1
            assert 'no space left' in told
        if next(left, None) is not None:
            assert told is None, 'no step was left to fail'
            break
        if told is None and done.notices:  # else only the probe for hard links failed
            assert 'could not be removed' in done.notices[0]
        repair_dataset(work / 'd')
        changed = check(work / 'd', saved, tools)
        assert not (changed and told and 'it is as it was' in told)
        joined += changed
        shutil.rmtree(work)
        number += stride
    assert failures > 60 / stride
    assert joined >= 1


def test_a_new_dataset_is_not_made_where_one_lacks_its_name(made, tmp_path, tools):
    root, info, saved = made
    shutil.copytree(root, folder_swap.new_folder(tmp_path / 'd'))
    shutil.copytree(root, folder_swap.old_folder(tmp_path / 'd'))
    with pytest.raises(DatasetExistsError, match='were being joined'):
        DatasetWriter.create(tmp_path / 'd', info)
    with DatasetWriter.resume(tmp_path / 'd', info) as writer:
        assert 'interrupted' in writer.notices[0]
    check(tmp_path / 'd', saved, tools)


@pytest.mark.timeout(3600 if LONG else 120)
def test_no_episode_is_lost_by_kill_9(made, tmp_path, tools):
    root, _, saved = made
    rng, outcomes = random.Random(3), []
    for number in range(200 if LONG else 3):
        roots = [tmp_path / f'{number}-{copy}' / 'd' for copy in range(4)]
        for copy in roots:
            shutil.copytree(root, copy)
        way = ('exchange', 'two steps')[number % 2]
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name('killed_compact.py')), way, *roots],
            stdout=subprocess.PIPE, env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
        )  # fmt: skip
        assert process.stdout.readline() == b'open\n'
        time.sleep(rng.uniform(0.0, 0.4))
        process.kill()
        process.communicate()
        for copy in roots:
            repair_dataset(copy)
            outcomes.append(check(copy, saved, tools))
            shutil.rmtree(copy.parent)
    assert len(outcomes) >= 12
