"""``lerobot-ros replay`` up to where processes start; whole graphs are in test/nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from lerobot_drivers.common import graph
from lerobot_drivers.common.errors import ConfigError, DatasetError, GraphError, UsageError
from lerobot_drivers.common.supervisor import Death
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_policy.commands import replay
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter

ROBOT = ['--robot.type=so101_follower', '--robot.port=sim://t/arm']


@pytest.fixture
def root(tmp_path):
    keys = list(make_robot(RobotConfig(type='so101_follower', port='x')).action_features)
    feature = {'dtype': 'float32', 'shape': [6], 'names': keys}
    with DatasetWriter.create(tmp_path / 'set', DatasetInfo(30, {'action': feature})) as writer:
        for _ in range(5):
            writer.add_frame({'action': np.zeros(6, np.float32)}, {}, 'wave')
        writer.save_episode()
    return tmp_path / 'set'


@pytest.fixture
def started(monkeypatch, tmp_path):
    made = {'deaths': []}

    class Supervisor:
        def __init__(self, specs, log_dir, say):
            made['specs'] = {spec.name: spec for spec in specs}

        def run(self):
            return made['deaths']

    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'log'))
    for name in ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY'):
        monkeypatch.setenv(name, '7')
    monkeypatch.setattr(graph, 'require_rclpy', lambda: None)
    monkeypatch.setattr(replay, 'Supervisor', Supervisor)
    return made


def death(name, code):
    return Death(name, code, 'oh', Path('/log'))


def run(root, *more):
    return replay.run([*ROBOT, f'--dataset.root={root}', *more])


def test_the_graph_is_the_robot_without_cameras_and_the_policy(root, started, capsys):
    started['deaths'] = [death('policy', 0)]
    cameras = (
        '--robot.cameras={front: {type: opencv, index_or_path: 0, width: 8, height: 8, fps: 9}}'
    )
    assert run(root, cameras, '--policy.approach_timeout_s=3', '--robot.id=black') == 0
    assert list(started['specs']) == ['arm', 'command_mux', 'policy']
    policy = started['specs']['policy']
    assert policy.parameters['exit_when_ended'] is True and policy.namespace == '/black'
    session = yaml.safe_load(Path(policy.parameters['config_file']).read_text())
    assert session['robot']['cameras'] == {}
    assert session['policy'] == {
        'approach_timeout_s': 3, 'type': 'replay', 'path': str(root), 'episode': 0,
        'postprocessor': [],
    }  # fmt: skip
    said = capsys.readouterr().out.splitlines()
    assert said[-2].startswith(f'/black replays episode 0 of {root}; Ctrl-C ends it')
    assert said[-1] == 'replayed'


def test_ctrl_c_is_no_error(root, started, capsys):
    assert run(root) == 0
    assert capsys.readouterr().out.splitlines()[-1] == 'stopped'


@pytest.mark.parametrize('dead', [('policy', 1), ('arm', 0), ('arm', 1)])
def test_a_process_that_died_is_an_error(root, started, dead):
    started['deaths'] = [death(*dead)]
    with pytest.raises(GraphError, match=f'{dead[0]} ended with exit code {dead[1]}: oh'):
        run(root)


@pytest.mark.parametrize(
    ('more', 'error', 'told'),
    [
        (['--dataset.episode=3'], ConfigError, 'no episode 3 in .*; episodes there: 0 to 0'),
        (['--dataset.episode=last'], UsageError, "episode is a whole number, found 'last'"),
        (['--dataset.episode=true'], UsageError, 'episode is a whole number, found True'),
        (['--dataset.epsiode=3'], UsageError, 'unknown flag --dataset.epsiode'),
        (['--dataset.fps=3'], UsageError, '--dataset.fps is not taken here: a dataset has'),
        (['--teleop.type=x'], UsageError, 'unknown flag --teleop'),
        (['--dataset.root=/nope'], DatasetError, 'there is no dataset at /nope'),
        (['--policy.speed=3'], ConfigError, 'policy.speed is not a known key'),
        (['--policy=fast'], ConfigError, "section policy must be a mapping, found 'fast'"),
        (['--robot.type=so999'], ConfigError, "unknown robot type 'so999'"),
    ],
)
def test_a_mistake_starts_nothing(root, started, tmp_path, more, error, told):
    with pytest.raises(error, match=told):
        run(root, *more)
    assert 'specs' not in started and not (tmp_path / 'log').exists()


def test_without_a_robot(root):
    with pytest.raises(UsageError, match=r'name a --robot\.type'):
        replay.run([f'--dataset.root={root}'])


def test_a_session_file_of_recording_will_do(root, started, tmp_path):
    path = tmp_path / 'session.yaml'
    path.write_text(
        'robot: {type: so101_follower, port: sim://t/arm}\nteleop: {type: so101_leader}\n'
        f'dataset: {{repo_id: me/set, root: {root}, fps: 30, num_episodes: 3}}\n'
        'policy: {type: scripted, seed: 3}\nmux: {}\nrecorder: {}\n'
    )
    assert replay.run([f'--config_path={path}']) == 0
    assert list(started['specs']) == ['arm', 'command_mux', 'policy']


def several(tmp_path, root, datasets):
    names = [
        f'{robot}_{name}'
        for robot in ('left', 'right')
        for name in make_robot(RobotConfig(type='so101_follower', port='x')).action_features
    ]
    for folder, keys in (('one', names), ('each_left', names[:6]), ('each_right', names[6:])):
        keys = names if folder == 'one' else [key.partition('_')[2] for key in keys]
        feature = {'dtype': 'float32', 'shape': [len(keys)], 'names': keys}
        with DatasetWriter.create(root / folder, DatasetInfo(30, {'action': feature})) as writer:
            writer.add_frame({'action': np.zeros(len(keys), np.float32)}, {}, 'wave')
            writer.save_episode()
    arms = [
        f'{{robot: {{type: so101_follower, id: {side}, port: sim://t/{side}}}, '
        'policy: {type: scripted, approach_timeout_s: 3}}'
        for side in ('left', 'right')
    ]
    path = tmp_path / 'several.yaml'
    path.write_text(
        f'robots: {{datasets: {datasets}, members: [{", ".join(arms)}]}}\n'
        f'dataset: {{root: {root / datasets}}}\n'
    )
    return path


@pytest.mark.parametrize('datasets', ['one', 'each'])
def test_several_robots_replay_together(tmp_path, started, capsys, datasets):
    path = several(tmp_path, tmp_path / 'sets', datasets)
    started['deaths'] = [death('left_policy', 0)]
    assert replay.run([f'--config_path={path}']) == 0
    for side, other in (('left', 'right'), ('right', 'left')):
        policy = started['specs'][f'{side}_policy']
        assert policy.parameters['together_with'] == f'/{other}'
        session = yaml.safe_load(Path(policy.parameters['config_file']).read_text())
        assert session['policy']['approach_timeout_s'] == 3
        folder = 'one' if datasets == 'one' else f'each_{side}'
        assert session['policy']['path'] == str(tmp_path / 'sets' / folder)
        assert session['policy'].get('prefix') == (f'{side}_' if datasets == 'one' else None)
    assert '/left and /right replay episode 0 of ' in capsys.readouterr().out
    started['deaths'] = [death('left_arm', 0)]
    with pytest.raises(GraphError, match='left_arm ended'):
        replay.run([f'--config_path={path}'])
