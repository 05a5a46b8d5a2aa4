"""The leader on the emulated bus, moved by the scripted operator; and a follower behind it."""

import time

import numpy as np
import pytest

from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_teleop.teleoperators import TeleopConfig, make_teleoperator

WORLD = 'so-leader-tests'


@pytest.fixture
def leader():
    made = make_teleoperator(TeleopConfig(type='so101_leader', port=f'sim://{WORLD}/leader'))
    made.connect()
    yield made
    made.disconnect()


def test_the_operator_moves_it(leader):
    first = leader.read_state()
    deadline = time.monotonic() + 10
    while np.abs(leader.read_state().position - first.position).max() < 0.05:
        assert time.monotonic() < deadline, 'the operator does nothing'
        time.sleep(0.01)
    assert set(leader.get_action()) == set(leader.action_features)


def test_a_follower_follows(leader):
    robot = make_robot(RobotConfig(type='so101_follower', port=f'sim://{WORLD}/follower'))
    robot.connect()
    try:
        deadline = time.monotonic() + 10
        distance = np.inf
        while distance > 0.15:
            assert time.monotonic() < deadline, f'still {distance} rad away'
            goal = leader.read_state().position
            sent = robot.write_goal(goal)
            time.sleep(0.01)
            distance = np.abs(robot.read_state().position - sent).max()
        action = leader.get_action()
        assert set(robot.send_action(action)) == set(action)
    finally:
        robot.disconnect()
