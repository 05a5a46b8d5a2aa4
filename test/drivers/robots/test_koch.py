"""Koch arms on scripted servos: LeRobot's values for ticks, its goals, its connect sequence."""

import math

import numpy as np
import pytest
from fake_dynamixels import FakeDynamixels

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import CalibrationError
from lerobot_drivers.motors.calibration import MotorCalibration, save_calibration
from lerobot_drivers.robots import RobotConfig
from lerobot_drivers.robots.koch_follower import KochFollower

CALIBRATION = {
    'shoulder_pan': MotorCalibration(1, 0, -1012, 0, 4095),
    'shoulder_lift': MotorCalibration(2, 0, 1333, 900, 3100),
    'elbow_flex': MotorCalibration(3, 1, 2210, 871, 3012),
    'wrist_flex': MotorCalibration(4, 0, -5, 1000, 3000),
    'wrist_roll': MotorCalibration(5, 0, 12, 0, 4095),
    'gripper': MotorCalibration(6, 0, -77, 1990, 3187),
}
READ = {
    ('shoulder_pan', False): {
        0: -100.0, 1: -99.95115995115995, 2047: -0.024420024420024333, 4095: 100.0,
        -30: -100.0, 4125: 100.0, 333: -83.73626373626374,
    },
    ('elbow_flex', False): {
        871: -100.0, 872: -99.90658570761326, 1941: -0.04670714619336991,
        2047: 9.855207846800567, 3012: 100.0, 841: -100.0, 3042: 100.0, 1204: -68.89304063521719,
    },
    ('elbow_flex', True): {
        871: -94.10989010989012, 872: -94.02197802197803, 1941: -0.04395604395604396,
        2047: 9.274725274725276, 3012: 94.10989010989012, 841: -96.74725274725274,
        1204: -64.83516483516483,
    },
    ('gripper', False): {
        1990: 0.0, 1991: 0.0835421888053467, 2588: 49.95822890559732, 2047: 4.761904761904762,
        3187: 100.0, 1960: 0.0, 3217: 100.0,
    },
}  # fmt: skip
"""What LeRobot 0.4.4 makes of ticks: joint, in degrees -> tick -> value in the dataset."""
WRITTEN = {
    ('shoulder_pan', False): {
        -100.0: 0, -33.3: 1365, 0.0: 2047, 12.34: 2300, 57.0: 3214, 100.0: 4095, 130.0: 4095,
    },
    ('elbow_flex', False): {
        -100.0: 871, -33.3: 1585, 0.0: 1941, 12.34: 2073, 57.0: 2551, 100.0: 3012, 130.0: 3012,
    },
    ('elbow_flex', True): {-33.3: 1562, 0.0: 1941, 12.34: 2081, 57.0: 2589},
    ('gripper', False): {-33.3: 1990, 0.0: 1990, 12.34: 2137, 57.0: 2672, 100.0: 3187},
}  # fmt: skip
"""What goals it writes for values."""
TORQUE, MODE, GOAL, PRESENT = 64, 11, 116, 132


def calibrated(port):
    """Write the calibration into the servos."""
    for entry in CALIBRATION.values():
        port.memory[entry.id][10] = entry.drive_mode
        port.set_number(entry.id, 20, entry.homing_offset)
        port.set_number(entry.id, 48, entry.range_max)
        port.set_number(entry.id, 52, entry.range_min)
        port.set_number(entry.id, PRESENT, 2047)
    return port


@pytest.fixture
def port():
    return calibrated(FakeDynamixels())


@pytest.fixture
def make(port, tmp_path):
    save_calibration(tmp_path / 'me.json', CALIBRATION)

    def make(**settings):
        config = RobotConfig(
            type='koch_follower', port='/dev/x', id='me', calibration_dir=tmp_path, **settings
        )
        return KochFollower(config, clock=ManualClock(), port_factory=lambda _: port)

    return make


@pytest.mark.parametrize(('joint', 'in_degrees'), READ)
def test_ticks_are_read_as_lerobots_values(make, port, joint, in_degrees):
    robot = make(use_degrees=in_degrees)
    robot.connect()
    column = robot.plan.names.index(joint)
    unit = robot.joints[column].unit
    for tick, value in READ[joint, in_degrees].items():
        port.set_number(CALIBRATION[joint].id, PRESENT, tick)
        assert robot.get_observation()[f'{joint}.pos'] == pytest.approx(value, abs=1e-12)
        angle = robot.read_state().position[column]
        assert unit.to_dataset(angle) == pytest.approx(value, abs=1e-9)
        if joint != 'gripper':
            middle = (CALIBRATION[joint].range_min + CALIBRATION[joint].range_max) / 2
            low, high = CALIBRATION[joint].range_min, CALIBRATION[joint].range_max
            seen = tick if in_degrees else min(max(tick, low), high)
            assert angle == pytest.approx((seen - middle) * 2 * math.pi / 4095)


@pytest.mark.parametrize(('joint', 'in_degrees'), WRITTEN)
def test_values_are_written_as_lerobots_goals(make, port, joint, in_degrees):
    robot = make(use_degrees=in_degrees)
    robot.connect()
    for value, tick in WRITTEN[joint, in_degrees].items():
        robot.send_action({f'{joint}.pos': value})
        assert port.number(CALIBRATION[joint].id, GOAL) == tick, value


def test_body_is_in_ranges_and_the_gripper_in_percent(make):
    modes = [joint.unit.mode.value for joint in make().joints]
    assert modes == ['range_m100_100'] * 5 + ['range_0_100']
    assert make().name == 'koch_follower'


def test_goal_comes_before_torque_and_what_persists_before_both(make, port):
    port.set_number(3, PRESENT, 5000)
    make().connect()
    for number in range(1, 7):
        mine = [(at, data) for who, at, data in port.writes if who == number]
        seed = (5000 if number == 3 else 2047).to_bytes(4, 'little')
        assert mine[-2:] == [(GOAL, seed), (TORQUE, b'\x01')]
        assert (TORQUE, b'\x01') not in mine[:-1]
        assert mine.index((MODE, bytes([5 if number == 6 else 4]))) < len(mine) - 2
    assert [port.number(3, address, 2) for address in (84, 82, 80)] == [1500, 0, 600]


def test_what_is_configured_already_keeps_its_torque(make, port):
    make().connect()
    port.writes.clear()
    make().connect()
    assert not [write for write in port.writes if write[1:] == (TORQUE, b'\x00')]


@pytest.mark.parametrize(
    ('address', 'size', 'value', 'named'),
    [(10, 1, 0, 'elbow_flex drive_mode'), (20, 4, 7, 'elbow_flex homing_offset')],
)
def test_a_calibration_that_the_motors_do_not_hold_is_refused_or_written(
    make, port, address, size, value, named
):
    port.set_number(3, address, value, size)
    with pytest.raises(CalibrationError, match=named):
        make().connect()
    assert not [write for write in port.writes if write[1:] == (TORQUE, b'\x01')]
    robot = make()
    robot.connect(calibrate=True)
    assert robot.is_calibrated
    assert (port.memory[3][10], port.number(3, 20)) == (1, 2210)


def test_goals_beyond_the_range_are_limited_and_holes_leave_joints(make, port):
    robot = make()
    robot.connect()
    sent = robot.write_goal(np.array([9.0, math.nan, -9.0, 0.0, 0.0, 9.0]))
    assert math.isnan(sent[1])
    assert (port.number(1, GOAL), port.number(3, GOAL)) == (4095, 871)
    assert (port.number(2, GOAL), port.number(6, GOAL)) == (2047, 3187)
