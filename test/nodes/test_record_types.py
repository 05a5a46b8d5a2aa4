"""Messages of many types, recorded from a graph of strangers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset
from lerobot_recorder.messages import decode
from lerobot_recorder.native_table import NativeTable

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
FEATURES = {
    'observation.state': {'topic': '/lab/nameless', 'joints': ['a', 'b']},
    'action': {'topic': '/lab/wishes'},
    'observation.base': {'topic': '/lab/base'},
    'observation.battery': {'topic': '/lab/battery', 'joints': ['voltage', 'percentage']},
    'observation.temperature': {'topic': '/lab/temperature'},
    'observation.speed': {'topic': '/lab/speed', 'fields': ['twist.linear']},
    'observation.images.thermal': {'topic': '/lab/thermal'},
    'observation.phase': {'topic': '/lab/phase', 'labels': ['reach', 'grasp']},
    'observation.door': {'topic': '/lab/door'},
    'observation.codes': {'topic': '/lab/codes'},
    'subtask': {'topic': '/lab/phase', 'dtype': 'string'},
}
SECTIONS = {
    'dataset': {
        'repo_id': 'lab/types',
        'single_task': 'look',
        'num_episodes': 1,
        'episode_time_s': 2,
    },
    'recorder': {
        'features': FEATURES,
        'native': {'points': {'topic': '/lab/points'}},
        'allow_low_rate': True,
    },
}


@pytest.fixture(scope='module')
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('types')
    config, root = folder / 'session.yaml', folder / 'dataset'
    config.write_text(yaml.safe_dump(SECTIONS))
    strangers = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name('foreign_types.py')), '90']
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


def test_every_type_is_in_every_row(recorded):
    reader = DatasetReader(recorded)
    rows = reader.episode(0).rows
    assert validate_dataset(recorded) == []
    state = rows['observation.state']
    assert len(state) == 60 and np.ptp(state[:, 0]) > 0.1
    assert state[:, 1] == pytest.approx(-state[:, 0])
    assert rows['action'].ravel() == pytest.approx(state[:, 0], abs=0.1)
    assert rows['observation.base'][:, 0] == pytest.approx(state[:, 0], abs=0.05)
    assert rows['observation.battery'][5].tolist() == [12.5, 0.5]
    assert np.unique(rows['observation.temperature']).tolist() == [21.5]
    assert rows['observation.speed'][:, 0] == pytest.approx(state[:, 0], abs=0.05)
    assert np.unique(rows['observation.door']).tolist() == [1]
    assert rows['observation.codes'][5].tolist() == [3, 4]
    names = {key: entry['names'] for key, entry in reader.features.items()}
    assert names['observation.state'] == ['a.pos', 'b.pos']
    assert names['observation.battery'] == ['voltage', 'percentage']
    assert names['observation.base'][3:5] == ['base.rotation.x', 'base.rotation.y']
    frame = next(iter(reader.episode(0).frames('observation.images.thermal')))
    assert abs(frame.astype(int) - 200).max() <= 3


def test_a_text_is_kept_as_it_is_and_as_its_number(recorded):
    rows = DatasetReader(recorded).episode(0).rows
    numbers = [('reach', 'grasp').index(text) for text in rows['subtask']]
    assert numbers == rows['observation.phase'].ravel().tolist() and set(numbers) == {0, 1}


def test_point_clouds_are_kept_as_they_came(recorded):
    (path,) = (recorded / 'meta/ros/episodes').glob('*.points.parquet')
    table = NativeTable(path)
    kept = [decode(entry.raw, table.types) for entry in table.messages()]
    assert 20 <= len(kept) <= 65 and kept[0].header.frame_id == 'lab'
    assert all(len(cloud.data) == 8 and cloud.fields[0].name == 'x' for cloud in kept)
