"""ALOHA on emulated Dynamixels: shadows obey, goals precede torque, discord is refused."""

import contextlib
import math
import time

import numpy as np
import pytest

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.motors.calibration import (
    load_calibration,
    parse_calibration,
    save_calibration,
)
from lerobot_drivers.motors.dynamixel import DynamixelMotorsBus
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.aloha_arm import SLEEP, VIPERX
from lerobot_drivers.sim.client import SimClient

WORLD = 'aloha-tests'
DRIVE_MODE, SECONDARY_ID, TORQUE, GOAL = 10, 12, 64, 116
SHADOWS = {3: 2, 5: 4}


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


@pytest.fixture
def device(request):
    return request.node.name[:40].replace('[', '-').replace(']', '')


@pytest.fixture
def arm(device, world):
    made = make_robot(RobotConfig(type='viperx', port=f'sim://{WORLD}/{device}'))
    yield made
    made.disconnect()


@contextlib.contextmanager
def motors(world, device):
    """Yield the bus of an arm that no driver holds."""
    port = SerialPort(world.attach_arm(device, 'viperx').port)
    bus = DynamixelMotorsBus(port, VIPERX.motors)
    bus.connect()
    try:
        yield bus
    finally:
        bus.disconnect()


def writes(world, device, address, number=None):
    """Return what was written to a register, as (id, value, stamp), in order."""
    return [
        (w['id'], int.from_bytes(bytes(w['data']), 'little', signed=True), w['stamp_ns'])
        for w in world.registers(device)
        if w['address'] == address and number in (None, w['id'])
    ]


def settle(robot, goal, patience_s=10.0):
    robot.write_goal(goal)
    deadline = time.monotonic() + patience_s
    while np.nanmax(np.abs(robot.read_state().position - goal)) > 0.01:
        assert time.monotonic() < deadline, robot.read_state()
        time.sleep(0.01)


def test_goal_comes_before_torque_for_all_nine_motors_of_both_arms(device, world):
    ports = {f'{side}_arm_port': f'sim://{WORLD}/{device}_{side}' for side in ('left', 'right')}
    robot = make_robot(RobotConfig(type='aloha', **ports))
    robot.connect()
    position = robot.read_state().position
    for side in ('left', 'right'):
        name = f'{device}_{side}'
        truth = world.truth(name)['position']
        for number, motor in enumerate(VIPERX.motors, start=1):
            on = next(stamp for _, value, stamp in writes(world, name, TORQUE, number) if value)
            goals = [g for _, g, stamp in writes(world, name, GOAL, number) if stamp < on]
            assert goals, f'{side} {motor} was given torque without a goal'
            angle = (goals[-1] - 2048) * 2 * math.pi / 4096
            assert angle == pytest.approx(truth[motor], abs=0.01), motor
    assert position.shape == (14,)
    folded = [*SLEEP.values()]
    assert [position[:6], position[7:13]] == [pytest.approx(folded, abs=0.01)] * 2
    robot.disconnect()


def test_shadows_obey_goals_that_only_their_masters_are_told(arm, device, world):
    arm.connect()
    before = len(writes(world, device, GOAL))
    goal = arm.read_state().position
    goal[1:3] = -0.9, 1.0
    settle(arm, goal)
    told = writes(world, device, GOAL)[before:]
    for shadow, master in SHADOWS.items():
        theirs = [[value for number, value, _ in told if number == n] for n in (master, shadow)]
        assert theirs[0] == theirs[1] != []
    truth = world.truth(device)['position']
    assert truth['shoulder'] == truth['shoulder_shadow'] == pytest.approx(-0.9, abs=0.02)
    health = arm.health()
    assert health['elbow_shadow.errors'] == 'none'
    assert abs(health['shoulder_shadow.apart_deg']) < 0.2
    assert {f'{name}.voltage' for name in VIPERX.motors} <= set(health)


def test_torque_goes_off_for_shadows_too(arm, device, world):
    arm.connect()
    arm.disable_torque()
    last = dict((number, value) for number, value, _ in writes(world, device, TORQUE))
    assert last == dict.fromkeys(range(1, 10), 0)


