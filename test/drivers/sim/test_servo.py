from __future__ import annotations

import pytest

from lerobot_drivers.sim import memory as reg
from lerobot_drivers.sim.motion import MAX_SPEED, Motion
from lerobot_drivers.sim.servo import RAD_PER_TICK, Servo, ServoSpec

OFFSET = -1042
MIDDLE = 2047


def make_servo(angle: float = 0.0) -> Servo:
    spec = ServoSpec(
        id=1,
        homing_offset=OFFSET,
        range_min=MIDDLE - 1000,
        range_max=MIDDLE + 1000,
        zero=MIDDLE + OFFSET,
        lower=-1.9,
        upper=1.9,
        volts=12.0,
    )
    return Servo(spec, angle)


def put(servo: Servo, address: int, *values: int) -> None:
    servo.write(address, bytes(values))


def goal(servo: Servo, ticks: int) -> None:
    put(servo, reg.GOAL_POSITION, ticks & 0xFF, ticks >> 8)


def present(servo: Servo) -> int:
    data = servo.read(reg.PRESENT_POSITION, 2)
    return data[0] | data[1] << 8


def run(servo: Servo, seconds: float, dt: float = 0.002) -> list[float]:
    angles = []
    for _ in range(round(seconds / dt)):
        servo.step(dt)
        angles.append(servo.angle)
    return angles


def test_present_is_actual_minus_homing_offset():
    servo = make_servo(0.5)
    assert present(servo) == round(MIDDLE + 0.5 / RAD_PER_TICK)
    put(servo, reg.HOMING_OFFSET, 0, 0)
    assert present(servo) == round((MIDDLE + OFFSET + 0.5 / RAD_PER_TICK) % 4096)


def test_no_torque_no_motion_and_power_on_goal_is_where_it_is():
    servo = make_servo(0.3)
    assert servo.memory.word(reg.GOAL_POSITION) == present(servo)
    goal(servo, MIDDLE)
    run(servo, 0.5)
    assert servo.angle == pytest.approx(0.3)
    assert not servo.read(reg.MOVING, 1)[0]


def test_torque_lets_it_go_to_the_goal():
    servo = make_servo(0.3)
    goal(servo, MIDDLE)
    put(servo, reg.TORQUE_ENABLE, 1)
    run(servo, 1.0)
    assert present(servo) == MIDDLE
    assert servo.angle == pytest.approx(0.0, abs=1e-3)
    put(servo, reg.TORQUE_ENABLE, 0)
    goal(servo, MIDDLE + 300)
    run(servo, 0.5)
    assert present(servo) == MIDDLE


def test_goal_is_clamped_to_the_limits():
    servo = make_servo()
    put(servo, reg.TORQUE_ENABLE, 1)
    goal(servo, 4000)
    run(servo, 2.0)
    assert present(servo) == MIDDLE + 1000


def test_speed_and_acceleration_limits():
    servo = make_servo(-1.0)
    put(servo, reg.TORQUE_ENABLE, 1)
    put(servo, reg.GOAL_VELOCITY, 500 & 0xFF, 500 >> 8)
    goal(servo, MIDDLE + 900)
    run(servo, 0.8)
    assert servo.motion.velocity == pytest.approx(500, rel=0.02)
    slow, fast = make_servo(), make_servo()
    for arm, acceleration in ((slow, 5), (fast, 254)):
        put(arm, reg.ACCELERATION, acceleration)
        put(arm, reg.TORQUE_ENABLE, 1)
        goal(arm, MIDDLE + 800)
        run(arm, 0.2)
    assert slow.motion.position < fast.motion.position - 100
    assert slow.motion.velocity <= 5 * 100 * 0.2 * 1.05


def test_full_speed_is_the_motors():
    servo = make_servo(-1.5)
    put(servo, reg.TORQUE_ENABLE, 1)
    goal(servo, MIDDLE + 900)
    speeds = []
    for _ in range(300):
        servo.step(0.002)
        speeds.append(servo.motion.velocity)
    assert 0.9 * MAX_SPEED < max(speeds) < 1.1 * MAX_SPEED


def test_it_settles_without_ringing():
    servo = make_servo()
    put(servo, reg.TORQUE_ENABLE, 1)
    goal(servo, MIDDLE + 400)
    angles = run(servo, 1.5)
    assert max(angles) < 400 * RAD_PER_TICK * 1.03
    assert servo.motion.at_rest


def test_velocity_mode_turns_and_stops_at_the_end_stop():
    servo = make_servo()
    put(servo, reg.MODE, 1)
    put(servo, reg.GOAL_VELOCITY, 300 & 0xFF, 300 >> 8 | 0x80)
    put(servo, reg.TORQUE_ENABLE, 1)
    run(servo, 1.0)
    assert servo.motion.velocity == pytest.approx(-300, abs=3)
    assert servo.read(reg.PRESENT_VELOCITY, 2)[1] & 0x80
    run(servo, 8.0)
    assert servo.angle == pytest.approx(-1.9)


def test_state_registers_make_sense():
    servo = make_servo()
    put(servo, reg.TORQUE_ENABLE, 1)
    goal(servo, MIDDLE + 900)
    run(servo, 0.06)
    block = servo.read(reg.PRESENT_POSITION, 15)
    load, current = (block[4] | block[5] << 8), (block[13] | block[14] << 8)
    assert 0 < load < 1000
    assert current > 0
    assert 110 <= block[6] <= 120
    assert 20 <= block[7] <= 40
    assert block[10] == 1
    assert block[11] | block[12] << 8 == MIDDLE + 900


def test_the_lower_of_two_limits_bounds_the_torque():
    servo = make_servo()
    assert servo.motion.torque_limit == 1.0
    put(servo, reg.MAX_TORQUE, 500 & 0xFF, 500 >> 8)
    assert servo.motion.torque_limit == 0.5
    put(servo, reg.TORQUE_LIMIT, 20, 0)
    assert servo.motion.torque_limit == 0.02
    put(servo, reg.TORQUE_ENABLE, 1)
    goal(servo, MIDDLE + 900)
    run(servo, 0.2)
    data = servo.read(reg.PRESENT_LOAD, 2)
    assert (data[0] | data[1] << 8) & 0x3FF == 20


def test_work_heats():
    servo = make_servo()
    put(servo, reg.TORQUE_ENABLE, 1)
    servo.motion.target = servo.motion.position
    servo.motion._reference = servo.motion.position + 30
    servo.settle(1000.0)
    assert servo.read(reg.PRESENT_TEMPERATURE, 1)[0] >= 27


def test_centre_here_makes_the_position_read_2048():
    servo = make_servo(0.7)
    put(servo, reg.TORQUE_ENABLE, 128)
    assert present(servo) == 2048
    assert servo.memory.byte(reg.TORQUE_ENABLE) == 0


def test_power_cycle_takes_the_torque_off():
    servo = make_servo()
    put(servo, reg.TORQUE_ENABLE, 1)
    put(servo, reg.P_GAIN, 16)
    servo.power_cycle()
    assert not servo.motion.powered
    assert servo.memory.byte(reg.P_GAIN) == 32
    assert servo.memory.word(reg.MIN_POSITION) == MIDDLE - 1000


def test_steps_do_not_depend_on_how_often_one_looks():
    one, other = Motion(0.0, (-4000, 4000)), Motion(0.0, (-4000, 4000))
    one.target = other.target = 700.0
    for _ in range(200):
        one.step(0.002)
    for _ in range(400):
        other.step(0.001)
    assert one.position == pytest.approx(other.position, abs=15)
