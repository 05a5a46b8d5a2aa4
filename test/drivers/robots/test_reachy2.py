"""Reachy 2 without an SDK: settings, units, limits, and what is said when the SDK is missing."""

from __future__ import annotations

import math
import os
import signal
import sys

import numpy as np
import pytest

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import ConfigError, DeviceError, NotConnectedError
from lerobot_drivers.robots import CameraConfig, RobotConfig, make_robot
from lerobot_drivers.robots import reachy2_link as link_module
from lerobot_drivers.robots.base_config import BaseConfig
from lerobot_drivers.robots.reachy2_link import ReachyLink, sdk_python

SIM = {'type': 'reachy2', 'port': 'sim://none/reachy'}

GOLDEN = {
    # dataset value (LeRobot and the SDK, deg, m/s) -> topic and wire (rad, m/s)
    'neck_yaw.pos': (30.0, 0.5235987755982988),
    'l_elbow_pitch.pos': (-90.0, -1.5707963267948966),
    'r_gripper.pos': (130.0, 2.2689280275926285),
    'l_antenna.pos': (-57.29577951308232, -1.0),
    'mobile_base.vx': (0.4, 0.4),
    'mobile_base.vy': (-0.25, -0.25),
    'mobile_base.vtheta': (90.0, 1.5707963267948966),
}


class FakeLink:
    """A worker that answers by a list."""

    def __init__(self, positions=21):
        self.asked = []
        self.is_open = True
        self.state = {
            'stamp_ns': 1,
            'position': [0.0] * positions,
            'velocity': [0.0] * positions,
            'load': [0.0] * positions,
            'odometry': [0.0] * 6,
            'odometry_ns': 1,
        }

    def ask(self, operation, _timeout_s=1.0, **arguments):
        self.asked.append((operation, arguments))
        return dict(self.state) if operation == 'state' else {}

    def close(self):
        self.is_open = False

    def of(self, operation):
        return [arguments for name, arguments in self.asked if name == operation]


def reachy(**settings):
    """Return a robot whose link is ours."""
    robot = make_robot(RobotConfig(**SIM, **settings))
    robot.clock = ManualClock(0)
    robot._link = link = FakeLink(len(robot.joints))
    if robot.base is not None:
        robot.base._link = link
    return robot, link


def test_features_are_lerobots_24():
    robot, _ = reachy()
    assert robot.name == 'reachy2'
    assert len(robot.action_features) == 24
    keys = list(robot.action_features)
    assert keys[0] == 'neck_yaw.pos'
    assert keys[-3:] == ['mobile_base.vx', 'mobile_base.vy', 'mobile_base.vtheta']


@pytest.mark.parametrize('key', GOLDEN)
def test_golden_values(key):
    robot, link = reachy()
    value, topic = GOLDEN[key]
    (element,) = [element for element in robot.elements if element.feature == key]
    assert element.unit.from_dataset(value) == pytest.approx(topic, abs=1e-15)
    assert element.unit.to_dataset(topic) == pytest.approx(value, abs=1e-13)
    robot.send_action({key: value})
    operation, (name, wire) = ('set_goals', ('goals', None))
    if element.is_velocity:
        operation, name = 'set_speed', 'speed'
    wire = [number for number in link.of(operation)[0][name] if number]
    assert wire == pytest.approx([topic], abs=1e-15)


def test_goals_are_clamped_to_the_limits_the_rest_is_left_alone():
    robot, link = reachy()
    sent = robot.send_action({'l_elbow_pitch.pos': 500.0, 'r_gripper.pos': -90.0})
    assert sent == pytest.approx({'l_elbow_pitch.pos': math.degrees(0.1), 'r_gripper.pos': -5.0})
    assert sum(goal is not None for goal in link.of('set_goals')[0]['goals']) == 2


def test_max_relative_target_is_in_degrees_from_where_it_is():
    robot, link = reachy(max_relative_target=5.0)
    link.state['position'] = [0.1] * 21
    sent = robot.send_action({'neck_yaw.pos': 80.0})
    assert sent['neck_yaw.pos'] == pytest.approx(math.degrees(0.1) + 5.0)


