"""A 1 kHz wrench, commands and what seldom changes, recorded from a graph of strangers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 4
SECTIONS = {
    'dataset': {
        'repo_id': 'lab/forces',
        'single_task': 'press',
        'num_episodes': 1,
        'episode_time_s': SECONDS,
    },
    'recorder': {
        'features': {
            'observation.state': {'topic': '/lab/joint_states'},
            'action': {'topic': '/lab/joint_commands'},
            'observation.images.cam': {'topic': '/lab/cam/image_raw'},
            'observation.wrench': {'topic': '/lab/wrench', 'window': {'rate_hz': 1000}},
        },
        'native': {'wrench': {'topic': '/lab/wrench'}},
    },
}


@pytest.fixture(scope='module')
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('forces')
    config, root = folder / 'session.yaml', folder / 'dataset'
    config.write_text(yaml.safe_dump(SECTIONS))
    strangers = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name('foreign_forces.py')), '90']
    )
    command = [sys.executable, '-m', 'lerobot_drivers.cli', 'record', f'--config_path={config}',
               f'--dataset.root={root}', '--attach=true']  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    finally:
        strangers.terminate()
        strangers.wait(timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def document(root):
    (path,) = (root / 'meta/ros/episodes').glob('*.json')
    return json.loads(path.read_text())


def table(root, name):
    (path,) = (root / 'meta/ros/episodes').glob(f'*.{name}.parquet')
    return pq.read_table(path)


def test_every_row_has_its_window(recorded):
    rows = DatasetReader(recorded).episode(0).rows['observation.wrench']
    assert rows.shape == (SECONDS * 30, 34, 6)
    force = rows[:, :, 0]
    assert (np.diff(force, axis=1) >= 0).all() and np.ptp(force) > 1000 * (SECONDS - 1)
    fresh = np.array(table(recorded, 'frames')['observation.wrench.fresh'])
    assert np.median(fresh) >= 32
    assert validate_dataset(recorded) == []


def test_every_wrench_is_kept(recorded):
    wrench = table(recorded, 'wrench')
    force = np.array(wrench['force.x'])
    lost = force[-1] - force[0] + 1 - len(force)
    assert lost <= 0.01 * len(force), 'publisher and recorder share two busy cores, but this much'
    assert len(force) > 1000 * (SECONDS - 1)
    stamps = np.array(wrench['stamp_ns'])
    assert (stamps == np.array(wrench['header_ns'])).all() and (np.diff(stamps) > 0).all()
    assert (np.array(wrench['received_ns']) > stamps).all()


def test_commands_asked_and_sent_are_kept(recorded):
    for name, value in (('joint_commands', 1.0), ('joint_commands_sent', 2.0)):
        commands = table(recorded, name)
        assert commands.num_rows > 45 * (SECONDS - 1)
        assert {each[0] for each in commands['position'].to_pylist()} == {value}


def test_what_seldom_changes_is_kept_latched_or_not(recorded):
    kept = document(recorded)['details']['kept']
    files = recorded / 'meta/ros/files'
    models = {
        topic: (files / versions[0]['file']).read_text()
        for topic, versions in kept['files']['robot_description'].items()
    }
    assert models == {
        '/lab/robot_description': '<robot name="latched"/>',
        '/lab/gripper/robot_description': '<robot name="unlatched"/>',
    }
    ((lens,),) = kept['files']['camera_info'].values()
    assert json.loads((files / lens['file']).read_text())['d'] == [0.1] * 5
    configuration = json.loads((files / kept['files']['configuration']).read_text())
    assert configuration['dataset']['single_task'] == 'press'


def test_what_was_not_there_is_told(recorded):
    missing = document(recorded)['details']['kept']['missing']
    assert missing['static_transforms'] == 'no such topic'
    assert missing['calibration.robot'] == 'the session names no robot'
    assert not {'joint_commands', 'joint_commands_sent', 'robot_description'} & set(missing)
