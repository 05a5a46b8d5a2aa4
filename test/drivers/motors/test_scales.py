"""Joints whose angle is their motor's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.motors.scales import AngleScale

CALIBRATION = MotorCalibration(2, 1, 7, 841, 2867)


@given(st.integers(0, 4095), st.sampled_from([NormMode.RADIANS, NormMode.DEGREES]))
def test_there_and_back(tick, mode):
    scale = AngleScale(CALIBRATION, JointUnit(mode), 4096)
    assert scale.topic_to_ticks(scale.ticks_to_topic(tick)) == tick
    assert scale.dataset_to_ticks(scale.ticks_to_dataset(tick)) == tick


def test_zero_is_half_a_turn_wherever_the_range_lies():
    scale = AngleScale(CALIBRATION, JointUnit(), 4096)
    assert scale.ticks_to_topic(2048) == 0.0
    assert scale.ticks_to_dataset(3072) == pytest.approx(math.pi / 2)
    assert scale.topic_to_ticks(-math.pi / 4) == 1536
    assert scale.topic_per_tick(5) == pytest.approx(math.radians(0.087890625))
    assert scale.topic_limits() == (scale.ticks_to_topic(841), scale.ticks_to_topic(2867))


def test_the_next_tick_is_taken():
    scale = AngleScale(CALIBRATION, JointUnit(), 4096)
    step = 2 * math.pi / 4096
    assert scale.topic_to_ticks(10.6 * step) == 2059
    assert scale.topic_to_ticks(-10.6 * step) == 2037
