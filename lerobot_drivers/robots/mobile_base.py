"""A mobile base as every package knows it: velocities of its own frame, by REP 103.

x ahead [m/s], y to the left [m/s], turning to the left about z [rad/s].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.robots.base_config import BaseConfig

Vector = NDArray[np.float64]

AXES = ('linear.x', 'linear.y', 'angular.z')
"""Where the three velocities are in a ``geometry_msgs/Twist``."""


@dataclass(frozen=True)
class BaseReading:
    """A base at one moment.

    Attributes:
        stamp_ns: when it was measured, by the injected clock [ns].
        velocity: measured, in its own frame, shape (3,) [m/s, m/s, rad/s].
        pose: x, y and heading since it was connected first, by its own wheels, shape (3,)
            [m, m, rad].
        covariance: of the pose, shape (3, 3).
    """

    stamp_ns: int
    velocity: Vector
    pose: Vector
    covariance: Vector


class MobileBase(ABC):
    """What a robot drives on. It is connected, read and closed with its robot.

    Attributes:
        goes_on: whether it goes on as it was told last when nobody speaks to it any more.
    """

    goes_on: ClassVar[bool] = False

    @property
    @abstractmethod
    def axes(self) -> tuple[JointSpec, ...]:
        """The three axes in the order of ``AXES``: names and units in a dataset, ceilings."""

    @property
    @abstractmethod
    def reading(self) -> BaseReading | None:
        """What the robot's last ``read_state`` read of it; None before the first."""

    @abstractmethod
    def limited(self, velocity: Vector) -> Vector:
        """Return a velocity of the same direction, no faster than its ceilings."""

    @abstractmethod
    def drive(self, velocity: Vector) -> Vector:
        """Ask for a velocity, now and until asked for another.

        Args:
            velocity: in its own frame, shape (3,) [m/s, m/s, rad/s]; finite.

        Returns:
            What was sent, see ``limited``.

        Raises:
            DeviceError: the device was unplugged.
        """

    def stop(self) -> None:
        """Stand still, at once.

        Raises:
            DeviceError: the device was unplugged.
        """
        self.drive(np.zeros(len(AXES)))


def within_ceilings(velocity: Vector, config: BaseConfig) -> Vector:
    """Return a velocity of the same direction that is not too fast [m/s, m/s, rad/s]."""
    linear = float(np.hypot(velocity[0], velocity[1]))
    angular = abs(float(velocity[2]))
    over = (
        linear / (config.max_linear_velocity or np.inf),
        angular / (config.max_angular_velocity or np.inf),
    )
    return np.asarray(velocity / max(1.0, *over))
