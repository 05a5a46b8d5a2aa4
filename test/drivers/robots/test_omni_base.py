"""Omni wheels against LeRobot's figures, and against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.robots.omni_base import OmniBase

BASE = OmniBase()
VELOCITIES = st.tuples(*[st.floats(-5.0, 5.0)] * 2, st.floats(-20.0, 20.0)).map(np.array)


@pytest.mark.parametrize(
    ('velocity', 'raw'),
    [
        # What LeRobot's LeKiwi writes into Goal_Velocity of the left, back and right wheel.
        ((0.1, 0.0, 0.0), (-1129, 0, 1129)),
        ((0.0, 0.1, 0.0), (652, -1304, 652)),
        ((0.0, 0.0, math.radians(30)), (853, 853, 853)),
        ((0.5, 0.0, 0.0), (-3000, 0, 3000)),
    ],
)
def test_wheels_turn_as_with_lerobot(velocity, raw):
    assert np.round(BASE.to_wheels(np.array(velocity))).astype(int).tolist() == list(raw)


def test_the_motors_are_its_ceiling():
    x, y, turn = (BASE.limited(axis * 9.0)[at] for at, axis in enumerate(np.eye(3)))
    assert (x, y) == pytest.approx((0.2657, 0.2301), abs=1e-4)
    assert math.degrees(turn) == pytest.approx(105.5, abs=0.1)


@given(VELOCITIES)
def test_back_is_the_inverse_of_there_and_too_fast_keeps_its_direction(velocity):
    wheels = BASE.to_wheels(velocity)
    assert np.abs(wheels).max() <= BASE.max_speed + 1e-9
    back = BASE.to_body(wheels)
    share = np.linalg.norm(back) / max(np.linalg.norm(velocity), 1e-12)
    assert share <= 1 + 1e-9
    assert np.allclose(back, velocity * share, atol=1e-9)
    slow = velocity * 0.01
    assert np.allclose(BASE.to_body(BASE.to_wheels(slow)), slow, atol=1e-12)
