from __future__ import annotations

import numpy as np
import pytest

from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.figure import Body, standing_at
from lerobot_drivers.sim.kinematics import SO101, forward_kinematics
from lerobot_drivers.sim.renderer import Renderer

POSE = np.array([0.3, 0.1, 0.1, 1.1, 0.4, 0.5])


def draw(name: str, angles: list[np.ndarray], size: tuple[int, int] = (640, 480)) -> np.ndarray:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    bodies = [Body(SO101, a, standing_at(0.0, -0.38 * i)) for i, a in enumerate(angles)]
    Renderer(View.named(name, *size)).draw(image, bodies)
    return image


@pytest.mark.parametrize('name', ['front', 'side', 'top', 'wrist', 'other'])
def test_a_picture_repeats_and_shows_the_arm(name):
    one = draw(name, [POSE])
    assert (one == draw(name, [POSE])).all()
    assert (one != draw(name, [POSE + 0.2])).mean() > 0.005
    assert one.std() > 15


def test_an_empty_world_and_two_arms_can_be_drawn():
    empty, two = draw('front', []), draw('front', [POSE, POSE])
    assert (empty != two).mean() > (empty != draw('front', [POSE])).mean()


def test_only_markers_are_saturated():
    image = draw('front', [POSE]).astype(int)
    saturated = np.ptp(image, axis=-1) > 90
    pixels = View.named('front', 640, 480).project(forward_kinematics(POSE))
    ys, xs = np.nonzero(saturated)
    nearest = np.hypot(xs[:, None] - pixels[:, 0], ys[:, None] - pixels[:, 1]).min(1)
    assert saturated.sum() > 6 * 100
    assert nearest.max() < 12


def test_odd_sizes():
    assert draw('side', [POSE], (161, 97)).shape == (97, 161, 3)
