"""What a robot obeys: limits, steps, finite numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.safety import GoalLimiter

DEGREES = JointUnit(NormMode.DEGREES)
PERCENT = JointUnit(NormMode.RANGE_0_100, 0.0, 2.0)
JOINTS = (JointSpec('a', -1.0, 1.0, unit=DEGREES), JointSpec('b', 0.0, 2.0, unit=PERCENT))
NAN = math.nan


def test_limits_clamp():
    limiter = GoalLimiter(JOINTS)
    assert limiter.limit(np.array([5.0, -5.0]), None, 0).tolist() == [1.0, 0.0]


def test_nan_leaves_a_joint():
    sent = GoalLimiter(JOINTS).limit(np.array([NAN, 0.5]), None, 0)
    assert math.isnan(sent[0])
    assert sent[1] == 0.5


@pytest.mark.parametrize('infinite', [math.inf, -math.inf])
def test_infinity_refuses_the_whole_command(infinite):
    limiter = GoalLimiter(JOINTS, max_velocity=1.0)
    limiter.reset(np.zeros(2), 0)
    assert np.isnan(limiter.limit(np.array([infinite, 0.5]), None, 10**9)).all()
    assert limiter.limit(np.array([0.5, NAN]), None, 10**8)[0] == pytest.approx(0.1)


def test_relative_target_is_in_dataset_units_from_the_measured_position():
    limiter = GoalLimiter(JOINTS, max_relative_target={'a': 10.0, 'b': 5.0})
    assert limiter.needs_present
    present = np.array([0.5, 1.0])
    sent = limiter.limit(np.array([-1.0, 2.0]), present, 0)
    assert sent.tolist() == pytest.approx([0.5 - math.radians(10), 1.0 + 0.1])
    inside = np.array([0.5 + math.radians(9), 0.95])
    assert limiter.limit(inside, present, 0).tolist() == inside.tolist()


def test_velocity_limit_lets_a_goal_move_so_far_in_that_time():
    limiter = GoalLimiter(JOINTS, max_velocity=2.0)
    limiter.reset(np.array([0.0, 1.0]), 0)
    step = 10_000_000
    assert limiter.limit(np.array([1.0, 0.0]), None, step).tolist() == pytest.approx([0.02, 0.98])
    assert limiter.limit(np.array([1.0, 0.0]), None, 2 * step).tolist() == pytest.approx(
        [0.04, 0.96]
    )


def test_silence_does_not_save_up_a_jump():
    limiter = GoalLimiter(JOINTS, max_velocity=2.0)
    limiter.reset(np.zeros(2), 0)
    assert limiter.limit(np.array([1.0, 2.0]), None, 10**12).tolist() == pytest.approx([0.2, 0.2])


def test_a_joint_left_alone_is_limited_from_its_last_goal():
    limiter = GoalLimiter(JOINTS, max_velocity=1.0)
    limiter.reset(np.array([0.5, 0.0]), 0)
    limiter.limit(np.array([NAN, 0.1]), None, 10**7)
    assert limiter.limit(np.array([1.0, NAN]), None, 2 * 10**7)[0] == pytest.approx(0.51)


def test_limits_by_joint_must_name_all_of_them():
    with pytest.raises(ConfigError, match=r'max_relative_target .* a, b; found a'):
        GoalLimiter(JOINTS, max_relative_target={'a': 1.0})
    with pytest.raises(ConfigError, match='max_velocity'):
        GoalLimiter(JOINTS, max_velocity={'a': 1.0, 'b': 1.0, 'c': 1.0})


numbers = st.floats(allow_nan=True, allow_infinity=True)
positions = st.floats(-3, 3)


@given(st.lists(st.tuples(numbers, numbers, st.integers(0, 10**8)), max_size=20), positions)
def test_nothing_unsafe_ever_passes(commands, start):
    limiter = GoalLimiter(JOINTS, max_relative_target=10.0, max_velocity=1.0)
    start_goal = np.clip([start, start], limiter.lower, limiter.upper)
    limiter.reset(start_goal, 0)
    last, now, since = start_goal, 0, 0
    for first, second, wait in commands:
        now, since = now + wait, since + wait
        sent = limiter.limit(np.array([first, second]), last, now)
        assert not np.isinf(sent).any()
        known = ~np.isnan(sent)
        assert (np.abs(sent - last)[known] <= 1.0 * min(since / 1e9, 0.1) + 1e-12).all()
        assert (sent[known] >= limiter.lower[known] - 1e-12).all()
        assert (sent[known] <= limiter.upper[known] + 1e-12).all()
        last = np.where(known, sent, last)
        since = since if math.isinf(first) or math.isinf(second) else 0
