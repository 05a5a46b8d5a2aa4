"""The follower on scripted servos: connecting, configuring, letting go."""

import math

import pytest

from lerobot_drivers.common.errors import (
    CalibrationError,
    ConfigError,
    DeviceError,
    NotConnectedError,
)
from lerobot_drivers.motors.calibration import MotorCalibration, save_calibration
from lerobot_drivers.robots import ROBOTS, RobotConfig, make_robot, make_robot_from_config
from lerobot_drivers.robots.so_follower import SOFollower

TORQUE, ACCELERATION, GOAL, LOCK, PRESENT = 40, 41, 42, 55, 56


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
    assert [memory[TORQUE] for memory in servos.memory.values()] == [0] * 6  # it heard us


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
    told = r'other\.json; make one with: lerobot-ros calibrate'
    with pytest.raises(CalibrationError, match=told):
        robot.connect()
    assert not servos.opened
    assert not servos.writes
    with pytest.raises(CalibrationError):
        _ = make(id='other', use_degrees=False).joints


def test_other_calibration_in_the_motors_is_refused_or_written(make, servos, tmp_path):
    servos.set_word(3, 31, 99)
    with pytest.raises(CalibrationError, match='elbow_flex homing_offset is 99, not 30') as caught:
        make().connect()
    assert f'than the file {tmp_path / "mine.json"}: ' in str(caught.value)
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
    for name in ('so100_follower', 'so101_follower'):
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
