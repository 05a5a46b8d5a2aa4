"""A leader of any shape is moved smoothly, for ever, the same again for the same seed."""

import numpy as np
import pytest

from lerobot_drivers.sim.models import sim_model
from lerobot_drivers.sim.pose_operator import PEAK_SPEED, PoseOperator

LOW, HIGH = np.array([-0.7, -1.1, 0.5]), np.array([0.7, -0.2, 1.4])
TIMES = np.arange(0, 60, 0.01)


def film(seed):
    operator = PoseOperator(seed, LOW, HIGH)
    states = [operator.state(time) for time in TIMES]
    return np.array([s[0] for s in states]), np.array([s[1] for s in states])


def test_it_is_repeatable_in_any_order():
    one, other = PoseOperator(3, LOW, HIGH), PoseOperator(3, LOW, HIGH)
    late = one.state(50.0)[0]
    for time in (0.0, 12.3, 49.9):
        other.state(time)
    assert (other.state(50.0)[0] == late).all()
    assert (PoseOperator(4, LOW, HIGH).state(50.0)[0] != late).any()


def test_it_stays_within_poses_and_speed_and_none_rests():
    position, velocity = film(1)
    assert (position >= LOW).all() and (position <= HIGH).all()
    assert np.abs(velocity).max() < PEAK_SPEED + 0.1
    assert (np.ptp(position, axis=0) > 0.5).all()
    assert (np.abs(velocity).max(axis=1) > 1e-3).all()


def test_velocity_is_the_slope_of_position():
    position, velocity = film(2)
    middle = (position[2:] - position[:-2]) / 0.02
    assert middle == pytest.approx(velocity[1:-1], abs=0.02)


def test_a_widowx_moves_its_shadows_along():
    model = sim_model('widowx')
    position, velocity = model.operator(5).state(7.7)
    assert len(position) == len(velocity) == len(model.joints) == 9
    assert position[1] == position[2] and position[3] == position[4]
    assert all(j.lower < p < j.upper for j, p in zip(model.joints, position, strict=True))
