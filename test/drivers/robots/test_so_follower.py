"""The follower on scripted servos."""

import math

import numpy as np
import pytest

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import (
    BusError,
    CalibrationError,
    ConfigError,
    DeviceError,
    NotConnectedError,
)
from lerobot_drivers.common.units import NormMode
from lerobot_drivers.motors.calibration import MotorCalibration, save_calibration
from lerobot_drivers.robots import ROBOTS, RobotConfig, make_robot, make_robot_from_config
from lerobot_drivers.robots.so_arm import JOINT_NAMES
from lerobot_drivers.robots.so_follower import SOFollower

TORQUE, ACCELERATION, GOAL, LOCK, PRESENT = 40, 41, 42, 55, 56


def calibration(**changes):
    entries = {
        name: MotorCalibration(number, 0, 10 * number, 1000, 3000)
        for number, name in enumerate(JOINT_NAMES, start=1)
    }
    return {**entries, **changes}


def put_calibration(servos, entries):
    for entry in entries.values():
        servos.set_word(entry.id, 31, entry.homing_offset)
        servos.set_word(entry.id, 9, entry.range_min)
        servos.set_word(entry.id, 11, entry.range_max)


@pytest.fixture
def clock():
    return ManualClock(10**18)


@pytest.fixture
def make(servos, clock, tmp_path):
    """Make a follower on the scripted servos, its calibration file in place."""
    save_calibration(tmp_path / 'mine.json', calibration())
    put_calibration(servos, calibration())

    def made(**settings):
        settings = {'type': 'so101_follower', 'id': 'mine', 'port': '/dev/fake', **settings}
        config = build(RobotConfig, {'calibration_dir': tmp_path, **settings}, 'robot')
        return SOFollower(config, clock=clock, port_factory=lambda _: servos)

    return made


def writes_of(servos, number):
    return [(address, data) for each, address, data in servos.writes if each == number]


def test_goal_is_seeded_before_torque_on_connect(make, servos):
    for number in servos.memory:
        servos.set_word(number, GOAL, 1111)
    robot = make()
    robot.connect()
    for number, memory in servos.memory.items():
        writes = writes_of(servos, number)
        torque_on = writes.index((TORQUE, b'\x01'))
        goals = [data for address, data in writes[:torque_on] if address == GOAL]
        assert goals == [bytes(memory[PRESENT : PRESENT + 2])]
        assert memory[TORQUE] == 1
        assert memory[LOCK] == 1


def test_registers_after_connect_are_lerobots(make, servos):
    for memory in servos.memory.values():
        memory[7], memory[18], memory[21], memory[23], memory[33] = 250, 12 | 16, 32, 9, 3
    make().connect()
    for number, memory in servos.memory.items():
        assert (memory[7], memory[33], memory[ACCELERATION], memory[85]) == (0, 0, 254, 254)
        assert (memory[21], memory[22], memory[23]) == (16, 32, 0)
        assert memory[18] == 12
        grip = (servos.word(number, 16), servos.word(number, 28), memory[36])
        assert grip == ((500, 250, 25) if number == 6 else (0, 0, 0))


def test_an_arm_that_holds_does_not_fall_when_its_driver_starts_again(make, servos):
    make().connect()
    servos.writes.clear()
    again = make()
    again.connect()
    assert (TORQUE, b'\x00') not in [write[1:] for write in servos.writes]
    assert {address for _, address, _ in servos.writes} == {ACCELERATION, GOAL, TORQUE, LOCK}


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
    assert reading.stamp_ns == clock.now_ns() - 1_000_000
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


def test_a_full_turn_stays_within_the_encoder(make, servos, tmp_path):
    turn = calibration(wrist_roll=MotorCalibration(5, 0, 50, 0, 4095))
    save_calibration(tmp_path / 'mine.json', turn)
    put_calibration(servos, turn)
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


def test_unplugged_then_connected_again(make, servos):
    robot = make()
    robot.connect()
    servos.unplugged = True
    with pytest.raises(DeviceError, match='unplugged'):
        robot.read_state()
    assert not robot.is_connected
    servos.unplugged = False
    robot.connect()
    robot.read_state()


def test_disconnect_lets_go_or_holds_as_configured(make, servos):
    robot = make()
    robot.connect()
    robot.disconnect()
    assert [memory[TORQUE] for memory in servos.memory.values()] == [0] * 6
    assert not servos.opened
    robot = make(disable_torque_on_disconnect=False)
    robot.connect()
    robot.disconnect()
    assert [memory[TORQUE] for memory in servos.memory.values()] == [1] * 6


