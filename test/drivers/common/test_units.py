"""Units: every map into the dataset has a way back, and the ends are where they should be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode

ends = st.floats(-100, 100)
values = st.floats(-1e4, 1e4)


@st.composite
def units(draw):
    lower = draw(ends)
    return JointUnit(draw(st.sampled_from(NormMode)), lower, lower + draw(st.floats(1e-3, 100)))


@given(units(), values)
def test_there_and_back(unit, value):
    back = unit.from_dataset(unit.to_dataset(value))
    assert back == pytest.approx(value, rel=1e-9, abs=1e-6)


@given(units(), values)
def test_back_and_there(unit, value):
    there = unit.to_dataset(unit.from_dataset(value))
    assert there == pytest.approx(value, rel=1e-6, abs=1e-6)


@given(units(), values, st.floats(1e-3, 10))
def test_more_on_the_topic_is_more_in_the_dataset(unit, value, more):
    assert unit.to_dataset(value + more) > unit.to_dataset(value)
    assert unit.scale * more == pytest.approx(
        unit.to_dataset(value + more) - unit.to_dataset(value), rel=1e-3, abs=1e-3
    )


@pytest.mark.parametrize(
    ('mode', 'at_lower', 'at_upper', 'at_zero'),
    [
        (NormMode.RANGE_M100_100, -100.0, 100.0, -100.0 / 3),
        (NormMode.RANGE_0_100, 0.0, 100.0, 100.0 / 3),
        (NormMode.DEGREES, math.degrees(-1), math.degrees(2), 0.0),
        (NormMode.RADIANS, -1.0, 2.0, 0.0),
    ],
)
def test_the_ends_and_zero(mode, at_lower, at_upper, at_zero):
    unit = JointUnit(mode, -1.0, 2.0)
    found = [unit.to_dataset(value) for value in (-1.0, 2.0, 0.0)]
    assert found == pytest.approx([at_lower, at_upper, at_zero])
    assert unit.offset == pytest.approx(at_zero)


@pytest.mark.parametrize(('lower', 'upper'), [(1, 1), (2, 1), (math.nan, 1), (0, math.nan)])
def test_a_range_that_is_none(lower, upper):
    with pytest.raises(ValueError, match='must be greater than lower'):
        JointUnit(NormMode.DEGREES, lower, upper)


@given(st.floats(allow_nan=False))
def test_clamping(position):
    joint = JointSpec('a', -1.0, 2.0)
    clamped = joint.clamp(position)
    assert -1.0 <= clamped <= 2.0
    assert clamped == position or not -1.0 <= position <= 2.0
    assert JointSpec('free').clamp(position) == position


def test_clamping_makes_no_number_of_what_is_none():
    assert math.isnan(JointSpec('a', -1.0, 2.0).clamp(math.nan))
