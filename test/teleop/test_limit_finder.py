"""The lowest and the highest of what was seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_teleop.limit_finder import LimitFinder

JOINTS = (
    JointSpec('pan', -math.pi, math.pi, 1.0, JointUnit(NormMode.DEGREES)),
    JointSpec('gripper', 0.0, 1.0, 1.0, JointUnit(NormMode.RANGE_0_100, lower=0.0, upper=1.0)),
)


def test_limits_are_in_dataset_units_and_of_the_end_in_metres():
    finder = LimitFinder(JOINTS, lambda position: np.array([position[0], 0.0, -position[1]]))
    assert finder.joint_limits is None
    for pan, gripper in ((0.0, 0.5), (math.pi / 2, 0.2), (-math.pi / 4, 0.4)):
        finder.see(np.array([pan, gripper]))
    low, high = finder.joint_limits
    assert low == pytest.approx([-45.0, 20.0])
    assert high == pytest.approx([90.0, 50.0])
    assert finder.position == pytest.approx([-45.0, 40.0])
    low, high = finder.end_limits
    assert low == pytest.approx([-math.pi / 4, 0.0, -0.5])
    assert high == pytest.approx([math.pi / 2, 0.0, -0.2])


def test_where_the_end_is_need_not_be_known():
    finder = LimitFinder(JOINTS)
    finder.see(np.zeros(2))
    assert finder.end_limits is None
