"""One emulated Dynamixel: homing offset, drive mode, operating modes, limits."""

from __future__ import annotations

import pytest

from lerobot_drivers.sim import dynamixel_memory as reg
from lerobot_drivers.sim.dynamixel_servo import RAD_PER_TICK, DynamixelServo, DynamixelSpec

OFFSET, MIDDLE = -1800, 2047
CURRENT, VELOCITY, POSITION, EXTENDED, CURRENT_POSITION, PWM = 0, 1, 3, 4, 5, 16


def make_servo(angle=0.0, model='xl330-m288', drive_mode=0, mode=EXTENDED) -> DynamixelServo:
    sign = -1 if drive_mode else 1
    spec = DynamixelSpec(
        id=3,
        model=model,
        homing_offset=OFFSET,
        drive_mode=drive_mode,
        range_min=MIDDLE - 1000,
        range_max=MIDDLE + 1000,
        zero=sign * (MIDDLE - OFFSET),
        lower=-9.0,
        upper=9.0,
        volts=5.0,
    )
    servo = DynamixelServo(spec, angle)
    put(servo, reg.OPERATING_MODE, mode, 1)
    return servo


def put(servo, address, value, size=4) -> int:
    return servo.write(address, value.to_bytes(size, 'little', signed=value < 0))


def get(servo, address, size=4) -> int:
    return int.from_bytes(servo.read(address, size), 'little', signed=True)


def present(servo) -> int:
    return get(servo, reg.PRESENT_POSITION)


def go(servo, goal=None, seconds=2.0) -> None:
    assert put(servo, reg.TORQUE_ENABLE, 1, 1) == 0
    if goal is not None:
        assert put(servo, reg.GOAL_POSITION, goal) == 0
    for _ in range(round(seconds / 0.002)):
        servo.step(0.002)


def test_present_is_actual_plus_homing_offset():
    servo = make_servo(0.5)
    assert present(servo) == round(MIDDLE + 0.5 / RAD_PER_TICK)
    put(servo, reg.HOMING_OFFSET, 0)
    assert present(servo) == round(MIDDLE - OFFSET + 0.5 / RAD_PER_TICK)


def test_a_turned_drive_mode_counts_the_other_way():
    servo = make_servo(0.5, drive_mode=1)
    assert present(servo) == round(MIDDLE - 0.5 / RAD_PER_TICK)
    go(servo, MIDDLE + 300)
    assert present(servo) == MIDDLE + 300
    assert servo.angle == pytest.approx(-300 * RAD_PER_TICK, abs=1e-3)


def test_extended_position_counts_turns_beyond_the_limits():
    servo = make_servo()
    go(servo, MIDDLE + 5000, 4.0)
    assert present(servo) == MIDDLE + 5000
    go(servo, -1000, 4.0)
    assert present(servo) == -1000


def test_position_mode_knows_one_turn_and_a_quarter_turn_of_offset():
    servo = make_servo(mode=POSITION)
    assert present(servo) == (MIDDLE - OFFSET) % 4096 - 1024
    put(servo, reg.HOMING_OFFSET, 0)
    assert 0 <= present(servo) < 4096


def test_position_mode_refuses_goals_beyond_the_limits():
    servo = make_servo(mode=POSITION)
    before = get(servo, reg.GOAL_POSITION)
    for goal in (MIDDLE - 1001, MIDDLE + 1001, -5):
        assert put(servo, reg.GOAL_POSITION, goal) == reg.LIMIT_ERROR
    assert get(servo, reg.GOAL_POSITION) == before
    assert put(servo, reg.GOAL_POSITION, MIDDLE + 1000) == 0


def test_no_torque_no_motion():
    servo = make_servo(0.3)
    put(servo, reg.GOAL_POSITION, MIDDLE)
    for _ in range(100):
        servo.step(0.002)
    assert servo.angle == pytest.approx(0.3)
    go(servo)
    assert present(servo) == MIDDLE


