"""``lerobot-ros teleoperate`` up to where processes start."""

from __future__ import annotations

from pathlib import Path

import pytest

from lerobot_drivers.common import graph
from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import ConfigError, GraphError, UsageError
from lerobot_drivers.common.supervisor import Death
from lerobot_teleop.commands import teleoperate

ROBOT = ['--robot.type=so101_follower', '--robot.port=sim://t/arm']
TELEOP = ['--teleop.type=so101_leader', '--teleop.port=sim://t/leader']


@pytest.fixture
def started(monkeypatch, tmp_path):
    made = {'deaths': [], 'clock': ManualClock()}

    class Supervisor:
        def __init__(self, specs, log_dir, say):
            made['specs'] = [spec.name for spec in specs]

        def run(self, until):
            made['until'] = until
            return made['deaths']

    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'log'))
    for name in ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY'):
        monkeypatch.setenv(name, '7')
    monkeypatch.setattr(graph, 'require_rclpy', lambda: None)
    monkeypatch.setattr(teleoperate, 'Supervisor', Supervisor)
    monkeypatch.setattr(teleoperate, 'SystemClock', lambda: made['clock'])
    return made


def test_robot_mux_and_leader(started, capsys):
    assert teleoperate.run([*ROBOT, *TELEOP]) == 0
    assert started['specs'] == ['arm', 'command_mux', 'teleop']
    assert capsys.readouterr().out.splitlines()[-1] == 'stopped'


def test_several_robots_follow_their_leaders(started, tmp_path, capsys):
    for name in ('a', 'b'):
        text = (
            f'robot: {{type: so101_follower, id: {name}, port: "sim://t/{name}"}}\n'
            f'teleop: {{type: so101_leader, id: {name}_l, port: "sim://t/{name}_l"}}\n'
        )
        (tmp_path / f'{name}.yaml').write_text(text)
    assert teleoperate.run([f'--robots.config_paths=[{tmp_path}/a.yaml, {tmp_path}/b.yaml]']) == 0
    each = ['arm', 'command_mux', 'teleop']
    assert started['specs'] == [f'{name}_{spec}' for name in 'ab' for spec in each]
    assert '/a and /b follow their operators' in capsys.readouterr().out


def test_it_ends_when_its_time_is_up_and_never_without_one(started):
    teleoperate.run([*ROBOT, *TELEOP])
    started['clock'].advance(1e8)
    assert not started['until']()
    teleoperate.run([*ROBOT, *TELEOP, '--teleop_time_s=2.5'])
    started['clock'].advance(2.4)
    assert not started['until']()
    started['clock'].advance(0.2)
    assert started['until']()


def test_a_process_that_died_is_an_error(started):
    started['deaths'] = [Death('arm', 1, 'unplugged', Path('/log'))]
    with pytest.raises(GraphError, match='arm ended with exit code 1: unplugged'):
        teleoperate.run([*ROBOT, *TELEOP])


@pytest.mark.parametrize(
    ('arguments', 'error', 'told'),
    [
        (TELEOP, UsageError, r'name a --robot\.type and its --robot\.port'),
        (ROBOT, UsageError, r'name a --teleop\.type'),
        ([*ROBOT, *TELEOP, '--teleop_time_s=.nan'], UsageError, '--teleop_time_s is a number of'),
        ([*ROBOT, *TELEOP, '--teleop_time_s=soon'], UsageError, "seconds, found 'soon'"),
        ([*ROBOT, *TELEOP, '--dataset.repo_id=a/b'], UsageError, 'unknown flag --dataset; known'),
        ([*ROBOT, '--teleop.type=so999'], ConfigError, "unknown teleoperator type 'so999'"),
        (['--robot.type=so999', *TELEOP], ConfigError, "unknown robot type 'so999'"),
        ([*ROBOT, *TELEOP, '--robot.prot=x'], ConfigError, 'robot.prot is not a known key'),
    ],
)
def test_a_mistake_starts_nothing(started, tmp_path, arguments, error, told):
    with pytest.raises(error, match=told):
        teleoperate.run(arguments)
    assert 'specs' not in started and not (tmp_path / 'log').exists()
