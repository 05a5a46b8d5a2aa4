"""Two followers as one, on the emulator: keys, ids, failures of both told at once."""

import math
import threading
import time

import numpy as np
import pytest

from lerobot_drivers.arm_control import ArmControl
from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import BusError, ConfigError, DeviceError, NotConnectedError
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.pair import Pair
from lerobot_drivers.robots.so_arm import HOME, JOINT_NAMES
from lerobot_drivers.sim.client import SimClient

WORLD = 'bi-so-tests'
KEYS = [f'{side}_{name}.pos' for side in ('left', 'right') for name in JOINT_NAMES]
TORQUE = 40


def ports(name):
    return {f'{side}_arm_port': f'sim://{WORLD}/{name}_{side}' for side in ('left', 'right')}


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


@pytest.fixture
def device(request):
    return request.node.name[:30].replace('[', '-').replace(']', '')


@pytest.fixture
def robot(device, world):
    made = make_robot(RobotConfig(type='bi_so_follower', **ports(device)))
    yield made
    made.disconnect()


def test_names_are_lerobots():
    robot = make_robot(RobotConfig(type='bi_so100_follower', id='duo', **ports('x')))
    assert robot.name == 'bi_so_follower'
    assert list(robot.action_features) == KEYS
    assert [config.id for config in robot.arm_configs] == ['duo_left', 'duo_right']
    assert [arm.name for arm in robot.pair.arms] == ['so_follower'] * 2


def test_both_are_read_and_moved(robot, device, world):
    robot.connect()
    reading = robot.read_state()
    assert reading.position.shape == reading.velocity.shape == reading.effort.shape == (12,)
    goal = reading.position.copy()
    goal[0], goal[6] = 0.4, -0.3
    sent = robot.write_goal(goal)
    assert sent == pytest.approx(goal, abs=1e-6)
    deadline = time.monotonic() + 10
    while np.abs(robot.read_state().position - goal).max() > 0.03:
        assert time.monotonic() < deadline
    for side, angle in (('left', 0.4), ('right', -0.3)):
        truth = world.truth(f'{device}_{side}')['position']['shoulder_pan']
        assert truth == pytest.approx(angle, abs=0.03)
    observed = robot.get_observation()
    assert list(observed) == KEYS
    assert observed['left_shoulder_pan.pos'] == pytest.approx(math.degrees(0.4), abs=2)
    assert set(robot.send_action({'right_gripper.pos': 20.0})) == {'right_gripper.pos'}
    assert {'left_gripper.voltage', 'right_gripper.voltage'} <= set(robot.health())


def test_what_is_wrong_with_either_is_told_at_once(robot, device, world):
    robot.connect()
    robot.hang_up()
    world.inject(f'{device}_left', 'silence', ids=[2])
    world.inject(f'{device}_right', 'silence', ids=[5])
    with pytest.raises(NotConnectedError) as caught:
        robot.connect()
    assert len(caught.value.failures) == 2
    assert 'shoulder_lift (id 2' in str(caught.value) and 'wrist_roll (id 5' in str(caught.value)
    assert not robot.is_connected
    for side in ('left', 'right'):
        world.inject(f'{device}_{side}', 'clear')
    robot.connect()
    world.inject(f'{device}_left', 'silence', ids=[2])
    world.inject(f'{device}_right', 'silence', ids=[5])
    with pytest.raises(BusError, match=r'(?s)shoulder_lift \(id 2\).*wrist_roll \(id 5\)'):
        robot.read_state()
    for side in ('left', 'right'):
        world.inject(f'{device}_{side}', 'clear')


def test_while_one_arm_is_gone_the_other_goes_on_holding(robot, device, world):
    robot.connect()
    world.inject(f'{device}_right', 'unplug')
    with pytest.raises(DeviceError, match='unplugged'):
        robot.read_state()
    with pytest.raises(DeviceError) as caught:
        robot.connect()
    assert 'is unplugged' in str(caught.value) and 'connected already' not in str(caught.value)
    writes = world.registers(f'{device}_left')
    assert [w['data'] for w in writes if w['address'] == TORQUE][-1] == [1]
    world.inject(f'{device}_right', 'replug')
    robot.connect()
    assert robot.read_state().position.shape == (12,)


@pytest.mark.parametrize('released', [True, False])
def test_if_one_arm_is_missing_from_the_start_the_other_is_let_go_as_configured(
    device, world, released
):
    settings = {**ports(device), 'disable_torque_on_disconnect': released}
    for side in ('left', 'right'):
        world.attach_arm(f'{device}_{side}', 'so101_follower')
    world.inject(f'{device}_right', 'silence', ids=[5])
    robot = make_robot(RobotConfig(type='bi_so_follower', **settings))
    with pytest.raises(NotConnectedError, match=r'wrist_roll \(id 5'):
        robot.connect()
    assert bool(world.truth(f'{device}_left')['goal']) != released
    world.inject(f'{device}_right', 'clear')
    robot.connect()
    assert world.truth(f'{device}_left')['goal']
    robot.disconnect()


