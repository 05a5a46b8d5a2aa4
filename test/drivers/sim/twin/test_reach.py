"""Joint angles at which the fingers are around something."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lerobot_drivers.sim.figure import transform
from lerobot_drivers.sim.kinematics import JOINTS, link_poses
from lerobot_drivers.sim.twin.arm_xml import HAND
from lerobot_drivers.sim.twin.reach import GRIP, Hold, azimuth, nearest_yaw, reach


@pytest.mark.parametrize(('x', 'y'), [(0.2, -0.15), (0.28, 0.02), (0.245, 0.15)])
@pytest.mark.parametrize(('z', 'pitch'), [(0.0125, 1.4), (0.085, 1.1)])
def test_the_grip_is_there_and_the_fingers_open_as_asked(x, y, z, pitch):
    yaw = azimuth(x, y) + math.pi / 2 + 0.3
    angles = reach(Hold(x, y, z, pitch, yaw), 0.4)
    pose = link_poses(angles)[HAND]
    assert transform(pose, GRIP) == pytest.approx([x, y, z], abs=5e-4)
    assert -pose[2, 2] == pytest.approx(-math.sin(pitch), abs=0.02)
    opening = pose[:3, 0]
    assert abs(math.atan2(opening[1], opening[0]) - yaw) < 0.1
    assert angles[-1] == 0.4
    assert all(j.lower <= a <= j.upper for j, a in zip(JOINTS, angles, strict=True))


def test_the_fixed_finger_keeps_away():
    hold = Hold(0.22, -0.1, 0.0125, 1.4, nearest_yaw(0.22, -0.1, 0.2), beside=0.006)
    pose = link_poses(reach(hold, 0.5))[HAND]
    middle = transform(pose, GRIP)
    assert np.linalg.norm(middle - [hold.x, hold.y, hold.z]) == pytest.approx(0.006, abs=5e-4)


def test_the_nearest_of_four_yaws_is_less_than_an_eighth_turn_away():
    for yaw in np.linspace(-math.pi, math.pi, 23):
        chosen = nearest_yaw(0.22, -0.1, yaw)
        quarters = (chosen - yaw) / (math.pi / 2)
        assert quarters == pytest.approx(round(quarters), abs=1e-9)
        assert abs(chosen - azimuth(0.22, -0.1) - math.pi / 2) <= math.pi / 4 + 1e-9


@pytest.mark.parametrize(('x', 'z'), [(0.7, 0.02), (0.30, 0.4)])
def test_what_is_out_of_reach_is_told(x, z):
    with pytest.raises(ValueError, match='out of reach'):
        reach(Hold(x, 0.0, z, 1.4, math.pi / 2), 0.4)
