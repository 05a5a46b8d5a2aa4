"""Fingers that a horn drives through two rods: an angle becomes an opening.

The geometry is that of Interbotix's grippers (``interbotix_xs_sdk``, ``horn_radius`` and
``arm_length`` of a motor configuration): a slider-crank, each finger on a rail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lerobot_drivers.common.units import JointUnit
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.motors.scales import TopicScale


@dataclass(frozen=True)
class Linkage:
    """A horn and the rods from it to the fingers.

    Attributes:
        horn_radius: of the horn's pins [m].
        arm_length: of each rod, longer than the radius [m].
    """

    horn_radius: float
    arm_length: float

    def finger(self, angle: float) -> float:
        """Return how far a finger is from the horn's axis [m]; most at a quarter turn."""
        along, across = self.horn_radius * math.sin(angle), self.horn_radius * math.cos(angle)
        return along + math.sqrt(self.arm_length**2 - across**2)

    def angle(self, finger: float) -> float:
        """Return the horn's angle of a finger's distance, within a quarter turn each way [rad].

        A distance out of reach is taken for the one next to it.
        """
        shortest, longest = self.arm_length - self.horn_radius, self.arm_length + self.horn_radius
        reached = min(max(finger, shortest), longest)
        radius = self.horn_radius
        sine = (radius**2 + reached**2 - self.arm_length**2) / (2 * radius * reached)
        return math.asin(min(max(sine, -1.0), 1.0))

    def slope(self, angle: float) -> float:
        """Return how much further the finger goes per turn of the horn [m/rad]."""
        along, across = self.horn_radius * math.sin(angle), self.horn_radius * math.cos(angle)
        return across + along * across / math.sqrt(self.arm_length**2 - across**2)


@dataclass(frozen=True)
class FingerScale(TopicScale):
    """A gripper whose topic value is a finger's distance from the horn's axis [m].

    Attributes:
        linkage: between motor and finger.
        nominal: ticks at which the gripper is closed and open as built. Where a calibration
            found it closed and open elsewhere, the distance is stretched to the same ends.
    """

    linkage: Linkage
    nominal: tuple[int, int]

    def ticks_to_topic(self, ticks: float) -> float:
        """Return the distance at a position [m]."""
        own, nominal, stretch = self._ends
        return nominal + (self._finger(ticks) - own) * stretch

    def exact_ticks(self, value: float) -> float:
        """Return the position of a distance, on this side of the dead centre [tick]."""
        own, nominal, stretch = self._ends
        return self.ticks_of(self.linkage.angle(own + (value - nominal) / stretch))

    def topic_per_tick(self, ticks: float) -> float:
        """Return how far the finger goes per tick at a position [m/tick]."""
        per_tick = 2 * math.pi / self.resolution
        return self._ends[2] * self.linkage.slope(self.angle(ticks)) * per_tick

    def _finger(self, ticks: float) -> float:
        return self.linkage.finger(self.angle(ticks))

    @property
    def _ends(self) -> tuple[float, float, float]:
        """Own and nominal distance when closed, and nominal travel per own."""
        own = [self._finger(end) for end in self._range]
        nominal = [self._finger(end) for end in self.nominal]
        return own[0], nominal[0], (nominal[1] - nominal[0]) / (own[1] - own[0])

    @property
    def _range(self) -> tuple[int, int]:
        return self.calibration.range_min, self.calibration.range_max


@dataclass(frozen=True)
class FingerScales:
    """Makes scales of one make of gripper; see ``FingerScale``.

    Attributes:
        linkage: between motor and finger.
        nominal: ticks at which it is closed and open as built.
    """

    linkage: Linkage
    nominal: tuple[int, int]

    def __call__(
        self, calibration: MotorCalibration, unit: JointUnit, resolution: int
    ) -> FingerScale:
        """Return the scale of a motor."""
        return FingerScale(calibration, unit, resolution, self.linkage, self.nominal)
