"""A person at a leader arm of any shape: goes from one comfortable pose to another, for ever."""

from __future__ import annotations

import math
import random
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Angles = NDArray[np.float64]

STROKE_S = 2.5
"""From one pose to the next [s]."""
PEAK_SPEED = 0.95
"""No joint is asked for more by a stroke, before the sway [rad/s]."""
_MIN_JERK_PEAK = 1.875
_SWAY_RAD = 0.012
_SWAY_HZ = (0.23, 0.31, 0.37, 0.29, 0.41, 0.33)


class PoseOperator:
    """Strokes of least jerk between random poses, with a slow sway over them: no joint rests.

    Asking for any time again gives the same angles.

    Args:
        seed: of the poses.
        low: lowest angles of a comfortable pose [rad].
        high: highest ones; what is farther away than a stroke goes is come nearer to [rad].
    """

    def __init__(self, seed: int, low: Angles, high: Angles) -> None:
        self._seed = seed
        self._low, self._high = low + _SWAY_RAD, high - _SWAY_RAD
        chance = random.Random(seed)
        self._phase = np.array([chance.uniform(0, 2 * math.pi) for _ in low])
        self._omega = 2 * math.pi * np.resize(_SWAY_HZ, len(low))
        self._pose = lru_cache(maxsize=8)(self._draw)

    def state(self, time_s: float) -> tuple[Angles, Angles]:
        """Return the joints' angles [rad] and velocities [rad/s] at a time since the start [s]."""
        number, passed = divmod(max(time_s, 0.0), STROKE_S)
        origin, goal = self._pose(int(number)), self._pose(int(number) + 1)
        u = passed / STROKE_S
        share = u**3 * (10.0 - 15.0 * u + 6.0 * u * u)
        rate = 30.0 * u * u * (1.0 - u) ** 2 / STROKE_S
        angle = self._omega * time_s + self._phase
        position = origin + share * (goal - origin) + _SWAY_RAD * np.sin(angle)
        velocity = rate * (goal - origin) + _SWAY_RAD * self._omega * np.cos(angle)
        return position, velocity

    def _draw(self, number: int) -> Angles:
        """Return the nth pose: about the middle, so that any two are one stroke apart."""
        chance = random.Random(f'{self._seed}:{number}')
        middle, half = (self._high + self._low) / 2, (self._high - self._low) / 2
        reach = np.minimum(half, PEAK_SPEED * STROKE_S / _MIN_JERK_PEAK / 2)
        return np.asarray(middle + reach * [chance.uniform(-1, 1) for _ in middle])
