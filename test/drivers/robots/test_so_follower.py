"""The follower on scripted servos: reading, commanding, limits, faults."""

import math

import numpy as np
import pytest

from lerobot_drivers.common.errors import BusError, ConfigError, DeviceError
from lerobot_drivers.common.units import NormMode
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.robots.so_arm import JOINT_NAMES

GOAL, PRESENT = 42, 56


def test_reading_is_in_ros_units(make, servos, clock):
    robot = make()
    robot.connect()
    servos.set_word(1, PRESENT, 2100)
    servos.set_word(6, PRESENT, 1500)
    servos.set_word(1, 58, 0x8000 | 100)
    servos.set_word(6, 58, 100)
    servos.set_word(2, 60, 0x0400 | 250)
    servos.clock, servos.seconds_per_reply = clock, 0.002
    reading = robot.read_state()
    wire_ns = (8 + 6 + 6 * (6 + 15)) * 10_000
    assert reading.stamp_ns == clock.now_ns() - 2_000_000 + wire_ns // 2
    assert reading.position[0] == pytest.approx(100 * 2 * math.pi / 4095)
    assert reading.position[5] == pytest.approx(-0.174533 + 0.25 * 1.919863)
    assert reading.velocity[0] == pytest.approx(-100 * 2 * math.pi / 4095)
    assert reading.velocity[5] == pytest.approx(100 * 1.919863 / 2000)
    assert reading.effort.tolist() == [0, -0.25, 0, 0, 0, 0]


def test_observation_and_action_are_in_lerobots_units_and_keys(make, servos):
    robot = make()
    robot.connect()
    servos.set_word(1, PRESENT, 2100)
    observation = robot.get_observation()
    assert list(observation) == [f'{name}.pos' for name in JOINT_NAMES]
    assert observation['shoulder_pan.pos'] == 100 * 360 / 4095
    sent = robot.send_action({'shoulder_pan.pos': 10.0, 'gripper.pos': 25.0})
    assert sent == pytest.approx({'shoulder_pan.pos': 10.0, 'gripper.pos': 25.0})
    assert servos.word(1, GOAL) == 2113
    assert servos.word(6, GOAL) == 1500
    assert robot.observation_features == dict.fromkeys(observation, float)


def test_percent_mode(make, servos):
    robot = make(use_degrees=False)
    assert {joint.unit.mode for joint in robot.joints[:5]} == {NormMode.RANGE_M100_100}
    robot.connect()
    servos.set_word(1, PRESENT, 2500)
    assert robot.get_observation()['shoulder_pan.pos'] == 50.0
    assert robot.read_state().position[0] == pytest.approx(500 * 2 * math.pi / 4095)
    robot.send_action({'shoulder_pan.pos': -50.0})
    assert servos.word(1, GOAL) == 1500


def test_goals_are_clamped_to_the_calibrated_range(make, servos):
    robot = make()
    robot.connect()
    sent = robot.write_goal(np.array([9.0, -9.0, 0.0, 0.0, 0.0, 9.0]))
    assert sent[0] == pytest.approx(1000 * 2 * math.pi / 4095)
    assert [servos.word(number, GOAL) for number in (1, 2, 3, 6)] == [3000, 1000, 2000, 3000]
    limits = robot.joints[0]
    assert (limits.lower, limits.upper) == pytest.approx((-sent[0], sent[0]))


def test_a_full_turn_stays_within_the_encoder(make, servos, calibration, calibrate):
    calibrate(calibration | {'wrist_roll': MotorCalibration(5, 0, 50, 0, 4095)})
    robot = make()
    robot.connect()
    for asked, tick in ((9.0, 4095), (-9.0, 0)):
        robot.write_goal(np.array([math.nan] * 4 + [asked, math.nan]))
        assert servos.word(5, GOAL) == tick


def test_nan_leaves_a_joint_and_infinity_refuses_all(make, servos, caplog):
    robot = make()
    robot.connect()
    before = [servos.word(number, GOAL) for number in servos.memory]
    sent = robot.write_goal(np.array([math.nan, 0.1, *[math.nan] * 4]))
    assert np.isnan(sent).tolist() == [True, False, True, True, True, True]
    after = [servos.word(number, GOAL) for number in servos.memory]
    assert [a == b for a, b in zip(before, after, strict=True)] == [
        index != 1 for index in range(6)
    ]
    requests = len(servos.requests)
    for _ in range(3):
        assert np.isnan(robot.write_goal(np.array([0.0, 0.0, math.inf, 0.0, 0.0, 0.0]))).all()
    assert len(servos.requests) == requests
    assert robot.health()['refused_commands'] == 3
    assert caplog.text.count('refused') == 1