def test_an_emergency_stop_reaches_the_arm_that_is_left(robot, device, world):
    clock = ManualClock(10**18)
    driver = ArmDriver(robot, 100.0, clock, lambda _: None)
    control = ArmControl(driver, 'release', clock, lambda _: None)
    control.connect()
    world.inject(f'{device}_right', 'unplug')
    control.step()
    assert driver.lost and world.truth(f'{device}_left')['goal']
    with pytest.raises(DeviceError, match='limp as soon as the arm can be reached'):
        control.emergency_stop()
    clock.advance(1.1)
    control.step()
    assert not world.truth(f'{device}_left')['goal'], 'it is let go though the other is gone'
    world.inject(f'{device}_right', 'replug')
    clock.advance(1.1)
    control.step()
    assert not driver.lost
    assert not world.truth(f'{device}_right')['goal']


def test_limp_both_are_limp_when_they_connect(robot, device, world):
    robot.limp = True
    robot.connect()
    for side in ('left', 'right'):
        assert not world.truth(f'{device}_{side}')['goal']
    robot.enable_torque()
    assert world.truth(f'{device}_right')['goal']


def test_it_is_told_by_both_ports_and_alarms_by_side(robot, device, world):
    assert robot.hardware_id == ', '.join(ports(device).values())
    robot.connect()
    world.inject(f'{device}_right', 'alert', joints=['gripper'], causes=['overload'])
    robot.read_state()
    (alarm,) = robot.alarms()
    assert alarm.text.startswith('right arm: gripper: overload (')
    assert robot.health()['right_gripper.errors'] == 'overload'


def test_home_is_that_of_both_arms_or_as_told(robot, device):
    assert np.isnan(robot.home[[5, 11]]).all()
    assert list(robot.home[:5]) == list(robot.home[6:11]) == list(HOME.values())
    told = RobotConfig(type='bi_so_follower', home={'right_shoulder_pan': 90}, **ports(device))
    home = make_robot(told).home
    assert home[6] == pytest.approx(math.pi / 2)
    assert np.isnan(np.delete(home, 6)).all()


@pytest.mark.parametrize(
    ('settings', 'told'),
    [
        ({}, 'needs one port for its left arm, which is not told'),
        ({'left_arm_port': '/dev/a'}, 'needs one port for its right arm'),
        ({'port': '/dev/a'}, 'give --robot.left_arm_port and'),
    ],
)
def test_ports_are_asked_for(settings, told):
    with pytest.raises(ConfigError, match=told):
        make_robot(RobotConfig(type='bi_so_follower', **settings))


def test_one_arm_has_no_sides():
    with pytest.raises(ConfigError, match=r'a so101_follower has one arm.*left_arm_port'):
        make_robot(RobotConfig(type='so101_follower', port='sim://a/b', left_arm_port='/dev/a'))


def test_sides_have_their_own_settings_over_the_shared_ones():
    steps = dict.fromkeys(JOINT_NAMES, 5.0)
    robot = make_robot(
        build(
            max_relative_target={
                f'{side}_{name}': step + (side == 'right')
                for side in ('left', 'right')
                for name, step in steps.items()
            },
            left_arm_config={'port': 'sim://a/l', 'num_read_retries': 7},
            right_arm_config={'port': 'sim://a/r', 'use_degrees': False},
        )
    )
    left, right = robot.arm_configs
    assert (left.port, right.port) == ('sim://a/l', 'sim://a/r')
    assert (left.num_read_retries, right.num_read_retries) == (7, 2)
    assert left.max_relative_target == steps
    assert right.max_relative_target == dict.fromkeys(JOINT_NAMES, 6.0)
    assert (left.use_degrees, right.use_degrees) == (None, False)


def build(**values):
    from lerobot_drivers.common.config import build as build_config

    return build_config(RobotConfig, {'type': 'bi_so_follower', **values}, 'robot')


def test_both_are_asked_at_the_same_time():
    meeting = threading.Barrier(2, timeout=10)
    pair = Pair('a', 'b')
    assert pair.both(lambda arm: (meeting.wait(), arm)[1]) == ('a', 'b')
    pair.close(lambda arm: None)


def test_what_is_no_devices_failure_is_told_first():
    def fail(arm):
        raise DeviceError('left') if arm == 'a' else ValueError('right')

    with pytest.raises(ValueError, match='right'):
        Pair('a', 'b').close(fail)
