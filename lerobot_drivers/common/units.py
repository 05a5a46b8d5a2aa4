"""Joint values: rad or m on topics, a declared norm mode in the dataset.

Every map is affine, hence invertible. LeRobot's norm modes are kept
(``lerobot/motors/motors_bus.py``, ``MotorNormMode``); ``radians`` is ours, for
robots whose datasets hold what their topics hold, and ``range_0_1``, as ALOHA's grippers have it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from lerobot_drivers.common.naming import position_key


class NormMode(str, Enum):
    """How a joint's value is written into a dataset."""

    RADIANS = 'radians'
    DEGREES = 'degrees'
    RANGE_M100_100 = 'range_m100_100'
    RANGE_0_100 = 'range_0_100'
    RANGE_0_1 = 'range_0_1'


@dataclass(frozen=True)
class JointUnit:
    """The map between a joint's value on topics and in the dataset.

    Attributes:
        mode: the norm mode in the dataset.
        lower: topic value that maps to -100 or 0 (range modes only) [rad or m].
        upper: topic value that maps to 100, or 1 (range modes only) [rad or m].
    """

    mode: NormMode = NormMode.RADIANS
    lower: float = -math.pi
    upper: float = math.pi

    def __post_init__(self) -> None:
        if not self.upper > self.lower:
            raise ValueError(f'upper ({self.upper}) must be greater than lower ({self.lower})')

    @cached_property
    def scale(self) -> float:
        """Dataset units per topic unit."""
        span = self.upper - self.lower
        return {
            NormMode.RADIANS: 1.0,
            NormMode.DEGREES: 180.0 / math.pi,
            NormMode.RANGE_M100_100: 200.0 / span,
            NormMode.RANGE_0_100: 100.0 / span,
            NormMode.RANGE_0_1: 1.0 / span,
        }[self.mode]

    @cached_property
    def offset(self) -> float:
        """Dataset value at topic value zero."""
        return {
            NormMode.RADIANS: 0.0,
            NormMode.DEGREES: 0.0,
            NormMode.RANGE_M100_100: -100.0 - self.lower * self.scale,
            NormMode.RANGE_0_100: -self.lower * self.scale,
            NormMode.RANGE_0_1: -self.lower * self.scale,
        }[self.mode]

    def to_dataset(self, value: float) -> float:
        """Return the dataset value of a topic value."""
        return value * self.scale + self.offset

    def from_dataset(self, value: float) -> float:
        """Return the topic value [rad or m] of a dataset value."""
        return (value - self.offset) / self.scale


@dataclass(frozen=True)
class JointSpec:
    """A joint, or an axis of a mobile base, as every package knows it.

    Attributes:
        name: the joint's name on topics; an axis' place in a Twist, ``linear.x``.
        lower: lowest position a command may ask for [rad or m]; of an axis, velocity.
        upper: highest position a command may ask for [rad or m]; of an axis, velocity.
        velocity: fastest a hand-over may move it [rad/s or m/s].
        unit: its map into the dataset.
        key: its name in a dataset where that is not ``<name>.pos``.
        is_velocity: it is an axis, commanded by its velocity [m/s or rad/s].
    """

    name: str
    lower: float = -math.inf
    upper: float = math.inf
    velocity: float = math.inf
    unit: JointUnit = JointUnit()
    key: str = ''
    is_velocity: bool = False

    @property
    def feature(self) -> str:
        """Its name in a dataset, ``<name>.pos`` unless told otherwise."""
        return self.key or position_key(self.name)

    def clamp(self, position: float) -> float:
        """Return the position within the joint's limits [rad or m]."""
        return min(max(position, self.lower), self.upper)
