from __future__ import annotations

import numpy as np

from lerobot_drivers.sim.kinematics import JOINTS, tool_position
from lerobot_drivers.sim.scripted_operator import ScriptedOperator

TIMES = np.arange(0, 90, 0.01)


def film(seed: int) -> tuple[np.ndarray, np.ndarray]:
    operator = ScriptedOperator(seed)
    states = [operator.state(time) for time in TIMES]
    return np.array([s[0] for s in states]), np.array([s[1] for s in states])


def test_it_is_repeatable_in_any_order():
    one, other = ScriptedOperator(3), ScriptedOperator(3)
    late = one.state(70.0)[0]
    for time in (0.0, 12.3, 69.9):
        other.state(time)
    assert (other.state(70.0)[0] == late).all()
    assert (ScriptedOperator(4).state(70.0)[0] != late).any()


def test_it_stays_within_limits_and_speed():
    position, velocity = film(1)
    for index, joint in enumerate(JOINTS):
        assert position[:, index].min() > joint.lower
        assert position[:, index].max() < joint.upper
    assert 0.8 < np.abs(velocity).max() < 1.1


def test_velocity_is_the_slope_of_position():
    position, velocity = film(2)
    middle = (position[2:] - position[:-2]) / 0.02
    assert np.abs(middle - velocity[1:-1]).max() < 0.02


def test_all_joints_move_and_none_rests_for_long():
    _, velocity = film(1)
    for joint in range(6):
        still = np.abs(velocity[:, joint]) < 0.003
        longest = max(map(len, ''.join('.x'[int(s)] for s in still).split('.')))
        assert longest * 0.01 < 0.5
        assert np.ptp(velocity[:, joint]) > 0.3


def test_it_reaches_the_table_and_lifts():
    position, _ = film(1)
    heights = np.array([tool_position(angles)[2] for angles in position[::5]])
    assert 0.0 < heights.min() < 0.06
    assert heights.max() > 0.11
