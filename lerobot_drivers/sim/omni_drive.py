"""How three omni wheels carry what stands on them over the floor.

Derived from where the wheels touch the floor, not from a formula of LeRobot's: at its contact a
wheel rolls along its rim, and lets the floor slip freely across it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Place = NDArray[np.float64]
"""x, y and heading, which counts turns, in the world [m, m, rad]."""


@dataclass(frozen=True)
class Wheel:
    """One wheel.

    Attributes:
        servo: name of the servo that turns it.
        x: of its contact, ahead of the middle [m].
        y: of its contact, to the left of the middle [m].
        radius: [m].
    """

    servo: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class OmniDrive:
    """Wheels that each roll round the middle, to the left when they turn forwards.

    Attributes:
        wheels: three of them.
    """

    wheels: tuple[Wheel, ...]

    def moved(self, place: Place, speeds: Mapping[str, float], dt: float) -> Place:
        """Return where it has come to.

        Args:
            place: where it was.
            speeds: of the servos, by name [rad/s].
            dt: after how long [s].
        """
        if not any(speeds[wheel.servo] for wheel in self.wheels):
            return place
        rolled = [speeds[wheel.servo] * wheel.radius for wheel in self.wheels]
        ahead, aside, turn = self._carried @ np.array(rolled)
        heading = place[2] + turn * dt / 2.0
        c, s = math.cos(heading), math.sin(heading)
        step = np.array([c * ahead - s * aside, s * ahead + c * aside, turn])
        return np.asarray(place + step * dt)

    @cached_property
    def _carried(self) -> NDArray[np.float64]:
        """What each rim's speed makes of the middle's: ahead, aside, turn."""
        levers = [math.hypot(wheel.x, wheel.y) for wheel in self.wheels]
        rims = [[-w.y / r, w.x / r, r] for w, r in zip(self.wheels, levers, strict=True)]
        return np.linalg.inv(np.array(rims))


def three_wheels(names: tuple[str, str, str], lever: float, radius: float) -> OmniDrive:
    """Return a base with a wheel ahead on the left, one behind, one ahead on the right.

    Args:
        names: of their servos, in that order.
        lever: from the middle to each [m].
        radius: of each [m].
    """
    places = [(lever * math.cos(a), lever * math.sin(a)) for a in np.radians([60, 180, 300])]
    return OmniDrive(
        tuple(Wheel(n, x, y, radius) for n, (x, y) in zip(names, places, strict=True))
    )
