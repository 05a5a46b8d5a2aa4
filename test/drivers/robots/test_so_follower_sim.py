"""The follower on the emulated bus: real packets, a real pseudo-terminal, real time."""

import math
import time

import numpy as np
import pytest

from lerobot_drivers.common.errors import (
    BusError,
    CalibrationError,
    DeviceError,
    NotConnectedError,
)
from lerobot_drivers.motors.calibration import (
    load_calibration,
    parse_calibration,
    save_calibration,
)
from lerobot_drivers.robots import RobotConfig, make_robot, make_robot_from_config
from lerobot_drivers.robots.so_arm import JOINT_NAMES
from lerobot_drivers.sim.client import SimClient

WORLD = 'so-follower-tests'
TORQUE, GOAL = 40, 42
SERVO_CYCLE_NS = 2_000_000
"""The emulated servos renew their registers so often."""


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


@pytest.fixture
def device(request):
    return request.node.name[:40].replace('[', '-').replace(']', '')


@pytest.fixture
def robot(device, world):
    made = make_robot(RobotConfig(type='so101_follower', port=f'sim://{WORLD}/{device}'))
    yield made
    made.disconnect()


def wait_until(condition, patience_s=10.0):
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.01)


def move(robot, goal):
    robot.write_goal(goal)

    def arrived():
        reading = robot.read_state()
        near = np.abs(reading.position - goal).max() < 0.03
        return near and not reading.velocity.any()

    wait_until(arrived)


def middle(robot):
    return np.array([(joint.lower + joint.upper) / 2 for joint in robot.joints])


def test_register_log_shows_goal_before_torque(robot, device, world):
    robot.connect()
    before = robot.read_state().position
    writes = world.registers(device)
    for number in range(1, 7):
        mine = [write for write in writes if write['id'] == number]
        torque = next(w for w in mine if w['address'] == TORQUE and w['data'] == [1])
        goals = [w for w in mine if w['address'] == GOAL and w['stamp_ns'] < torque['stamp_ns']]
        assert goals, f'motor {number} was given torque without a goal'
        ticks = int.from_bytes(bytes(goals[-1]['data']), 'little')
        scale = robot.arm.scales[number - 1]
        assert scale.ticks_to_topic(ticks) == pytest.approx(before[number - 1], abs=0.01)
    assert np.abs(robot.read_state().position - before).max() < 0.02


def test_a_hanging_goal_does_not_jerk_the_arm(robot, device, world):
    """Torque off, arm moved by hand, torque on: it stays where the hand left it."""
    robot.connect()
    move(robot, middle(robot))
    robot.disable_torque()
    world.inject(device, 'push', joints={'shoulder_pan': 0.8})
    world.inject(device, 'push', joints={'elbow_flex': -0.5})
    robot.enable_torque()
    position = robot.read_state().position
    assert position[0] == pytest.approx(0.8, abs=0.02)
    assert position[2] == pytest.approx(-0.5, abs=0.02)