def test_after_power_on_the_goal_is_where_it_is():
    servo = make_servo(0.3)
    go(servo, MIDDLE + 400)
    servo.power_cycle()
    assert get(servo, reg.TORQUE_ENABLE, 1) == 0
    assert get(servo, reg.GOAL_POSITION) == present(servo) == MIDDLE + 400


@pytest.mark.parametrize('model', ['xl430-w250', 'xc430-w150'])
def test_motors_that_measure_no_current_do_not_control_it(model):
    servo = make_servo(model=model)
    for mode in (CURRENT, CURRENT_POSITION, 2, 99):
        assert put(servo, reg.OPERATING_MODE, mode, 1) == reg.RANGE_ERROR
    assert get(servo, reg.OPERATING_MODE, 1) == EXTENDED
    for mode in (VELOCITY, POSITION, EXTENDED, PWM):
        assert put(servo, reg.OPERATING_MODE, mode, 1) == 0


def test_current_position_goes_to_a_goal_as_well():
    servo = make_servo(mode=CURRENT_POSITION)
    go(servo, MIDDLE + 700)
    assert present(servo) == MIDDLE + 700


def test_velocity_is_that_of_the_register_and_signed():
    servo = make_servo(mode=VELOCITY)
    go(servo, seconds=0.0)
    put(servo, reg.GOAL_VELOCITY, -100)
    go(servo, seconds=0.5)
    assert get(servo, reg.PRESENT_VELOCITY) == pytest.approx(-100, abs=1)
    assert servo.speed == pytest.approx(-100 * 0.0239691, rel=0.01)
    assert servo.read(reg.MOVING, 1) == b'\x01'


def test_the_profile_limits_the_speed():
    servo = make_servo()
    put(servo, reg.PROFILE_VELOCITY, 50)
    go(servo, MIDDLE + 2000, 0.5)
    assert get(servo, reg.PRESENT_VELOCITY) == pytest.approx(50, abs=1)


def test_present_values_make_sense_while_it_moves():
    servo = make_servo()
    go(servo, MIDDLE + 2000, 0.1)
    assert 0 < get(servo, reg.PRESENT_CURRENT, 2) < 1750
    assert 40 <= get(servo, reg.PRESENT_VOLTAGE, 2) <= 50
    assert 20 <= get(servo, reg.PRESENT_TEMPERATURE, 1) <= 40


def test_baud_rate_and_ping():
    servo = make_servo()
    assert servo.baud == 1_000_000
    put(servo, reg.BAUD_INDEX, 1, 1)
    assert servo.baud == 57_600
    assert servo.ping_reply == (1200).to_bytes(2, 'little') + b'\x2e'
    assert servo.shadowed_id == servo.id == 3
    put(servo, reg.SECONDARY_ID, 7, 1)
    assert servo.shadowed_id == 7


def test_a_shaft_mounted_against_its_joint_is_read_as_the_joint_with_a_turned_drive_mode():
    spec = DynamixelSpec(
        id=3,
        model='xl330-m077',
        homing_offset=OFFSET,
        drive_mode=1,
        range_min=MIDDLE - 1000,
        range_max=MIDDLE + 1000,
        zero=-(MIDDLE - OFFSET),
        lower=-1.5,
        upper=2.5,
        volts=5.0,
        turned=True,
    )
    servo = DynamixelServo(spec, 0.5)
    put(servo, reg.OPERATING_MODE, EXTENDED, 1)
    assert servo.angle == pytest.approx(0.5)
    assert present(servo) == round(MIDDLE + 0.5 / RAD_PER_TICK)
    servo.move_by_hand(3.0, 0.0)
    assert servo.angle == pytest.approx(2.5)
    put(servo, reg.DRIVE_MODE, 0, 1)
    assert present(servo) == round(OFFSET - (MIDDLE - OFFSET) - 2.5 / RAD_PER_TICK)
