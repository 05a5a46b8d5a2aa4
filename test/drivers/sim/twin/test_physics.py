"""Gravity, motors and memory of the scene."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('mujoco', reason='mujoco is not installed (extra sim)')

from lerobot_drivers.sim.servo import RAD_PER_TICK
from lerobot_drivers.sim.twin.physics import HISTORY_STEPS, STEP_NS, Physics

S = 1_000_000_000
LIFT, ELBOW, GRIPPER = 1, 2, 5
RAISED = np.array([0.0, -0.4, 0.4, 0.3, 0.0, 0.3])


def ticks(angle: float) -> float:
    return 2048.0 + angle / RAD_PER_TICK


@pytest.fixture
def physics():
    return Physics(0)


@pytest.fixture
def shafts(physics):
    shafts = physics.connect_shafts([2048.0] * 6, [(-4000.0, 8000.0)] * 6)
    for shaft, angle in zip(shafts, RAISED, strict=True):
        shaft.set_p_gain(16)
        shaft.hold(ticks(angle))
    return shafts


def power(shafts, angles=RAISED):
    for shaft, angle in zip(shafts, angles, strict=True):
        shaft.target = ticks(angle)


def test_without_torque_the_arm_falls_and_with_torque_it_holds(physics, shafts):
    physics.advance(S // 2)
    assert np.abs(physics.now()[0] - RAISED).max() > 0.1
    for shaft, angle in zip(shafts, RAISED, strict=True):
        shaft.hold(ticks(angle))
    power(shafts)
    physics.advance(2 * S)
    assert np.abs(physics.now()[0] - RAISED).max() < 0.05


def test_it_sags_by_its_own_weight_as_was_foretold(physics, shafts):
    power(shafts)
    physics.advance(2 * S)
    angles, _ = physics.now()
    friction = 0.052 / 17.8
    foretold = physics.sag(angles)
    assert abs(foretold[LIFT]) > 0.01
    assert (RAISED - angles)[:5] == pytest.approx(foretold[:5], abs=1.5 * friction)
    weight = shafts[LIFT].effort(0.0)
    assert weight * 2.94 == pytest.approx(foretold[LIFT] * 17.8, abs=0.08)


def test_stiffer_motors_sag_less_and_weak_ones_give_way(physics, shafts):
    power(shafts)
    physics.advance(2 * S)
    usual = abs(physics.now()[0] - RAISED)[LIFT]
    for shaft in shafts:
        shaft.set_p_gain(64)
    physics.advance(4 * S)
    assert abs(physics.now()[0] - RAISED)[LIFT] < usual / 2
    for shaft in shafts:
        shaft.torque_limit = 0.02
    physics.advance(6 * S)
    assert abs(physics.now()[0] - RAISED).max() > 0.2
    assert abs(shafts[LIFT].effort(0.0)) <= 0.021


def test_what_was_is_remembered_and_asking_changes_nothing(physics, shafts):
    power(shafts, RAISED + np.array([0.3, 0, 0, 0, 0, 0]))
    early = physics.state(S // 10)[0]
    physics.advance(S)
    assert physics.state(S // 10)[0] == pytest.approx(early, abs=1e-12)
    between = physics.state(S // 10 + STEP_NS // 2)[0]
    after = physics.state(S // 10 + STEP_NS)[0]
    assert between == pytest.approx((early + after) / 2, abs=1e-9)
    assert len(physics.scene(S)) == 13


def test_a_world_that_nobody_asked_stood_still(physics, shafts):
    power(shafts)
    physics.advance(2 * S)
    before = physics.now()[0].copy()
    hour = 3600 * S
    physics.advance(hour)
    assert physics.now()[0] == pytest.approx(before, abs=0.02)
    assert physics.ahead_ns(hour) < STEP_NS
    assert physics.state(hour - HISTORY_STEPS * STEP_NS)[0] == pytest.approx(before, abs=0.02)