def test_reads_the_truth_at_its_stamp(robot, device, world):
    """What was read lay between what was true when the transaction began and ended."""
    robot.connect()
    move(robot, middle(robot))
    goal = middle(robot)
    goal[0] += 1.0
    robot.write_goal(goal)
    tick = 2 * math.pi / 4096
    moving = 0
    for _ in range(100):
        reading = robot.read_state()
        # The stamp may lie near the begin: on a busy machine the motors are asked late.
        duration = robot.arm.bus.statistics.last_duration_ns
        begin, end = (
            world.truth(device, reading.stamp_ns + offset)['position']['shoulder_pan']
            for offset in (-duration // 2 - SERVO_CYCLE_NS, duration)
        )
        assert begin - 2 * tick <= reading.position[0] <= end + 2 * tick
        moving += end - begin > tick
        if begin > goal[0] - 0.05:
            break
    assert moving >= 3


def test_moves_and_reports_speed_and_load(robot):
    robot.connect()
    start = robot.read_state()
    goal = start.position.copy()
    goal[0] += 0.6
    robot.write_goal(goal)
    speeds = []

    def arrived():
        reading = robot.read_state()
        speeds.append(reading.velocity[0])
        return abs(reading.position[0] - goal[0]) < 0.01

    wait_until(arrived)
    assert max(speeds) > 0.2
    assert min(speeds) > -0.1
    health = robot.health()
    assert 4.0 < health['shoulder_pan.voltage'] < 13.0
    assert 15.0 < health['shoulder_pan.temperature'] < 70.0


def test_holds_on_silence(robot):
    robot.connect()
    move(robot, middle(robot))
    held = robot.read_state().position
    time.sleep(0.3)
    assert np.abs(robot.read_state().position - held).max() < 0.01


def test_transient_faults_do_not_abort(robot, device, world):
    robot.connect()
    world.inject(device, 'corrupt', ids=[3], count=1)
    robot.read_state()
    world.inject(device, 'garbage', data=[0, 255], count=2)
    robot.read_state()
    world.inject(device, 'delay', seconds=0.15, count=1)
    robot.read_state()
    position = robot.read_state().position
    world.inject(device, 'clear')
    assert np.abs(robot.read_state().position - position).max() < 0.01
    statistics = robot.arm.bus.statistics
    assert statistics.failures == 0
    assert statistics.corrupt >= 1
    assert statistics.timeouts >= 1


def test_silent_motor_is_named_then_comes_back(robot, device, world):
    robot.connect()
    world.inject(device, 'silence', ids=[4])
    with pytest.raises(BusError, match=r'wrist_flex \(id 4\)'):
        robot.read_state()
    world.inject(device, 'clear')
    assert robot.read_state().position.shape == (6,)


def test_connect_names_all_silent_motors(robot, device, world):
    robot.connect()
    robot.disconnect()
    world.inject(device, 'silence', ids=[2, 6])
    with pytest.raises(NotConnectedError) as caught:
        robot.connect()
    assert len(caught.value.failures) == 2
    assert 'shoulder_lift (id 2' in str(caught.value)
    assert 'gripper (id 6' in str(caught.value)


def test_unplug_and_replug(robot, device, world):
    robot.connect()
    move(robot, middle(robot))
    world.inject(device, 'unplug')
    with pytest.raises(DeviceError, match='unplugged') as caught:
        robot.read_state()
    assert not isinstance(caught.value, BusError)
    assert not robot.is_connected
    with pytest.raises(DeviceError):
        robot.connect()
    world.inject(device, 'replug')
    robot.connect()
    assert np.abs(robot.read_state().position - middle(robot)).max() < 0.05


def test_power_cycle_needs_no_new_connection_and_stays_limp(robot, device, world):
    robot.connect()
    world.inject(device, 'power_cycle')
    before = robot.read_state().position
    robot.write_goal(middle(robot))
    assert np.abs(robot.read_state().position - before).max() < 0.05
    robot.enable_torque()
    move(robot, middle(robot))


def test_limits_of_the_world_are_obeyed(robot, device, world):
    robot.connect()
    upper = np.array([joint.upper for joint in robot.joints])
    sent = robot.write_goal(np.full(6, 9.0))
    assert sent == pytest.approx(upper)
    robot.read_state()
    goals = [w for w in world.registers(device) if w['address'] == GOAL][-6:]
    ranges = robot.arm.calibration
    for name, write in zip(JOINT_NAMES, goals, strict=True):
        assert int.from_bytes(bytes(write['data']), 'little') == ranges[name].range_max


def test_calibration_comes_from_the_world_or_a_folder(device, world, tmp_path):
    port = f'sim://{WORLD}/{device}'
    handed = world.attach_arm(device, 'so101_follower').calibration
    robot = make_robot(RobotConfig(type='so101_follower', port=port))
    assert robot.arm.calibration == parse_calibration(handed, 'world')
    limits = [(joint.lower, joint.upper) for joint in robot.joints]
    robot.connect()
    assert limits == [(joint.lower, joint.upper) for joint in robot.joints]
    robot.disconnect()
    other = parse_calibration(handed, 'world')
    other['gripper'] = load_changed(other['gripper'], tmp_path)
    save_calibration(tmp_path / 'me.json', other)
    config = RobotConfig(type='so101_follower', port=port, id='me', calibration_dir=tmp_path)
    robot = make_robot(config)
    with pytest.raises(CalibrationError, match='gripper range_max'):
        robot.connect()
    robot.connect(calibrate=True)
    assert robot.is_calibrated
    robot.disconnect()
    robot = make_robot(RobotConfig(type='so101_follower', port=port))
    with pytest.raises(CalibrationError, match='than this simulated arm was made with: gripper'):
        robot.connect()


def load_changed(entry, folder):
    path = folder / 'changed.json'
    values = {**entry.__dict__, 'range_max': entry.range_max - 5}
    save_calibration(path, {'gripper': type(entry)(**values)})
    return load_calibration(path)['gripper']


def test_from_a_file_as_in_the_guide(world, device, tmp_path):
    path = tmp_path / 'robot.yaml'
    path.write_text(
        f'robot:\n  type: so101_follower\n  port: sim://{WORLD}/{device}\n  cameras:\n'
        f'    front: {{index_or_path: sim://{WORLD}/front, width: 64, height: 48, fps: 30}}\n'
    )
    robot = make_robot_from_config(path)
    robot.connect()
    try:
        observation = robot.get_observation()
        assert set(observation) == set(robot.observation_features)
        assert observation['front'].shape == (48, 64, 3)
        robot.send_action({key: value for key, value in observation.items() if key != 'front'})
    finally:
        robot.disconnect()
    assert not robot.is_connected