def test_the_last_clamp_is_in_ticks(make, servos):
    """Whoever writes past the limiter still cannot leave the calibrated range."""
    robot = make()
    robot.connect()
    robot.arm.write_goal(np.array([9.0, -9.0, 9.0, -9.0, 9.0, -9.0]))
    goals = [servos.word(number, GOAL) for number in servos.memory]
    assert goals == [3000, 1000] * 3


@pytest.mark.parametrize(
    ('action', 'said'),
    [
        ({'shoulder_pan.pos': math.nan}, 'shoulder_pan.pos=nan'),
        ({'gripper.pos': -math.inf}, 'gripper.pos=-inf'),
        ({'tail.pos': 1.0}, 'tail.pos'),
    ],
)
def test_actions_that_make_no_sense_are_refused(make, servos, action, said):
    robot = make()
    robot.connect()
    with pytest.raises(DeviceError, match=said):
        robot.send_action(action)


def test_step_is_limited_from_the_measured_position(make, servos):
    robot = make(max_relative_target=5.0)
    robot.connect()
    servos.set_word(1, PRESENT, 2000)
    sent = robot.send_action({'shoulder_pan.pos': 40.0, 'gripper.pos': 52.0})
    assert sent['shoulder_pan.pos'] == pytest.approx(5.0)
    assert servos.word(1, GOAL) == 2056
    assert sent['gripper.pos'] == pytest.approx(52.0)


def test_a_fresh_reading_saves_the_extra_read(make, servos, clock):
    robot = make(max_relative_target=5.0)
    robot.connect()
    robot.read_state()
    before = len(servos.requests)
    robot.write_goal(np.zeros(6))
    assert len(servos.requests) == before + 1
    clock.advance(1.0)
    robot.write_goal(np.zeros(6))
    assert len(servos.requests) == before + 3


def test_velocity_is_limited_from_where_torque_went_on(make, servos, clock):
    robot = make(max_velocity=1.0)
    servos.set_word(1, PRESENT, 2000)
    robot.connect()
    clock.advance(0.01)
    sent = robot.write_goal(np.full(6, 0.5))
    assert sent[0] == pytest.approx(0.01)
    assert robot.joints[0].velocity == 1.0


def test_limits_of_wrong_joints_are_refused_at_once(make):
    with pytest.raises(ConfigError, match='max_relative_target'):
        make(max_relative_target={'gripper': 1.0})


def test_wrong_shape_is_refused(make):
    robot = make()
    robot.connect()
    with pytest.raises(DeviceError, match='6 positions'):
        robot.write_goal(np.zeros(5))


def test_unconnected_use_says_so(make):
    robot = make()
    assert not robot.is_connected
    assert robot.is_calibrated
    for call in (robot.read_state, robot.enable_torque, lambda: robot.write_goal(np.zeros(6))):
        with pytest.raises(DeviceError, match=r'connect\(\) first'):
            call()
    robot.disconnect()


def test_one_failed_read_does_not_stop_and_many_name_the_joint(make, servos):
    robot = make()
    robot.connect()
    servos.ignored_requests = 2
    robot.read_state()
    assert robot.health()['retries'] == 2
    servos.silent = {3}
    with pytest.raises(BusError, match=r'/dev/fake: .*elbow_flex \(id 3\)'):
        robot.read_state()
    servos.silent = set()
    robot.read_state()
    assert robot.is_connected


def test_health_speaks_of_each_joint(make, servos):
    robot = make()
    assert robot.health()['state'] == 'never connected'
    robot.connect()
    servos.memory[2][65] = 32 | 4
    robot.read_state()
    health = robot.health()
    assert health['shoulder_pan.voltage'] == 7.4
    assert health['gripper.temperature'] == 30.0
    assert health['shoulder_lift.errors'] == 'overheat, overload'
    assert health['shoulder_pan.errors'] == 'none'
    assert health['port'] == '/dev/fake'


def test_camera_features(make):
    cameras = {'front': {'index_or_path': 0, 'width': 640, 'height': 480, 'fps': 30}}
    robot = make(cameras=cameras)
    assert robot.observation_features['front'] == (480, 640, 3)
    assert 'front' not in robot.action_features
