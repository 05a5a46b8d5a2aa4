"""LeKiwi on nine emulated servos: real packets, a real pseudo-terminal, real time."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from lerobot_drivers.base_driver import BaseDriver
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.sim.client import SimClient

WORLD = 'lekiwi-tests'
TORQUE, GOAL_POSITION, GOAL_VELOCITY, MODE = 40, 42, 46, 33
WHEELS = (7, 8, 9)
DEVICE = 'kiwi'


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


@pytest.fixture(scope='module')
def robot(world):
    made = make_robot(RobotConfig(type='lekiwi', port=f'sim://{WORLD}/{DEVICE}'))
    made.connect()
    yield made
    made.disconnect()


def until(condition, patience_s=5.0):
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.01)


def writes(world, motor, address):
    found = [w for w in world.registers(DEVICE) if w['id'] == motor and w['address'] == address]
    return [(w['stamp_ns'], int.from_bytes(bytes(w['data']), 'little')) for w in found]


def raw_velocities(world):
    """Return what the wheels' Goal_Velocity were last, with their sign bit decoded."""
    last = [writes(world, motor, GOAL_VELOCITY)[-1][1] for motor in WHEELS]
    return [-(word & 0x7FFF) if word & 0x8000 else word for word in last]


def speed(world, device=DEVICE):
    moving = world.truth(device)['velocity']
    return max(abs(value) for name, value in moving.items() if name.startswith('base_'))


def test_the_arm_is_told_where_it_is_and_the_wheels_to_stand_before_torque(robot, world):
    for motor in range(1, 10):
        ((on_ns, _),) = [w for w in writes(world, motor, TORQUE) if w[1] == 1]
        address = GOAL_VELOCITY if motor in WHEELS else GOAL_POSITION
        before = [value for at_ns, value in writes(world, motor, address) if at_ns < on_ns]
        assert before, f'motor {motor} was given torque without a goal'
        if motor in WHEELS:
            assert set(before) == {0}
            assert writes(world, motor, MODE)[-1][1] == 1
            assert not writes(world, motor, GOAL_POSITION)
        else:
            assert not writes(world, motor, GOAL_VELOCITY)


def test_its_nine_values_are_lerobots(robot, world):
    axes = ['x.vel', 'y.vel', 'theta.vel']
    assert list(robot.action_features)[6:] == axes
    sent = robot.send_action({'x.vel': 0.1, 'y.vel': 0.0, 'theta.vel': 30.0})
    assert sent == {'x.vel': 0.1, 'y.vel': 0.0, 'theta.vel': pytest.approx(30.0)}
    until(lambda: raw_velocities(world) == [853 - 1129, 853, 853 + 1129])
    assert list(robot.get_observation()) == list(robot.observation_features)

    def measured():
        seen = robot.get_observation()
        return [seen[axis] for axis in axes]

    until(lambda: measured() == pytest.approx([0.1, 0.0, 30.0], rel=1e-3, abs=1e-3))
    sent = robot.send_action({'x.vel': 0.5})
    assert sent['x.vel'] == pytest.approx(0.2657, abs=1e-4)
    until(lambda: raw_velocities(world) == [-3000, 0, 3000])


def test_actions_that_are_none_are_refused_as_a_whole(robot, world):
    before = raw_velocities(world)
    for action in ({'x.vel': math.nan}, {'x.vel': 0.1, 'wheel.pos': 0.0}):
        with pytest.raises(DeviceError, match=r'expected finite numbers for arm_.*theta\.vel'):
            robot.send_action(action)
    assert raw_velocities(world) == before
    assert list(robot.send_action({'arm_gripper.pos': 10.0})) == ['arm_gripper.pos']


def test_it_knows_where_it_has_come_to(world):
    robot = make_robot(RobotConfig(type='lekiwi', port=f'sim://{WORLD}/rover'))
    robot.connect()
    driver = BaseDriver(robot.base, robot.config.base, SystemClock())

    def cycle(*asked):
        driver.on_command(np.array(asked, dtype=float))
        robot.read_state()
        driver.step()

    until(lambda: cycle(0.2, 0.1, 0.8) or robot.base.reading.pose[2] > 0.5)
    until(lambda: cycle(0.0, 0.0, 0.0) or speed(world, 'rover') < 1e-3)
    cycle(0.0, 0.0, 0.0)
    truth = world.truth('rover')['place']
    assert math.hypot(*truth[:2]) > 0.05
    assert robot.base.reading.pose == pytest.approx(truth, abs=0.003)
    robot.disconnect()


def drive_off(robot, world):
    robot.send_action({'x.vel': 0.2})
    until(lambda: speed(world) > 1.0)


def test_it_stands_when_it_is_left_even_if_a_servo_of_the_arm_is_dead(robot, world):
    drive_off(robot, world)
    world.inject(DEVICE, 'silence', ids=[2])
    robot.hang_up()
    until(lambda: speed(world) < 1e-3)
    world.inject(DEVICE, 'clear')
    torque = [writes(world, motor, TORQUE)[-1][1] for motor in range(1, 10)]
    assert torque == [1] * 9, 'an arm that holds goes on holding'
    robot.connect()


def test_wheels_that_a_dead_driver_left_turning_are_stopped_by_the_next_one(robot, world):
    drive_off(robot, world)
    robot.arm.close()  # as if it had been killed
    robot.connect()
    until(lambda: speed(world) < 1e-3)


def test_wheels_are_stopped_even_if_the_next_driver_misses_a_servo(robot, world):
    drive_off(robot, world)
    robot.arm.close()  # as if it had been killed
    world.inject(DEVICE, 'silence', ids=[2])
    with pytest.raises(DeviceError, match='id 2'):
        robot.connect()
    until(lambda: speed(world) < 1e-3)
    world.inject(DEVICE, 'clear')
    robot.connect()


def test_a_base_that_was_lost_stands_until_a_new_command(robot, world):
    robot.hang_up()
    driver = ArmDriver(robot, 100, SystemClock(), lambda text: None)
    driver.connect()

    def cycle():
        driver.step()
        driver.drive()

    driver.base.on_command(np.array([0.2, 0.0, 0.0]))
    until(lambda: cycle() or speed(world) > 1.0)
    world.inject(DEVICE, 'unplug')
    until(lambda: cycle() or driver.lost)
    assert speed(world) > 1.0, 'nobody can stop motors without their wire'
    world.inject(DEVICE, 'replug')
    until(lambda: cycle() or not driver.lost)
    until(lambda: cycle() or speed(world) < 1e-3)
    for _ in range(10):
        cycle()
    assert speed(world) < 1e-3
    driver.base.on_command(np.array([0.1, 0.0, 0.0]))
    until(lambda: cycle() or speed(world) > 0.5)
    driver.halt_base()


def test_ceilings_of_ones_own():
    base = {'max_linear_velocity': 0.05, 'max_angular_velocity': 0.5}
    settings = {'type': 'lekiwi', 'port': 'sim://t/kiwi', 'base': base}
    made = make_robot(build(RobotConfig, settings, 'robot')).base
    assert [axis.upper for axis in made.axes] == [0.05, 0.05, 0.5]
    assert made.limited(np.array([0.1, 0.0, 0.1])) == pytest.approx([0.05, 0.0, 0.05])


def test_a_robot_that_stands_is_told_nothing_of_a_base():
    settings = {'type': 'so101_follower', 'port': 'sim://t/a', 'base': {'cmd_vel_timeout': 1.0}}
    with pytest.raises(ConfigError, match='a so101_follower has no mobile base'):
        make_robot(build(RobotConfig, settings, 'robot'))
