"""A world with physics as drivers and cameras find it: the same bus, another mover."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

pytest.importorskip('mujoco', reason='mujoco is not installed (extra sim)')

from lerobot_drivers.common.errors import BusError, ConfigError, DeviceError
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.sim.client import SimClient
from lerobot_drivers.sim.twin.engine import choose_gl

RAISED = np.array([0.2, -0.6, 0.6, 0.6, 0.3, 0.5])
PATIENCE_S = 10.0


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.02)


@pytest.fixture(scope='module')
def world():
    with SimClient(f'twin{os.getpid()}.mujoco') as client:
        client.attach_arm('leader', 'so101_leader')
        client.attach_arm('follower', 'so101_follower')
        client.ask_operator('leader', 'wait')
        yield client


@pytest.fixture
def robot(world):
    made = make_robot(RobotConfig(type='so101_follower', port=f'sim://{world.world}/follower'))
    made.connect()
    yield made
    made.disconnect()


def arrived(robot, goal):
    reading = robot.read_state()
    return np.abs(reading.position - goal).max() < 0.06 and np.abs(reading.velocity).max() < 0.02


def test_the_driver_moves_the_arm_against_gravity_and_reads_its_load(robot, world):
    robot.write_goal(RAISED)
    wait_until(lambda: arrived(robot, RAISED))
    reading = robot.read_state()
    truth = world.truth('follower', reading.stamp_ns)
    assert reading.position == pytest.approx(list(truth['position'].values()), abs=0.003)
    sag = RAISED - reading.position
    lift = [joint.name for joint in robot.joints].index('shoulder_lift')
    assert abs(sag[lift]) > 0.005, 'nothing weighs here'
    assert np.sign(reading.effort[lift]) == np.sign(sag[lift])
    assert 0.02 < abs(reading.effort[lift]) < 0.6


def test_unplugged_it_is_an_error_and_replugged_it_goes_on(robot, world):
    world.inject('follower', 'unplug')
    with pytest.raises((DeviceError, BusError)):
        robot.read_state()
    robot.disconnect()
    world.inject('follower', 'replug')
    robot.connect()
    robot.write_goal(RAISED)
    wait_until(lambda: arrived(robot, RAISED))


def test_without_power_for_a_moment_it_falls(robot, world):
    robot.write_goal(RAISED)
    wait_until(lambda: arrived(robot, RAISED))
    world.inject('follower', 'power_cycle')

    def fallen():
        position = np.array(list(world.truth('follower')['position'].values()))
        return np.abs(position - RAISED).max() > 0.12

    wait_until(fallen)
    with pytest.raises(DeviceError, match='is limp without having been asked'):
        wait_until(lambda: robot.read_state() is None)


def test_pushed_by_hand_it_is_there(world):
    world.inject('follower', 'push', joints={'shoulder_pan': 0.7})
    assert world.truth('follower')['position']['shoulder_pan'] == pytest.approx(0.7, abs=0.02)


def test_a_camera_sees_the_cube_move(world):
    if choose_gl() == 'disable':
        pytest.skip('neither EGL nor OSMesa is installed')
    pictures = []
    with world.attach_camera('top', 160, 120, 30) as camera:
        for place in ((0.2, -0.2), (0.3, 0.0)):
            world.inject('cube', 'put', x=place[0], y=place[1], yaw=0.0)
            stamp_ns = time.time_ns()
            assert world.task()['position'][:2] == pytest.approx(place, abs=1e-3)
            picture, seen_ns = camera.read(5.0)
            while seen_ns < stamp_ns:
                picture, seen_ns = camera.read(5.0)
            pictures.append(picture.astype(int))
    assert np.abs(pictures[1] - pictures[0]).max() > 40
    assert pictures[0].std() > 15


@pytest.mark.parametrize(
    ('ask', 'told'),
    [
        (lambda w: w.attach_arm('other', 'so101_follower'), 'one follower, which is follower'),
        (lambda w: w.attach_arm('koch', 'koch_follower'), 'not for a koch_follower'),
        (lambda w: w.inject('cube', 'melt'), "not 'melt'"),
        (lambda w: w.inject('cube', 'put', x=0.2), "'put' of the cube"),
        (lambda w: w.ask_operator('follower', 'begin'), 'follower .* is no leader'),
        (lambda w: w.ask_operator('leader', 'dance'), "not 'dance'"),
    ],
)
def test_what_it_cannot_is_one_line(world, ask, told):
    with pytest.raises(ConfigError, match=told):
        ask(world)


def test_a_world_without_physics_has_no_task():
    with SimClient(f'flat{os.getpid()}') as world:
        with pytest.raises(ConfigError, match='has no task'):
            world.task()
        with pytest.raises(ConfigError, match='nobody listens'):
            world.ask_operator('leader', 'begin')
