"""From the goal in force to what is asked, at a joint's velocity."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.hand_over import MARGIN, MAX_STEP_S, HandOver

STEP_NS = 10_000_000
JOINTS = (
    JointSpec('slow', -1.0, 1.0, 1.0),
    JointSpec('fast', -2.0, 2.0, 2.0),
    JointSpec('free', -9.0, 9.0, math.inf),
)


class Way:
    """A goal that is brought along."""

    def __init__(self) -> None:
        self.hand_over = HandOver(JOINTS)
        self.now_ns = 10**18
        self.goal = np.zeros(3)

    def step(self, asked: list[float] | None = None, seconds: float = 0.01) -> np.ndarray:
        self.now_ns += round(seconds * 1e9)
        wanted = None if asked is None else np.array(asked)
        sent = self.hand_over.next(self.goal, self.now_ns, wanted)
        self.goal = np.where(np.isnan(sent), self.goal, sent)
        return sent


@pytest.fixture
def way() -> Way:
    way = Way()
    way.hand_over.begin(way.now_ns)
    return way


def test_each_joint_goes_at_its_velocity(way: Way) -> None:
    np.testing.assert_allclose(way.step([0.5, -0.5, 5.0]), [0.01, -0.02, 5.0])
    np.testing.assert_allclose(way.step([0.5, -0.5, 6.0]), [0.02, -0.04, 6.0])


def test_it_goes_on_without_new_commands_until_it_has_met_the_last_one(way: Way) -> None:
    way.step([0.1, math.nan, math.nan])
    steps = 0
    while way.hand_over.is_moving:
        assert np.isnan(way.step()[1:]).all(), 'what was not asked for stays'
        steps += 1
    assert way.goal[0] == 0.1
    assert steps == 7, 'the last 20 mrad are a step like another'
    assert np.isnan(way.step()).all()


def test_once_met_a_joint_follows_at_once_and_others_do_not_yet(way: Way) -> None:
    way.step([0.01, 1.0, 0.0])
    sent = way.step([0.9, 1.0, 0.0])
    np.testing.assert_allclose(sent, [0.9, 0.04, 0.0])


def test_what_runs_away_is_met_too(way: Way) -> None:
    asked = 0.1
    for _ in range(200):
        asked = min(asked + 0.0099, 1.0)
        way.step([asked, 0.0, 0.0])
    assert way.goal[0] == 1.0


def test_a_limit_is_met_where_more_is_asked(way: Way) -> None:
    way.step([7.0, math.nan, math.nan])
    for _ in range(110):
        way.step()
    assert not way.hand_over.is_moving
    assert way.goal[0] == 1.0


def test_a_pause_is_not_made_up_for(way: Way) -> None:
    way.step([0.9, 0.0, 0.0])
    way.step([0.9, 0.0, 0.0], seconds=30.0)
    assert way.goal[0] <= 0.01 + MAX_STEP_S * 1.0 + MARGIN


def test_it_begins_anew_after_an_interruption(way: Way) -> None:
    for _ in range(60):
        way.step([0.5, 0.5, 0.0])
    assert way.goal[0] == 0.5
    way.goal = np.array([0.3, 0.3, 0.0])
    way.hand_over.begin(way.now_ns)
    assert not way.hand_over.is_moving
    np.testing.assert_allclose(way.step([0.5, 0.5, 0.0]), [0.31, 0.32, 0.0])


def test_joints_sent_together_arrive_together(way: Way) -> None:
    way.goal = np.array([0.0, 0.2, 0.0])
    pose = np.array([0.5, 0.0, math.nan])
    seconds = way.hand_over.begin_together(pose, way.goal, way.now_ns)
    assert seconds == pytest.approx(0.5)
    for _ in range(25):
        way.step()
    np.testing.assert_allclose(way.goal, [0.25, 0.1, 0.0], atol=1e-9)
    while way.hand_over.is_moving:
        way.step()
    np.testing.assert_allclose(way.goal, [0.5, 0.0, 0.0])


def test_a_pose_it_is_in_is_met_at_once(way: Way) -> None:
    assert way.hand_over.begin_together(way.goal, way.goal, way.now_ns) == 0.0
    way.step()
    assert not way.hand_over.is_moving
