"""What a dataset holds becomes the same again: in float32, whatever the unit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_recorder.rotation import normalized
from lerobot_recorder.to_bag.inverse import topic_values, unit_rotations

UNITS = [
    JointUnit(),
    JointUnit(NormMode.DEGREES),
    JointUnit(NormMode.RANGE_M100_100, -1.7, 2.3),
    JointUnit(NormMode.RANGE_0_100, -0.174533, 1.74533),
]
NEAR = st.floats(-7, 7, allow_nan=False)


def in_dataset(values, units):
    scale = np.array([unit.scale for unit in units])
    return (values * scale + np.array([unit.offset for unit in units])).astype(np.float32)


@given(st.lists(st.tuples(NEAR, NEAR, NEAR, NEAR), min_size=1, max_size=20))
def test_what_was_on_a_topic_becomes_the_same_float32(values):
    rows = in_dataset(np.array(values), UNITS)
    assert np.array_equal(in_dataset(topic_values(rows, UNITS), UNITS), rows)


@given(NEAR)
def test_the_way_back_is_the_plain_inverse_to_a_few_doubles(value):
    rows = in_dataset(np.array([[value]]), UNITS[3:])
    plain = UNITS[3].from_dataset(float(rows[0, 0]))
    assert topic_values(rows, UNITS[3:])[0, 0] == pytest.approx(plain, rel=1e-14, abs=1e-14)


def test_a_value_nobody_knows_stays_unknown():
    assert np.isnan(topic_values(np.array([[np.nan]], np.float32), UNITS[1:2])).all()


@given(st.tuples(NEAR, NEAR, NEAR, NEAR))
def test_a_rounded_quaternion_becomes_the_same_float32_when_it_is_normalised(values):
    values = np.array(values)
    if np.linalg.norm(values) < 1e-3:
        return
    where = [(0, 1, 2, 3)]
    row = normalized(values, where).astype(np.float32)
    again = normalized(unit_rotations(row[None].astype(np.float64), where)[0], where)
    assert np.array_equal(again.astype(np.float32), row)
