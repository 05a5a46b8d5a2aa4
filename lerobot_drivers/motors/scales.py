"""What a tick is to a joint, where that is not LeRobot's ``MotorScale``."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lerobot_drivers.common.units import JointUnit
from lerobot_drivers.motors.calibration import MotorCalibration


class JointScale(Protocol):
    """The map between ticks, topic values and dataset values of one calibrated motor."""

    @property
    def calibration(self) -> MotorCalibration:
        """The motor's."""
        ...

    @property
    def resolution(self) -> int:
        """Ticks per turn."""
        ...

    def ticks_to_dataset(self, ticks: int) -> float:
        """Return the dataset value of a position."""
        ...

    def dataset_to_ticks(self, value: float) -> int:
        """Return the position of a dataset value."""
        ...

    def ticks_to_topic(self, ticks: int) -> float:
        """Return the topic value of a position [rad or m]."""
        ...

    def topic_to_ticks(self, value: float) -> int:
        """Return the position of a topic value [rad or m]."""
        ...

    def topic_per_tick(self, ticks: int) -> float:
        """Return the change of the topic value per tick at a position, signed."""
        ...

    def topic_limits(self) -> tuple[float, float]:
        """Return the topic values of the calibrated range's ends, lower first."""
        ...


ScaleMaker = Callable[[MotorCalibration, JointUnit, int], JointScale]
"""Makes a scale of a calibration, a unit and the ticks per turn."""


@dataclass(frozen=True)
class TopicScale(ABC):
    """A scale whose topic value has a meaning of its own; the dataset value follows by the unit.

    Positions are rounded to the nearest tick.

    Attributes:
        calibration: of this motor.
        unit: of its joint.
        resolution: ticks per turn.
    """

    calibration: MotorCalibration
    unit: JointUnit
    resolution: int

    @abstractmethod
    def ticks_to_topic(self, ticks: float) -> float:
        """Return the topic value of a position [rad or m]."""

    @abstractmethod
    def exact_ticks(self, value: float) -> float:
        """Return the position of a topic value, a fraction of a tick included."""

    @abstractmethod
    def topic_per_tick(self, ticks: float) -> float:
        """Return the change of the topic value per tick at a position, signed."""

    def topic_to_ticks(self, value: float) -> int:
        """Return the tick next to a topic value [rad or m]."""
        return round(self.exact_ticks(value))

    def ticks_to_dataset(self, ticks: float) -> float:
        """Return the dataset value of a position."""
        return self.unit.to_dataset(self.ticks_to_topic(ticks))

    def dataset_to_ticks(self, value: float) -> int:
        """Return the tick next to a dataset value."""
        return self.topic_to_ticks(self.unit.from_dataset(value))

    def topic_limits(self) -> tuple[float, float]:
        """Return the topic values of the calibrated range's ends, lower first."""
        ends = self.calibration.range_min, self.calibration.range_max
        values = [self.ticks_to_topic(end) for end in ends]
        return min(values), max(values)

    def angle(self, ticks: float) -> float:
        """Return the motor's angle, 0 at half a turn [rad]."""
        return (ticks - self.resolution // 2) * 2 * math.pi / self.resolution

    def ticks_of(self, angle: float) -> float:
        """Return the position of an angle of the motor [tick]."""
        return angle * self.resolution / (2 * math.pi) + self.resolution // 2


class AngleScale(TopicScale):
    """The motor's angle is the joint's: 0 rad at half a turn, wherever the range lies."""

    def ticks_to_topic(self, ticks: float) -> float:
        """Return the angle of a position [rad]."""
        return self.angle(ticks)

    def exact_ticks(self, value: float) -> float:
        """Return the position of an angle [tick]."""
        return self.ticks_of(value)

    def topic_per_tick(self, ticks: float) -> float:
        """Return a tick as an angle, the same everywhere [rad/tick]."""
        del ticks
        return 2 * math.pi / self.resolution