@pytest.mark.parametrize(
    ('asked', 'sent'),
    [
        ((0.3, 0.1, 0.5), (0.3, 0.1, 0.5)),
        ((0.0, 1.0, 0.0), (0.0, 0.61, 0.0)),
        ((1.22, 0.61, 0.0), (0.61, 0.305, 0.0)),
        ((0.0, 0.0, -4.0), (0.0, 0.0, -114.0 * math.pi / 180.0)),
    ],
)
def test_a_base_is_within_its_caps_and_keeps_its_direction(asked, sent):
    robot, link = reachy()
    assert robot.base.drive(np.array(asked)) == pytest.approx(sent)
    assert link.of('set_speed')[0]['speed'] == pytest.approx(sent)


def test_ceilings_of_ours_are_kept_and_told():
    robot, _ = reachy(base=BaseConfig(max_linear_velocity=0.2))
    assert robot.base.drive(np.array([0.3, 0.4, 0.0])) == pytest.approx([0.12, 0.16, 0.0])
    assert [axis.upper for axis in robot.base.axes][:2] == pytest.approx([0.2, 0.2])


def test_a_stand_is_told_once():
    robot, link = reachy()
    for speed in (0.0, 0.1, 0.1, 0.0, 0.0):
        robot.base.drive(np.array([speed, 0.0, 0.0]))
    assert [asked['speed'][0] for asked in link.of('set_speed')] == [0.1, 0.1, 0.0]


def test_who_is_commanded_by_others_is_read_only():
    robot, link = reachy(use_external_commands=True)
    assert robot.send_action({'neck_yaw.pos': 10.0, 'mobile_base.vx': 0.3}) == pytest.approx(
        {'mobile_base.vx': 0.0, 'mobile_base.vy': 0.0, 'mobile_base.vtheta': 0.0}
    )
    assert not link.of('set_goals')
    assert not link.of('set_speed')


def test_infinite_goals_are_refused_as_a_whole():
    robot, link = reachy()
    goal = np.zeros(21)
    goal[3] = math.inf
    assert np.isnan(robot.write_goal(goal)).all()
    assert not link.of('set_goals')
    assert robot.health()['refused_commands'] == 1.0


@pytest.mark.parametrize('action', [{'neck_yaw': 1.0}, {'neck_yaw.pos': math.nan}])
def test_an_action_that_it_cannot_take_is_refused_by_name(action):
    robot, _ = reachy()
    with pytest.raises(DeviceError, match='neck_yaw'):
        robot.send_action(action)


def test_a_velocity_that_the_robot_does_not_tell_is_taken_from_two_states():
    robot, link = reachy()
    link.state['velocity'] = [math.nan] * 21
    assert robot.read_state().velocity.tolist() == [0.0] * 21
    link.state |= {'stamp_ns': 10_000_001, 'position': [0.02] * 21}
    assert robot.read_state().velocity == pytest.approx([2.0] * 21)


@pytest.mark.parametrize('setting', [None, True, False])
def test_what_disconnecting_does(setting):
    robot, link = reachy(disable_torque_on_disconnect=setting)
    robot.base.drive(np.array([0.2, 0.0, 0.0]))
    robot.disconnect()
    assert link.of('set_speed')[-1]['speed'] == [0.0, 0.0, 0.0]
    assert link.of('turn_off') == ([{'smoothly': True}] if setting else [])
    assert not robot.is_connected


def test_its_home_is_the_sdks_posture_and_hands_hold_what_they_hold():
    robot, _ = reachy()
    home = dict(zip([joint.name for joint in robot.joints], np.degrees(robot.home), strict=True))
    assert home['r_shoulder_roll'] == pytest.approx(10.0)
    assert home['l_elbow_yaw'] == pytest.approx(10.0)
    assert home['r_elbow_pitch'] == 0.0
    assert math.isnan(home['l_gripper'])
    assert all(
        joint.lower <= at <= joint.upper or math.isnan(at)
        for joint, at in zip(robot.joints, robot.home, strict=True)
    )


def test_parts_that_are_left_out_are_in_no_feature():
    robot, _ = reachy(with_mobile_base=False, with_neck=False, with_antennas=False)
    assert robot.base is None
    assert len(robot.action_features) == 16


