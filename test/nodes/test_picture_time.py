"""Are the pictures and the joints of a row of the same moment? Measured in the pictures.

The simulated cameras deliver 30 to 60 ms late. ``aligned`` must put pictures and joints
within 2 ms of each other on average; the same check must fail under ``as_seen``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.picture_time import picture_time
from lerobot_recorder.dataset.dataset_reader import DatasetReader

pytestmark = [pytest.mark.ros, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
CAMERAS = ('front', 'side')
WITHIN_MS = 2.0


def mean_offset_ms(root: Path, mode: str) -> float:
    cameras = ', '.join(
        f'{name}: {{type: opencv, index_or_path: "sim://bench/{name}", width: 640, height: 480, '
        'fps: 30}'
        for name in CAMERAS
    )
    command = [
        sys.executable, '-m', 'lerobot_drivers.cli', 'record',
        '--robot.type=so101_follower', '--robot.port=sim://bench/follower',
        f'--robot.cameras={{{cameras}}}', '--teleop.type=so101_leader',
        '--teleop.port=sim://bench/leader', '--dataset.repo_id=a/b', f'--dataset.root={root}',
        '--dataset.single_task=follow', '--dataset.num_episodes=2', '--dataset.episode_time_s=6',
        '--dataset.reset_time_s=0', f'--recorder.mode={mode}',
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    reader = DatasetReader(root)
    found = [picture_time(reader, e, camera) for e in reader.episodes() for camera in CAMERAS]
    assert min(one.pictures for one in found) > 90, 'the arm was not seen'
    return float(np.mean([one.offset_ms for one in found]))


def test_aligned_pictures_and_joints_are_of_one_moment(tmp_path):
    assert abs(mean_offset_ms(tmp_path / 'aligned', 'aligned')) < WITHIN_MS


def test_as_seen_pictures_are_late(tmp_path):
    assert mean_offset_ms(tmp_path / 'as_seen', 'as_seen') < -20.0
