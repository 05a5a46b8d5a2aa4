"""HOPE Jr on emulated servos: arm and hand at once, real packets, pseudo-terminals, real time."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lerobot_drivers.common.errors import BusError, DeviceError
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.sim.client import SimClient

WORLD = 'hope-jr-tests'
TORQUE, GOAL = 40, 42


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


@pytest.fixture(params=['arm', 'right'])
def side(request):
    return request.param


@pytest.fixture
def robot(side, world):
    made = make(side, side)
    yield made
    made.disconnect()


def make(side, device):
    port = f'sim://{WORLD}/{device}'
    if side == 'arm':
        return make_robot(RobotConfig(type='hope_jr_arm', port=port))
    return make_robot(RobotConfig(type='hope_jr_hand', side=side, port=port))


def middle(robot):
    return np.array([(joint.lower + joint.upper) / 2 for joint in robot.joints])


def move(robot, goal, patience_s=10.0):
    robot.write_goal(goal)
    deadline = time.monotonic() + patience_s
    while np.abs(robot.read_state().position - goal).max() > 0.02:
        assert time.monotonic() < deadline, f'at {robot.read_state().position}, goal {goal}'


def test_register_log_shows_goal_before_torque(robot, side, world):
    limits = np.array([(joint.lower, joint.upper) for joint in robot.joints])
    robot.connect()
    known = [(joint.lower, joint.upper) for joint in robot.joints]
    np.testing.assert_allclose(limits, known, atol=1e-9)
    before = robot.read_state().position
    writes = world.registers(side)
    order = 'little' if side == 'arm' else 'big'
    for number, scale in enumerate(robot.arm.scales, start=1):
        mine = [write for write in writes if write['id'] == number]
        torque = next(w for w in mine if w['address'] == TORQUE and w['data'] == [1])
        goals = [w for w in mine if w['address'] == GOAL and w['stamp_ns'] < torque['stamp_ns']]
        assert goals, f'motor {number} was given torque without a goal'
        ticks = int.from_bytes(bytes(goals[-1]['data']), order)
        assert scale.ticks_to_topic(ticks) == pytest.approx(before[number - 1], abs=0.01)
    truth = list(world.truth(side)['position'].values())
    assert before == pytest.approx(truth, abs=0.01)


def test_it_moves_where_it_is_told_and_survives_unplugging(robot, side, world):
    robot.connect()
    move(robot, middle(robot))
    truth = list(world.truth(side)['position'].values())
    assert truth == pytest.approx(middle(robot), abs=0.02)
    health = robot.health()
    first = robot.joints[0].name
    assert health[f'{first}.errors'] == 'none' and 5 < health[f'{first}.voltage'] < 13
    world.inject(side, 'unplug')
    with pytest.raises(DeviceError, match='unplugged'):
        robot.read_state()
    world.inject(side, 'replug')
    robot.connect()
    assert robot.read_state().position == pytest.approx(middle(robot), abs=0.02)


def test_faults_pass_and_a_silent_motor_is_named(robot, side, world):
    robot.connect()
    for kind, settings in (
        ('corrupt', {'ids': [3], 'count': 1}),
        ('garbage', {'data': [0, 255], 'count': 2}),
    ):
        world.inject(side, kind, **settings)
        robot.read_state()
    assert robot.arm.bus.statistics.failures == 0
    assert robot.arm.bus.statistics.corrupt >= 1
    world.inject(side, 'silence', ids=[4])
    name = robot.joints[3].name
    with pytest.raises(BusError, match=name):
        robot.read_state()
    world.inject(side, 'clear')
    assert np.isfinite(robot.read_state().position).all()


def test_an_arm_and_both_hands_in_one_process_at_once(world):
    """The vendor's SDK has one byte order per process."""
    robots = [make(side, f'{side}-at-once') for side in ('arm', 'right', 'left')]

    def drive(robot):
        robot.connect()
        for share in (0.3, 0.5):
            goal = np.array([j.lower + share * (j.upper - j.lower) for j in robot.joints])
            move(robot, goal)

    with ThreadPoolExecutor(len(robots)) as pool:
        list(pool.map(drive, robots))
    for robot, side in zip(robots, ('arm', 'right', 'left'), strict=True):
        truth = world.truth(f'{side}-at-once')
        assert list(truth['position'].values()) == pytest.approx(middle(robot), abs=0.02)
        assert robot.arm.bus.statistics.failures == 0
        robot.disconnect()