def test_what_a_shadow_must_know_is_written_while_it_is_limp(arm, device, world):
    with motors(world, device) as bus:
        bus.write('Drive_Mode', 'elbow_shadow', 1)
        bus.write('Secondary_ID', 'elbow_shadow', 255)
        bus.write('Max_Position_Limit', 'shoulder', 3000)
        bus.write('Homing_Offset', 'elbow_shadow', 0)
        bus.write('Drive_Mode', 'shoulder', 1 | 4)  # with Interbotix' time-based profile
    arm.connect()
    held = arm.arm.bus.sync_read('Drive_Mode')
    assert {name: mode & 1 for name, mode in held.items()} == {
        servo.name: servo.drive_mode for servo in VIPERX.servos
    }
    assert arm.arm.bus.read('Secondary_ID', 'elbow_shadow') == 4
    assert arm.arm.bus.read('Max_Position_Limit', 'shoulder_shadow') == 2867
    torque = {number: False for number in range(1, 10)}
    for write in world.registers(device):
        if write['address'] == TORQUE:
            torque[write['id']] = write['data'] == [1]
        assert write['address'] >= TORQUE or not torque[write['id']]


def test_a_pair_that_disagrees_is_refused_and_stays_limp(arm, device, world):
    with motors(world, device) as bus:
        bus.write(
            'Homing_Offset', 'shoulder_shadow', bus.read('Homing_Offset', 'shoulder_shadow') + 60
        )
    with pytest.raises(DeviceError, match=r'shoulder_shadow by 5\.3 degrees \(at most 2 is'):
        arm.connect()
    assert not [value for _, value, _ in writes(world, device, TORQUE) if value]
    assert not arm.is_connected


def test_the_motors_own_homing_counts_without_a_file(arm, device, world):
    made = world.attach_arm(device, 'viperx').calibration
    assert made['shoulder_shadow']['homing_offset'] != 0
    arm.connect()
    assert arm.is_calibrated
    held = arm.arm.bus.read_calibration()
    assert held['shoulder_shadow'].homing_offset == made['shoulder_shadow']['homing_offset']


def test_a_calibration_file_comes_before_what_is_built_in(device, world, tmp_path):
    port = f'sim://{WORLD}/{device}'
    held = parse_calibration(world.attach_arm(device, 'viperx').calibration, 'world')
    entry = held['gripper']
    held['gripper'] = type(entry)(**{**entry.__dict__, 'range_min': 2500, 'range_max': 3000})
    save_calibration(tmp_path / 'me.json', held)
    config = RobotConfig(type='viperx', port=port, id='me', calibration_dir=tmp_path)
    with pytest.raises(DeviceError, match='gripper range_min is 0, not 2500'):
        make_robot(config).connect()
    robot = make_robot(config)
    robot.connect(calibrate=True)
    assert robot.arm.bus.read_calibration() == load_calibration(tmp_path / 'me.json')
    assert robot.arm.scales[-1].ticks_to_dataset(2500) == pytest.approx(0.0, abs=1e-3)
    robot.disconnect()


def test_the_gripper_grips_with_a_limited_current(arm):
    arm.connect()
    read = arm.arm.bus.read
    assert [read(r, 'gripper') for r in ('Operating_Mode', 'Current_Limit')] == [5, 200]
    assert read('Operating_Mode', 'waist') == 3
    before = arm.read_state().position[-1]
    assert set(arm.send_action({'gripper.pos': 0.8})) == {'gripper.pos'}
    velocity = max(arm.read_state().velocity[-1] for _ in range(50))
    goal = 0.0440 + 0.8 * 0.0139
    settle(arm, np.array([*[math.nan] * 6, goal]))
    assert arm.get_observation()['gripper.pos'] == pytest.approx(0.8, abs=0.02)
    assert before < goal
    assert 0.001 < velocity < 0.1


def test_unplug_and_replug_while_it_holds(arm, device, world):
    arm.connect()
    before = arm.read_state().position
    world.inject(device, 'unplug')
    with pytest.raises(DeviceError, match='unplugged'):
        arm.read_state()
    world.inject(device, 'replug')
    count = len(writes(world, device, TORQUE))
    arm.connect()
    assert np.abs(arm.read_state().position - before).max() < 0.01
    assert all(value == 1 for _, value, _ in writes(world, device, TORQUE)[count:])
