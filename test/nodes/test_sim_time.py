"""Recording in a simulation of strangers: slower than real time, paused, begun anew."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from synthetic_messages import MS, S

from lerobot_recorder.dataset.dataset_reader import DatasetReader

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLI = [sys.executable, '-m', 'lerobot_drivers.cli']


def record(root: Path, *flags: str) -> str:
    command = [
        *CLI, 'record', '--dataset.repo_id=a/b', f'--dataset.root={root}',
        '--dataset.single_task=watch', '--dataset.reset_time_s=0.2', *flags,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope='module')
def recorded(tmp_path_factory) -> tuple[Path, str]:
    """The simulation stands still for longer than a sensor may, and then begins anew."""
    root = tmp_path_factory.mktemp('sim') / 'set'
    simulation = subprocess.Popen(
        [sys.executable, str(HERE / 'foreign_simulation.py'), '60', '0.8',
         'pause:106:2.5', 'reset:108']
    )  # fmt: skip
    try:
        said = record(root, '--dataset.num_episodes=2', '--dataset.episode_time_s=6')
    finally:
        simulation.terminate()
        simulation.wait(timeout=30)
    return root, said


def episodes(root: Path) -> list[tuple[dict, dict[str, list]]]:
    found = []
    for path in (root / 'meta/ros/episodes').glob('*.json'):
        frames = pq.read_table(path.with_suffix('.frames.parquet')).to_pydict()
        found.append((json.loads(path.read_text()), frames))
    return sorted(found, key=lambda one: -one[1]['tick_ns'][0])


def test_the_clock_of_the_simulation_is_found_and_believed(recorded):
    for record_, frames in episodes(recorded[0]):
        assert 0 <= frames['tick_ns'][0] < 200 * S
        streams = record_['details']['streams']
        for name in ('observation.state', 'observation.images.camera'):
            assert set(streams[name]['clock']) == {'header'}
            assert streams[name]['lying_stamps'] == streams[name]['clock_jumps'] == 0
        assert streams['observation.images.camera']['rate_hz'] == pytest.approx(30, abs=0.5)


def test_a_pause_is_no_loss_and_a_reset_ends_the_take_with_its_reason(recorded):
    (first, frames), (second, _) = episodes(recorded[0])
    assert first['outcome'] == 'incomplete'
    assert first['details']['ended'] == 'the simulated clock went back'
    assert 'the simulated clock went back' in recorded[1]
    assert first['details']['lost'] is None
    assert frames['tick_ns'][0] < 106 * S, 'the pause was not in the take'
    assert frames['tick_ns'][-1] > 108 * S - 150 * MS
    assert second['outcome'] is None


def test_rows_are_those_of_simulated_time(recorded):
    reader = DatasetReader(recorded[0])
    assert reader.num_episodes == 2 and reader.episode(1).length == 180
    for number, (_, frames) in enumerate(episodes(recorded[0])):
        rows = reader.episode(number).rows
        at = np.array(frames['target_ns']) / S
        assert np.abs(rows['observation.state'][:, 0] - at).max() < 2e-3
        assert np.abs(rows['action'][:, 0] - at).max() < 0.06
