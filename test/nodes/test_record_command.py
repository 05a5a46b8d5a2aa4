"""``lerobot-ros`` as its user runs it: whole graphs, real processes, simulated devices."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from lerobot_drivers.urdf.models import robot_urdf
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
CLI = [sys.executable, '-m', 'lerobot_drivers.cli']
JOINTS = ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper')


def run(*arguments: str, expect: int = 0) -> str:
    """Run a command to its end and return what it said; nothing comes on a wrong exit code."""
    done = subprocess.run(
        [*CLI, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == expect, said
    assert 'Traceback' not in said, said
    return said


@pytest.fixture(scope='module')
def config(tmp_path_factory) -> Path:
    """A small session: half-size pictures keep two cores free."""
    sections = yaml.safe_load((ROOT / 'config' / 'so101_sim.yaml').read_text())
    for camera in sections['robot']['cameras'].values():
        camera |= {'width': 320, 'height': 240}
    sections['dataset'] |= {'num_episodes': 2, 'episode_time_s': 2, 'reset_time_s': 0.5}
    path = tmp_path_factory.mktemp('config') / 'session.yaml'
    path.write_text(yaml.safe_dump(sections))
    return path


@pytest.fixture(scope='module')
def recorded(config, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('recorded') / 'dataset'
    run('record', f'--config_path={config}', f'--dataset.root={root}')
    return root


def records(root: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in (root / 'meta/ros/episodes').glob('*.json')]


def test_records_what_was_asked_for(recorded):
    reader = DatasetReader(recorded)
    assert [episode.length for episode in reader.episodes()] == [60, 60]
    assert reader.info['robot_type'] == 'so_follower'
    assert reader.features['action']['names'] == [f'{joint}.pos' for joint in JOINTS]
    assert reader.cameras == ['observation.images.front', 'observation.images.wrist']
    assert [f for f in validate_dataset(recorded, decode=True) if f.severity == 'error'] == []


def test_the_follower_follows(recorded):
    rows = DatasetReader(recorded).episode(1).rows
    state, action = rows['observation.state'], rows['action']
    assert np.ptp(action[:, :5], axis=0).max() > 1.0, 'the operator stood still'
    lag = np.abs(state[3:, :5] - action[:-3, :5])
    assert lag.mean() < 2.0


def test_nothing_is_wrong_with_the_streams(recorded):
    for record in records(recorded):
        for stream in record['details']['streams'].values():
            assert stream['fresh'] + stream['held'] + stream['repeats'] + stream['slips'] >= 60
            assert set(stream['clock']) == {'header'}
            assert stream['unusable'] == 0


def test_what_the_robot_looks_like_is_kept(recorded):
    for record in records(recorded):
        (versions,) = record['details']['kept']['files']['robot_description'].values()
        kept = recorded / 'meta/ros/files' / versions[0]['file']
        assert kept.read_text() == robot_urdf('so101_follower')


def test_info_validate_and_filmstrip(recorded, tmp_path):
    film = tmp_path / 'film.png'
    assert '2 episodes, 120 frames' in run('info', str(recorded), f'--filmstrip={film}')
    assert film.stat().st_size > 10_000
    assert 'valid' in run('validate', str(recorded), '--decode=true')


def test_resume_adds_episodes(config, recorded, tmp_path):
    run('record', f'--config_path={config}', f'--dataset.root={recorded}', '--resume=true',
        '--dataset.num_episodes=1', '--dataset.episode_time_s=1')  # fmt: skip
    assert [episode.length for episode in DatasetReader(recorded).episodes()] == [60, 60, 30]
    assert [f for f in validate_dataset(recorded) if f.severity == 'error'] == []


def test_replay_brings_the_arm_where_it_was(recorded):
    said = run('replay', '--robot.type=so101_follower', '--robot.port=sim://replay/follower',
               f'--dataset.root={recorded}', '--dataset.episode=1')  # fmt: skip
    assert 'replayed' in said


def test_a_policy_can_be_recorded(config, tmp_path):
    root = tmp_path / 'policy'
    run('record', f'--config_path={config}', f'--dataset.root={root}', '--control_mode=policy',
        '--dataset.num_episodes=1', '--dataset.episode_time_s=3')  # fmt: skip
    rows = DatasetReader(root).episode(0).rows
    assert len(rows['action']) == 90
    assert np.ptp(rows['action'][:, :5], axis=0).max() > 1.0


def test_ctrl_c_keeps_what_was_recorded(config, tmp_path):
    root = tmp_path / 'interrupted'
    process = subprocess.Popen(
        [*CLI, 'record', f'--config_path={config}', f'--dataset.root={root}',
         '--dataset.episode_time_s=60'],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith('recording'):
            break
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert '1 episode saved' in said
    assert DatasetReader(root).episode(0).length > 20
    assert [f for f in validate_dataset(root, decode=True) if f.severity == 'error'] == []


def test_a_graph_of_strangers_is_recorded_with_defaults(tmp_path):
    root = tmp_path / 'strangers'
    strangers = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name('foreign_graph.py')), '40']
    )
    try:
        run('record', '--dataset.repo_id=lab/strangers', f'--dataset.root={root}',
            '--dataset.single_task=look', '--dataset.num_episodes=1',
            '--dataset.episode_time_s=3')  # fmt: skip
    finally:
        strangers.terminate()
        strangers.wait(timeout=30)
    reader = DatasetReader(root)
    assert reader.features['observation.state']['names'] == [
        'gripper.pos', 'elbow.pos', 'shoulder.pos',
    ]  # fmt: skip
    assert reader.cameras == [
        'observation.images.left_camera', 'observation.images.right_camera',
    ]  # fmt: skip
    episode = reader.episode(0)
    assert episode.length == 90
    assert not np.isnan(episode.rows['observation.state']).any()
    red, _, blue = episode.frame('observation.images.left_camera', 45)[120, 160]
    assert blue > 180 > red, 'bgr8 was taken for rgb8'
    assert [f for f in validate_dataset(root, decode=True) if f.severity == 'error'] == []
    (record,) = records(root)
    streams = record['details']['streams']
    assert set(streams['action']['clock']) == {'source'}
    assert streams['action']['missing_stamps'] > 0


WRONG = {
    'no such port': (['--robot.port=/dev/ttyNOPE'], '/dev/ttyNOPE'),
    'no such camera': (['--robot.cameras.front.index_or_path=77'], 'camera front'),
    'no such robot': (['--robot.type=so999'], 'so999'),
    'no such leader': (['--teleop.type=so999'], 'so999'),
    'no such policy': (['--control_mode=policy', '--policy.type=gpt'], 'gpt'),
    'no task': (['--dataset.single_task='], 'dataset.single_task'),
    'not a number': (['--dataset.fps=fast'], 'dataset.fps'),
    'no such key': (['--robot.colour=red'], 'robot.colour'),
    'no such mode': (['--control_mode=telepathy'], 'telepathy'),
}


@pytest.mark.parametrize('name', WRONG)
def test_mistakes_give_one_line_and_leave_nothing(name, config, tmp_path):
    flags, told = WRONG[name]
    root = tmp_path / 'dataset'
    rc = 2 if name == 'no such mode' else 1
    said = run('record', f'--config_path={config}', f'--dataset.root={root}', *flags, expect=rc)
    errors = [line for line in said.splitlines() if line.startswith('error:')]
    assert len(errors) == 1, said
    assert told in errors[0]
    assert not root.exists()


def test_a_taken_folder_is_refused_before_anything_starts(config, tmp_path):
    (tmp_path / 'mine.txt').write_text('precious')
    said = run('record', f'--config_path={config}', f'--dataset.root={tmp_path}', expect=1)
    assert '--resume=true' in said
    assert [path.name for path in tmp_path.iterdir()] == ['mine.txt']


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        ([], 'usage'),
        (['dance'], 'dance'),
        (['record', 'now'], 'now'),
        (['record', '--datset.fps=3'], 'datset'),
        (['convert'], 'BAG'),
    ],
)
def test_wrong_command_lines(arguments, told):
    assert told in run(*arguments, expect=2)


def test_missing_topics_are_named(tmp_path):
    flags = ['--dataset.repo_id=a/b', f'--dataset.root={tmp_path}', '--dataset.single_task=look']
    said = run('record', *flags, '--recorder.prepare_timeout_s=3', expect=1)
    assert 'no topic looks like joint states' in said
