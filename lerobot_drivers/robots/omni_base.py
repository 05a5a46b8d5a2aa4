"""Three omni wheels: from a velocity of the body to turning speeds of the wheels, and back.

Facts from LeRobot (``robots/lekiwi/lekiwi.py``): the wheels push at 150, -90 and 30 degrees from
straight ahead, and all three are slowed down together where one would be too fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

TICKS_PER_TURN = 4096


@dataclass(frozen=True)
class OmniBase:
    """Where the wheels are, and how fast they may turn.

    Attributes:
        wheel_radius: [m].
        base_radius: from the middle to a wheel [m].
        headings: in which direction each wheel pushes when it turns forwards [rad].
        max_speed: fastest any wheel may turn [tick/s].
    """

    wheel_radius: float = 0.05
    base_radius: float = 0.125
    headings: tuple[float, ...] = (math.radians(150), math.radians(-90), math.radians(30))
    max_speed: float = 3000.0

    @cached_property
    def matrix(self) -> Vector:
        """Body velocity [m/s, m/s, rad/s] -> speeds over the ground at the wheels [m/s]."""
        return np.array([[math.cos(a), math.sin(a), self.base_radius] for a in self.headings])

    @cached_property
    def per_metre(self) -> float:
        """Ticks that a wheel turns on a metre."""
        return TICKS_PER_TURN / (2.0 * math.pi * self.wheel_radius)

    def limited(self, velocity: Vector) -> Vector:
        """Return a velocity of the same direction for which no wheel turns too fast.

        Args:
            velocity: x ahead, y to the left, turning to the left [m/s, m/s, rad/s].
        """
        fastest = float(np.abs(self.matrix @ velocity).max()) * self.per_metre
        return velocity * (self.max_speed / fastest) if fastest > self.max_speed else velocity

    def to_wheels(self, velocity: Vector) -> Vector:
        """Return how fast each wheel turns for a body velocity, as far as it can [tick/s]."""
        return np.asarray(self.matrix @ self.limited(velocity) * self.per_metre)

    def to_body(self, wheels: Vector) -> Vector:
        """Return how the body moves when the wheels do so much [m, m, rad].

        Args:
            wheels: what each turns, or turns in a second [tick or tick/s].
        """
        return np.asarray(self._inverse @ wheels / self.per_metre)

    @cached_property
    def _inverse(self) -> Vector:
        return np.linalg.inv(self.matrix)
