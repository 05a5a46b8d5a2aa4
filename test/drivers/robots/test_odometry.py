"""Dead reckoning against figures that can be told by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lerobot_drivers.robots.odometry import SLIP, Odometry


def test_a_circle_ends_where_it_began():
    odometry = Odometry()
    for _ in range(100):
        odometry.advance(np.array([0.02, 0.0, 2 * math.pi / 100]))
    assert odometry.pose == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_quarter_of_a_turn_in_one_step_is_an_arc():
    odometry = Odometry()
    odometry.advance(np.array([math.pi / 2, 0.0, math.pi / 2]))  # radius 1
    assert odometry.pose == pytest.approx([1.0, 1.0, math.pi / 2])
    odometry.advance(np.array([0.0, 0.5, 0.0]))  # to its left, which is -x now
    assert odometry.pose == pytest.approx([0.5, 1.0, math.pi / 2])


def test_it_grows_less_sure_with_every_metre_and_not_at_rest():
    odometry = Odometry()
    for _ in range(10):
        odometry.advance(np.array([0.1, 0.0, 0.0]))
    after = odometry.covariance.copy()
    assert math.sqrt(after[0, 0]) == pytest.approx(math.sqrt(SLIP))
    assert after[1, 1] > after[0, 0], 'the heading it is not sure of leads it aside'
    assert np.linalg.eigvalsh(after).min() > 0
    odometry.advance(np.zeros(3))
    assert np.array_equal(odometry.covariance, after)
