"""Grippers through a linkage: Interbotix' geometry, ALOHA's constants, and the way back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.motors.linkage import FingerScales, Linkage

LINKAGE = Linkage(0.022, 0.036)
UNIT = JointUnit(NormMode.RANGE_0_1, 0.0440, 0.0579)
CLOSED, OPEN, DEAD_CENTRE = 2452, 3105, 3072
make = FingerScales(LINKAGE, (CLOSED, OPEN))


def scale(low=CLOSED, high=OPEN):
    return make(MotorCalibration(9, 0, 0, low, high), UNIT, 4096)


@pytest.mark.parametrize(
    ('angle', 'finger'),
    [
        (math.pi / 2, 0.058),  # horn and rod in line: 0.022 + 0.036
        (0.0, 0.02849561369755),  # sqrt(0.036^2 - 0.022^2)
        (math.pi / 4, 0.04802168),  # 0.0155563 + sqrt(0.001296 - 0.000242)
        (-math.pi / 2, 0.014),  # 0.036 - 0.022
    ],
)
def test_finger_of_an_angle(angle, finger):
    assert LINKAGE.finger(angle) == pytest.approx(finger, abs=1e-7)
    assert LINKAGE.angle(finger) == pytest.approx(angle, abs=1e-3)


@pytest.mark.parametrize(
    ('linkage', 'angle', 'finger'),
    [
        (LINKAGE, 0.6197, 0.0440),
        (LINKAGE, 1.6214, 0.0579),
        (Linkage(0.014, 0.024), 0.8298, 0.0323),
    ],
)
def test_alohas_constants_are_of_this_linkage(linkage, angle, finger):
    """Interbotix/aloha, constants.py: the same places as joint and as finger position."""
    assert linkage.finger(angle) == pytest.approx(finger, abs=1e-4)


@given(st.integers(2452, 3060))
def test_there_and_back_and_the_slope(tick):
    each = scale()
    assert each.topic_to_ticks(each.ticks_to_topic(tick)) == tick
    assert each.dataset_to_ticks(each.ticks_to_dataset(tick)) == tick
    step = each.ticks_to_topic(tick + 0.5) - each.ticks_to_topic(tick - 0.5)
    assert each.topic_per_tick(tick) == pytest.approx(step, rel=1e-2, abs=1e-9)


def test_what_is_out_of_reach_is_the_place_next_to_it():
    each = scale()
    assert each.topic_to_ticks(0.2) == DEAD_CENTRE
    assert each.topic_to_ticks(0.0) == 1024
    assert each.topic_limits() == pytest.approx((0.0440, 0.0579), abs=1e-4)


def test_a_calibration_stretches_to_the_same_ends():
    own, nominal = scale(2400, 3000), scale()
    assert own.ticks_to_topic(2400) == pytest.approx(nominal.ticks_to_topic(CLOSED))
    assert own.ticks_to_topic(3000) == pytest.approx(nominal.ticks_to_topic(OPEN))
    assert own.topic_to_ticks(own.ticks_to_topic(2700)) == 2700
    assert own.ticks_to_topic(2700) > nominal.ticks_to_topic(2700)
