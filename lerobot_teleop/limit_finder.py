"""How far joints, and the end of an arm, have been: limits that are found by going there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.units import JointSpec

Vector = NDArray[np.float64]


class LimitFinder:
    """Keeps the lowest and the highest of what was seen.

    Attributes:
        names: of the joints, the order of all arrays.
        position: as seen last, in dataset units; None before anything was.

    Args:
        joints: with their units.
        place: the end effector's place by joint angles [rad] -> x, y, z [m]; None if unknown.
    """

    def __init__(
        self, joints: Sequence[JointSpec], place: Callable[[Vector], Vector] | None = None
    ) -> None:
        self.names = tuple(joint.name for joint in joints)
        self.position: Vector | None = None
        self._units = [joint.unit for joint in joints]
        self._place = place
        self._joints: tuple[Vector, Vector] | None = None
        self._ends: tuple[Vector, Vector] | None = None

    @property
    def joint_limits(self) -> tuple[Vector, Vector] | None:
        """Lowest and highest of each joint, in dataset units; None before anything was seen."""
        return self._joints

    @property
    def end_limits(self) -> tuple[Vector, Vector] | None:
        """Lowest and highest x, y, z of the end effector [m], None if that is unknown."""
        return self._ends

    def see(self, position: Vector) -> None:
        """Take a measured position into account, by joint [rad]."""
        values = zip(self._units, position, strict=True)
        self.position = np.array([unit.to_dataset(float(value)) for unit, value in values])
        self._joints = _wider(self._joints, self.position)
        if self._place is not None:
            self._ends = _wider(self._ends, self._place(position))


def _wider(limits: tuple[Vector, Vector] | None, value: Vector) -> tuple[Vector, Vector]:
    low, high = limits or (value, value)
    return np.minimum(low, value), np.maximum(high, value)
