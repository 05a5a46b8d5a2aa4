"""The Koch follower on emulated Dynamixels: real packets, a real pseudo-terminal, real time."""

import time

import numpy as np
import pytest

from lerobot_drivers.common.errors import BusError, CalibrationError, DeviceError
from lerobot_drivers.motors.calibration import parse_calibration, save_calibration
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.sim.client import SimClient

WORLD = 'koch-follower-tests'
TORQUE, GOAL = 64, 116


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


@pytest.fixture
def device(request):
    return request.node.name[:40].replace('[', '-').replace(']', '')


@pytest.fixture
def robot(device, world):
    made = make_robot(RobotConfig(type='koch_follower', port=f'sim://{WORLD}/{device}'))
    yield made
    made.disconnect()


def middle(robot):
    return np.array([(joint.lower + joint.upper) / 2 for joint in robot.joints])


def move(robot, goal, patience_s=10.0):
    robot.write_goal(goal)
    deadline = time.monotonic() + patience_s
    while True:
        reading = robot.read_state()
        if np.abs(reading.position - goal).max() < 0.03 and not reading.velocity.any():
            return
        assert time.monotonic() < deadline, f'at {reading.position}, goal {goal}'
        time.sleep(0.01)


def test_register_log_shows_goal_before_torque(robot, device, world):
    robot.connect()
    before = robot.read_state().position
    writes = world.registers(device)
    for number, scale in enumerate(robot.arm.scales, start=1):
        mine = [write for write in writes if write['id'] == number]
        (torque,) = (w for w in mine if w['address'] == TORQUE and w['data'] == [1])
        goals = [w for w in mine if w['address'] == GOAL and w['stamp_ns'] < torque['stamp_ns']]
        assert goals, f'motor {number} was given torque without a goal'
        ticks = int.from_bytes(bytes(goals[-1]['data']), 'little', signed=True)
        assert scale.ticks_to_topic(ticks) == pytest.approx(before[number - 1], abs=0.01)
    assert np.abs(robot.read_state().position - before).max() < 0.02
    assert robot.arm.bus.is_fast


def test_a_hanging_goal_does_not_jerk_the_arm(robot, device, world):
    robot.connect()
    move(robot, middle(robot))
    robot.disable_torque()
    world.inject(device, 'push', joints={'shoulder_pan': 0.8})
    world.inject(device, 'push', joints={'elbow_flex': -0.5})
    robot.enable_torque()
    position = robot.read_state().position
    assert (position[0], position[2]) == pytest.approx((0.8, -0.5), abs=0.02)


def test_an_arm_beyond_its_calibrated_range_is_taken_as_it_is(robot, device, world):
    """In extended position the seed may lie outside of the limits: nothing moves."""
    robot.connect()
    move(robot, middle(robot))
    robot.disable_torque()
    truth = world.truth(device)['position']['elbow_flex']
    beyond = robot.joints[2].upper + 0.015
    world.inject(device, 'push', joints={'elbow_flex': beyond})
    time.sleep(0.1)
    pushed = world.truth(device)['position']['elbow_flex']
    assert pushed > robot.joints[2].upper > truth
    robot.enable_torque()
    time.sleep(0.2)
    assert world.truth(device)['position']['elbow_flex'] == pytest.approx(pushed, abs=0.005)


def test_it_moves_and_tells_velocity_effort_and_health(robot):
    robot.connect()
    move(robot, middle(robot))
    goal = middle(robot)
    goal[:2] += 0.5
    robot.write_goal(goal)
    velocities, efforts = [], []
    for _ in range(60):
        reading = robot.read_state()
        velocities.append(reading.velocity[0])
        efforts.append(reading.effort[0])
        time.sleep(0.005)
    assert max(velocities) > 0.2
    assert any(efforts)
    health = robot.health()
    assert 10 < health['shoulder_pan.voltage'] < 13
    assert health['gripper.errors'] == 'none'


def test_faults_pass_and_a_silent_motor_is_named(robot, device, world):
    robot.connect()
    for kind, settings in (
        ('corrupt', {'ids': [3], 'count': 1}),
        ('garbage', {'data': [0, 255], 'count': 2}),
        ('delay', {'seconds': 0.15, 'count': 1}),
    ):
        world.inject(device, kind, **settings)
        robot.read_state()
    statistics = robot.arm.bus.statistics
    assert (statistics.failures, robot.arm.bus.is_fast) == (0, True)
    assert statistics.corrupt >= 1 and statistics.timeouts >= 1
    world.inject(device, 'silence', ids=[4])
    with pytest.raises(BusError, match=r'wrist_flex \(id 4\)'):
        robot.read_state()
    world.inject(device, 'clear')
    assert robot.read_state().position.shape == (6,)


def test_unplug_and_replug(robot, device, world):
    robot.connect()
    move(robot, middle(robot))
    world.inject(device, 'unplug')
    with pytest.raises(DeviceError, match='unplugged'):
        robot.read_state()
    assert not robot.is_connected
    world.inject(device, 'replug')
    robot.connect()
    assert np.abs(robot.read_state().position - middle(robot)).max() < 0.05


def test_calibration_comes_from_the_world_or_a_folder(device, world, tmp_path):
    port = f'sim://{WORLD}/{device}'
    handed = parse_calibration(world.attach_arm(device, 'koch_follower').calibration, 'world')
    other = dict(handed)
    entry = other['gripper']
    other['gripper'] = type(entry)(**{**entry.__dict__, 'range_max': entry.range_max - 5})
    save_calibration(tmp_path / 'me.json', other)
    config = RobotConfig(type='koch_follower', port=port, id='me', calibration_dir=tmp_path)
    with pytest.raises(CalibrationError, match='gripper range_max'):
        make_robot(config).connect()
    robot = make_robot(config)
    robot.connect(calibrate=True)
    assert robot.is_calibrated
    assert robot.arm.bus.read_calibration() == other
    robot.disconnect()
