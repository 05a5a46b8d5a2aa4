"""A person at a leader arm: picks things up and puts them down, for ever.

The motion is a function of time alone, repeatable from a seed. No joint ever rests:
a slow sway lies over everything, as a hand's does.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np

from lerobot_drivers.sim.kinematics import JOINTS, planar_reach
from lerobot_drivers.sim.strokes import Angles, Strokes

PEAK_SPEED = 0.95
"""Fastest joint of a planned move, before the sway [rad/s]."""

_SHORTEST_S = 0.6
_OPEN, _CLOSED = 0.9, 0.12
_CARRY_HEIGHT, _GRASP_HEIGHT = 0.13, 0.03
_SWAY_RAD = np.array([0.025, 0.018, 0.018, 0.022, 0.03, 0.03])


@dataclass(frozen=True)
class _Place:
    """A hand over the table, in cylinder coordinates about shoulder_pan."""

    pan: float
    radius: float
    roll: float

    def angles(self, height: float, grip: float) -> Angles:
        pitch = 1.35 - 3.0 * (height - _GRASP_HEIGHT)
        lift, elbow, wrist = planar_reach(self.radius, height, pitch)
        return np.array([self.pan, lift, elbow, wrist, self.roll, grip])


class ScriptedOperator:
    """Moves of one person; asking for any time again gives the same angles."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        phase = np.array([self._chance.uniform(0, 2 * math.pi) for _ in JOINTS])
        pose = self._some_place(1.0).angles(_CARRY_HEIGHT, _OPEN)
        self._strokes = Strokes(pose, _SWAY_RAD, phase)
        self._side = -1.0

    def state(self, time_s: float) -> tuple[Angles, Angles]:
        """Return the joints' angles [rad] and velocities [rad/s] at a time since the start [s]."""
        time_s = max(time_s, 0.0)
        while self._strokes.end_s <= time_s:
            self._plan_cycle()
        return self._strokes.state(time_s)

    def _plan_cycle(self) -> None:
        """Plan to fetch something on one side and put it down on the other."""
        source, goal = self._some_place(self._side), self._some_place(-self._side)
        self._side = -self._side
        for place, before, after in ((source, _OPEN, _CLOSED), (goal, _CLOSED, _OPEN)):
            self._move_to(place.angles(_CARRY_HEIGHT, before))
            self._move_to(place.angles(_GRASP_HEIGHT, before))
            self._move_to(place.angles(_GRASP_HEIGHT, after))
            self._move_to(place.angles(_CARRY_HEIGHT, after))

    def _some_place(self, side: float) -> _Place:
        chance = self._chance
        pan = side * chance.uniform(0.25, 0.75)
        return _Place(pan, chance.uniform(0.20, 0.27), chance.uniform(-0.7, 0.7))

    def _move_to(self, pose: Angles) -> None:
        self._strokes.move_to(pose, PEAK_SPEED, _SHORTEST_S)