def test_disconnect_of_a_lost_arm_warns_and_closes(make, servos, caplog):
    robot = make()
    robot.connect()
    servos.silent = {2}
    robot.disconnect()
    assert 'torque may still be on' in caplog.text
    assert not servos.opened
    assert [memory[TORQUE] for memory in servos.memory.values()] == [0, 1, 0, 0, 0, 0]


def test_all_missing_motors_are_named_at_once(make, servos):
    servos.silent = {2, 5}
    with pytest.raises(NotConnectedError) as caught:
        make().connect()
    assert [key.split(': ')[1][:9] for key in caught.value.failures] == ['shoulder_', 'wrist_rol']
    assert not servos.writes


def test_no_calibration_says_how_to_make_one(make, servos):
    robot = make(id='other')
    assert not robot.is_calibrated
    assert robot.joints[0].upper == math.pi
    with pytest.raises(CalibrationError, match=r'other\.json; make one with: lerobot-calibrate'):
        robot.connect()
    assert not servos.opened
    assert not servos.writes
    with pytest.raises(CalibrationError):
        _ = make(id='other', use_degrees=False).joints


def test_other_calibration_in_the_motors_is_refused_or_written(make, servos):
    servos.set_word(3, 31, 99)
    with pytest.raises(
        CalibrationError, match='elbow_flex homing_offset is 99, file 30'
    ) as caught:
        make().connect()
    assert 'calibrate=True' in str(caught.value)
    assert not servos.writes
    robot = make()
    robot.connect(calibrate=True)
    assert servos.word(3, 31) == 30
    assert robot.is_calibrated
    servos.set_word(3, 31, 99)
    assert not robot.is_calibrated


def test_calibration_of_another_arm_is_refused(make, tmp_path):
    save_calibration(tmp_path / 'mine.json', {'pan': MotorCalibration(1, 0, 0, 0, 10)})
    with pytest.raises(CalibrationError, match='not of an SO arm'):
        make()


def test_motors_with_different_firmware_are_warned_of(make, servos, caplog):
    servos.memory[4][1] = 9
    make().connect()
    assert 'different firmware' in caplog.text


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


def test_a_camera_that_fails_is_named_with_the_arm_and_torque_stays_off(make, servos):
    class NoCamera:
        is_connected = False

        def connect(self):
            raise DeviceError('no such device')

        def disconnect(self):
            pass

    robot = make()
    robot._cameras = {'front': NoCamera()}
    with pytest.raises(NotConnectedError, match='no such device'):
        robot.connect()
    assert [memory[TORQUE] for memory in servos.memory.values()] == [0] * 6
    servos.silent = {4}
    with pytest.raises(NotConnectedError, match='could not connect') as caught:
        robot.connect()
    assert len(caught.value.failures) == 2


def test_table_and_yaml(tmp_path):
    assert {'so100_follower', 'so101_follower'} <= set(ROBOTS.names())
    for name in ROBOTS.names():
        assert issubclass(ROBOTS.load(name), SOFollower)
    path = tmp_path / 'x.yaml'
    body = 'type: so100_follower\nport: /dev/ttyACM7\nid: blue\n'
    path.write_text(body)
    assert make_robot_from_config(path).config.port == '/dev/ttyACM7'
    path.write_text('robot:\n  ' + body.replace('\n', '\n  ') + '\nteleop: {}\n')
    robot = make_robot_from_config(str(path))
    assert robot.config.id == 'blue'
    assert robot.name == 'so_follower'
    path.write_text('robot: {type: so100_follower, prot: /dev/x}\n')
    with pytest.raises(ConfigError, match=r'robot\.prot is not a known key'):
        make_robot_from_config(path)
    with pytest.raises(ConfigError, match="unknown robot type 'so102'"):
        make_robot(RobotConfig(type='so102'))
    with pytest.raises(ConfigError, match='needs a port'):
        make_robot(RobotConfig(type='so101_follower'))


def test_camera_features(make):
    cameras = {'front': {'index_or_path': 0, 'width': 640, 'height': 480, 'fps': 30}}
    robot = make(cameras=cameras)
    assert robot.observation_features['front'] == (480, 640, 3)
    assert 'front' not in robot.action_features