@pytest.mark.parametrize(
    ('settings', 'told'),
    [
        (
            {f'with_{p}': False for p in ('neck', 'l_arm', 'r_arm', 'antennas', 'mobile_base')},
            'without any part',
        ),
        ({'port': '/dev/ttyACM0'}, r'--robot.ip_address=HOST.*robot.port=/dev/ttyACM0'),
        ({'sdk_python': '/nowhere/python'}, 'sdk_python.*/nowhere/python, which is no program'),
        ({'max_relative_target': {'elbow': 1.0}}, 'max_relative_target must give a number for'),
        (
            {'with_mobile_base': False, 'base': BaseConfig(max_linear_velocity=0.2)},
            'no mobile base',
        ),
    ],
)
def test_settings_that_it_cannot_obey(settings, told):
    with pytest.raises(ConfigError, match=told):
        make_robot(RobotConfig(**{**SIM, **settings}))


def test_its_settings_are_told_of_nothing_else():
    config = RobotConfig(type='so101_follower', port='sim://none/arm', ip_address='10.0.0.1')
    with pytest.raises(ConfigError, match=r'robot.ip_address cannot be told of a so101_follower'):
        make_robot(config)


def test_the_interpreter_is_told_by_flag_then_by_environment(monkeypatch):
    monkeypatch.setenv(link_module.PYTHON_VARIABLE, '/bin/sh')
    assert sdk_python(None) == '/bin/sh'
    assert sdk_python(sys.executable) == sys.executable
    monkeypatch.delenv(link_module.PYTHON_VARIABLE)
    assert sdk_python(None) == sys.executable


def without_sdk(folder):
    """Return an interpreter that has nothing but its standard library."""
    python = folder / 'python'
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    return str(python)


def test_a_missing_sdk_is_named_with_the_remedy(tmp_path):
    python = without_sdk(tmp_path)
    robot = make_robot(RobotConfig(**SIM, sdk_python=python))
    with pytest.raises(NotConnectedError) as caught:
        robot.connect()
    text = str(caught.value)
    for part in (python, 'reachy2_sdk', 'lerobot_ros[reachy2]', '--robot.sdk_python='):
        assert part in text
    assert '\n' not in text
    assert not robot.is_connected


def test_the_robot_and_a_camera_that_are_missing_are_told_together(tmp_path):
    camera = CameraConfig(index_or_path='/dev/none', width=64, height=48, fps=30)
    config = RobotConfig(**SIM, sdk_python=without_sdk(tmp_path), cameras={'front': camera})
    with pytest.raises(NotConnectedError) as caught:
        make_robot(config, with_cameras=True).connect()
    assert set(caught.value.failures) == {'robot', 'camera front'}


def test_nobody_at_an_address_is_told_with_it():
    robot = make_robot(RobotConfig(type='reachy2', ip_address='127.255.255.1'))
    with pytest.raises(
        NotConnectedError, match=r'no Reachy answers at 127.255.255.1.*refused'
    ) as caught:
        robot.connect()
    assert '\n' not in str(caught.value)
    with pytest.raises(DeviceError, match='not connected'):
        robot.read_state()


def test_a_worker_that_dies_or_hangs_is_an_error_and_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(link_module, 'START_S', 0.2)
    hangs = tmp_path / 'hangs'
    hangs.write_text('#!/bin/sh\nexec sleep 60\n')
    hangs.chmod(0o755)
    link = ReachyLink(str(hangs), 'Reachy')
    with pytest.raises(DeviceError, match=r'Reachy did not answer within 0.2 s'):
        link.open()
    assert not link.is_open
    with pytest.raises(DeviceError, match='not connected'):
        link.ask('state')
    monkeypatch.setattr(link, '_raise_error', lambda _: None)
    monkeypatch.setattr(link_module, 'START_S', 30.0)
    link._python = without_sdk(tmp_path)
    link.open()
    os.kill(link._process.pid, signal.SIGKILL)
    with pytest.raises(DeviceError, match='its worker has'):
        link.ask('state')
    assert not link.is_open
