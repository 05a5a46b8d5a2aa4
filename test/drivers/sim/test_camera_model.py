from __future__ import annotations

import numpy as np
import pytest

from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.kinematics import SO101, forward_kinematics, link_poses
from lerobot_drivers.sim.scripted_operator import ScriptedOperator


@pytest.mark.parametrize('name', ['front', 'side', 'top', 'anything'])
@pytest.mark.parametrize('size', [(640, 480), (1280, 720), (320, 240), (480, 640)])
def test_the_working_arm_is_in_the_picture(name, size):
    view, operator = View.named(name, *size), ScriptedOperator(1)
    for time in np.arange(0, 40, 0.5):
        pixels = view.project(forward_kinematics(operator.state(time)[0]))
        assert (pixels > 0).all()
        assert (pixels < size).all()


def test_axes_are_right_down_ahead():
    view = View.named('top', 640, 480)
    ahead, left, up = view.project(np.array([[0.3, 0, 0], [0.2, 0.1, 0], [0.2, 0, 0.2]]))
    assert ahead[1] < view.centre[1]
    assert left[0] < view.centre[0]
    assert np.abs(up - view.centre).max() < 2
    assert np.linalg.det(view.rotation) == pytest.approx(1.0)


def test_size_scales_the_picture():
    point = np.array([[0.25, 0.05, 0.1]])
    small, large = (View.named('front', w, h) for w, h in ((320, 240), (640, 480)))
    assert 2 * (small.project(point) + 0.5) == pytest.approx(large.project(point) + 0.5)


def test_the_wrist_view_rides_on_the_hand():
    view = View.named('wrist', 640, 480)
    angles = np.array([0.3, 0.1, 0.2, 1.0, 0.4, 0.3])
    standing = view.at(link_poses(angles)[SO101.camera_link])
    assert view.rides and not standing.rides
    jaw = [standing.project(forward_kinematics(angles))[4]]
    angles[:5] += 0.4
    standing = view.at(link_poses(angles)[SO101.camera_link])
    jaw.append(standing.project(forward_kinematics(angles))[4])
    assert jaw[0] == pytest.approx(jaw[1])
