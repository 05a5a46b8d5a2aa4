"""Attaching to the graphs of strangers as a user does it: first file, check, recording."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from lerobot_recorder.dataset.dataset_reader import DatasetReader

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD = [
    {'topic': '/lab/joint_states', 'hz': 60, 'names': ['elbow', 'gripper']},
    {'topic': '/lab/forward_position_controller/commands', 'kind': 'array', 'hz': 40},
    {'topic': '/lab/front/image_raw', 'kind': 'image', 'hz': 20, 'best_effort': True},
    {'topic': '/lab/ft/wrench', 'kind': 'wrench', 'hz': 200},
    {'topic': '/lab/gone/image_raw', 'kind': 'image', 'hz': 0},
]
STRANGE = [
    {'topic': '/joint_states', 'hz': 50},
    {'topic': '/joint_states', 'hz': 50, 'node': 'hand', 'best_effort': True},
    {'topic': '/controller/commands', 'kind': 'text', 'hz': 20},
    {'topic': '/ahead/image_raw', 'kind': 'image', 'hz': 20, 'ahead_s': 2.0},
    {'topic': '/zero/image_raw', 'kind': 'image', 'hz': 20, 'ahead_s': 'zero'},
    {'topic': '/slow/image_raw', 'kind': 'image', 'hz': 8},
]


@contextmanager
def publishers(spec: list[dict]) -> Iterator[None]:
    command = [sys.executable, str(HERE / 'foreign_streams.py'), yaml.safe_dump(spec)]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def start(*flags: str, cwd: Path) -> subprocess.Popen:
    command = [sys.executable, '-m', 'lerobot_drivers.cli', 'record', *flags]
    return subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def run(*flags: str, cwd: Path, expect: int = 0) -> str:
    process = start(*flags, cwd=cwd)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == expect, said
    assert 'Traceback' not in said
    return said


def test_a_first_file_records_and_the_streams_are_told(graph, tmp_path, monkeypatch):
    from diagnostic_msgs.msg import DiagnosticArray

    monkeypatch.setenv('COLUMNS', '140')
    heard = graph.listen(DiagnosticArray, '/diagnostics')
    with publishers(GOOD):
        said = run('--init', '--dataset.fps=20', cwd=tmp_path)
        assert '/lab/gone/image_raw' in said and 'no message came' in said
        recording = start(
            '--config_path=record.yaml', '--dataset.root=set', '--dataset.num_episodes=1',
            '--dataset.episode_time_s=2', '--recorder.allow_low_rate=true', cwd=tmp_path,
        )  # fmt: skip
        while recording.poll() is None:
            graph.spin(0.2)
        said, _ = recording.communicate()
    assert recording.returncode == 0, said
    assert 'front /lab/front/image_raw' in said and 'episode 0 saved: 40 frames, ' in said
    reader = DatasetReader(tmp_path / 'set')
    assert reader.info['fps'] == 20
    assert reader.features['action']['names'] == ['elbow.pos', 'gripper.pos']
    assert list((tmp_path / 'set/meta/ros/episodes').glob('*.lab_ft_wrench.parquet'))
    arrays = [[(s.name, s.hardware_id) for s in one.status] for one in heard]
    folder = str(tmp_path / 'set')
    assert [('recorder: session', folder), ('recorder: /lab/joint_states', 'observation.state'),
            ('recorder: /lab/forward_position_controller/commands', 'action'),
            ('recorder: /lab/front/image_raw', 'observation.images.front')] in arrays  # fmt: skip


def test_what_is_strange_is_told_all_at_once_and_nothing_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv('COLUMNS', '400')
    with publishers(STRANGE):
        said = run(
            '--dataset.repo_id=a/b', '--dataset.single_task=x', '--dataset.root=set',
            '--dataset.fps=20', '--topics.action=/controller/commands', '--check=true',
            cwd=tmp_path, expect=1,
        )  # fmt: skip
    lines = {word: line for line in said.splitlines() for word in line.split()[1:2]}
    assert '2 publishers: /hand, /lab' in lines['state']
    assert 'best effort is taken' in lines['state']
    assert 'std_msgs/msg/String holds no numbers' in lines['action']
    assert 's ahead of ours' in lines['ahead']
    assert 'header stamps are zero' in lines['zero']
    assert 'pictures/s, the dataset says 20' in lines['slow']
    (error,) = [line for line in said.splitlines() if line.startswith('error: ')]
    assert error.startswith('error: 2 things stand against recording: action /controller/commands')
    assert not (tmp_path / 'set').exists()
