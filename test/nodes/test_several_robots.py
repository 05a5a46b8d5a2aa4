"""Two simulated robots, each with its leader, recorded by one operator."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[2]
CLI = [sys.executable, '-m', 'lerobot_drivers.cli']


@pytest.fixture(scope='module')
def files(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp('robots')
    for side in ('left', 'right'):
        text = (ROOT / 'config' / f'{side}_so101_sim.yaml').read_text()
        sections = yaml.safe_load(text.replace('sim://bench', 'sim://two_robots'))
        for camera in sections['robot']['cameras'].values():
            camera |= {'width': 160, 'height': 120, 'fps': 15}
        (folder / f'{side}.yaml').write_text(yaml.safe_dump(sections))
    return [str(folder / 'left.yaml'), str(folder / 'right.yaml')]


def record(files: list[str], *flags: str) -> str:
    usual = ['--single-task=Fold', '--num-episodes=1', '--dataset.episode_time_s=1', '--fps=15']
    usual += ['--recorder.allow_low_rate=true']  # the machine may be busy
    done = subprocess.run(
        [*CLI, 'record', f'--robots.config_paths=[{", ".join(files)}]', *usual, *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert 'Traceback' not in done.stdout + done.stderr
    return f'{done.returncode} {done.stdout}{done.stderr}'


def details(root: Path) -> dict:
    (path,) = (root / 'meta/ros/episodes').glob('*.json')
    found = json.loads(path.read_text())
    assert isinstance(found, dict)
    return found


def test_each_robot_gets_a_dataset_of_its_own(files, tmp_path):
    said = record(files, '--repo-id=me/x', f'--root={tmp_path}/set', '--robots.datasets=each')
    assert said.startswith('0 '), said
    assert f'1 episode saved in {tmp_path}/set_left and {tmp_path}/set_right' in said
    starts = []
    for side, camera in (('left', 'front'), ('right', 'side')):
        root = tmp_path / f'set_{side}'
        reader = DatasetReader(root)
        assert not validate_dataset(root)
        assert [episode.length for episode in reader.episodes()] == [15]
        assert reader.cameras == [f'observation.images.{camera}']
        assert reader.features['action']['names'][0] == 'shoulder_pan.pos'
        told = details(root)['details']
        starts.append(told['start_ns'])
        assert (
            told['kept']['native']['joint_commands_sent']['topic']
            == f'/{side}/joint_commands_sent'
        )
    assert starts[0] == starts[1], 'they began together'


def test_two_robots_that_are_not_there_are_both_named(files, tmp_path):
    for path in files:
        sections = yaml.safe_load(Path(path).read_text())
        sections['robot']['cameras'] = {}
        sections['robot']['port'] = f'/dev/no_{sections["robot"]["id"]}'
        sections['robot']['calibration_dir'] = str(tmp_path)
        (tmp_path / Path(path).name).write_text(yaml.safe_dump(sections))
    calibration = {
        name: {'id': i, 'drive_mode': 0, 'homing_offset': 0, 'range_min': 100, 'range_max': 4000}
        for i, name in enumerate(
            ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper'),
            1,
        )
    }
    for side in ('left', 'right'):
        (tmp_path / f'{side}.json').write_text(json.dumps(calibration))
    names = [str(tmp_path / Path(path).name) for path in files]
    said = record(names, '--repo-id=me/x', f'--root={tmp_path}/set')
    assert said.startswith('1 '), said
    assert '/dev/no_left' in said and '/dev/no_right' in said
    assert not (tmp_path / 'set').exists()
