"""Wheels on a floor: where they carry a robot, by figures that can be told by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lerobot_drivers.robots.lekiwi_plan import WHEELS
from lerobot_drivers.robots.omni_base import OmniBase
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.lekiwi import LEKIWI
from lerobot_drivers.sim.omni_drive import three_wheels

DRIVE = three_wheels(('a', 'b', 'c'), 0.1, 0.05)


def test_equal_wheels_turn_it_on_the_spot_to_the_left():
    place = DRIVE.moved(np.zeros(3), {'a': 2.0, 'b': 2.0, 'c': 2.0}, 1.0)
    assert place == pytest.approx([0.0, 0.0, 1.0])


def test_the_front_wheels_against_each_other_drive_it_ahead_whichever_way_it_looks():
    rolled = 0.3 * math.cos(math.radians(30)) / 0.05
    speeds = {'a': -rolled, 'b': 0.0, 'c': rolled}
    assert DRIVE.moved(np.zeros(3), speeds, 1.0) == pytest.approx([0.3, 0.0, 0.0])
    assert DRIVE.moved(np.array([1.0, 1.0, math.pi / 2]), speeds, 1.0) == pytest.approx(
        [1.0, 1.3, math.pi / 2]
    )


def test_the_driver_means_the_same_by_a_velocity():
    """Neither shares a line with the other."""
    wanted = np.array([0.1, -0.07, 0.6])
    wheels = OmniBase().to_wheels(wanted) * 2 * math.pi / 4096
    place = LEKIWI.drive.moved(np.zeros(3), dict(zip(WHEELS, wheels, strict=True)), 1e-4)
    assert place / 1e-4 == pytest.approx(wanted, rel=1e-3)


def test_standing_wheels_cost_no_time_and_move_nothing():
    arm = SimArm('kiwi', 'lekiwi', 0)
    for servo in arm._servos[6:]:
        servo.motion.target_speed = 0.0
    assert arm.place(10_000_000_000).tolist() == [0.0, 0.0, 0.0]
    arm._servos[8].motion.target_speed = 500.0
    assert not arm._servos[8].motion.at_rest
    assert arm.place(10_500_000_000)[2] > 0.01
