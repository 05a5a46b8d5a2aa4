"""Where a base has come to, by its own wheels, and how sure that is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

SLIP = 0.05**2
"""Variance that a metre or a radian adds, for want of a measured one: 5 cm after a metre."""


class Odometry:
    """Adds up small moves in the plane.

    Attributes:
        pose: x, y and heading in the frame in which it began, shape (3,) [m, m, rad].
        covariance: of the pose, shape (3, 3); it only grows.
    """

    def __init__(self) -> None:
        self.pose: Vector = np.zeros(3)
        self.covariance: Vector = np.zeros((3, 3))

    def advance(self, travel: Vector) -> None:
        """Move on, along an arc.

        Args:
            travel: what was rolled in the body's frame, shape (3,) [m, m, rad].
        """
        if not travel.any():
            return
        x, y, turn = map(float, travel)
        along, across = _arc(turn)
        moved = _turned(self.pose[2]) @ np.array([along * x - across * y, across * x + along * y])
        path = math.hypot(x, y)
        carry = np.eye(3)
        carry[:2, 2] = -moved[1], moved[0]
        slipped = SLIP * np.diag([path, path, path + abs(turn)])
        self.covariance = carry @ self.covariance @ carry.T + slipped
        heading = self.pose[2] + turn
        self.pose = np.array(
            [*(self.pose[:2] + moved), math.atan2(math.sin(heading), math.cos(heading))]
        )


def _arc(turn: float) -> tuple[float, float]:
    """Return sin(t)/t and (1 - cos(t))/t: how far an arc gets along its chord and aside."""
    if abs(turn) < 1e-6:
        return 1.0, turn / 2.0
    return math.sin(turn) / turn, (1.0 - math.cos(turn)) / turn


def _turned(heading: float) -> Vector:
    cosine, sine = math.cos(heading), math.sin(heading)
    return np.array([[cosine, -sine], [sine, cosine]])
