"""A mobile base that a LeKiwi's host drives: asked for by LeRobot's names of its axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.robots.base_config import BaseConfig
from lerobot_drivers.robots.mobile_base import (
    AXES,
    BaseReading,
    MobileBase,
    Vector,
    within_ceilings,
)
from lerobot_drivers.robots.odometry import Odometry
from lerobot_drivers.robots.omni_base import OmniBase
from lerobot_drivers.robots.wheel_base import base_axes

BLIND_NS = NS_PER_S // 2
"""Over a longer silence nothing is known of how it went [ns]."""


class RemoteBase(MobileBase):
    """The host's wheels.

    Args:
        config: ceilings.
        send: sends what is wanted now.
    """

    def __init__(self, config: BaseConfig, send: Callable[[], None]) -> None:
        self._config = config
        self._send = send
        self._shape = OmniBase()
        self._axes = base_axes(self.limited)
        self._wanted: Vector = np.zeros(len(AXES))
        self._odometry = Odometry()
        self._reading: BaseReading | None = None
        self._drives = False

    @property
    def axes(self) -> tuple[JointSpec, ...]:
        """Ahead, to the left, turning to the left; see ``MobileBase``."""
        return self._axes

    @property
    def reading(self) -> BaseReading | None:
        """What was told last; see ``MobileBase``."""
        return self._reading

    def take_in(self, state: Mapping[str, float], stamp_ns: int) -> None:
        """Take over what the host tells of its velocity."""
        told = [axis.unit.from_dataset(state[axis.feature]) for axis in self._axes]
        velocity, before = np.array(told), self._reading
        if before is not None and 0 < stamp_ns - before.stamp_ns < BLIND_NS:
            mean = (before.velocity + velocity) / 2.0
            self._odometry.advance(mean * (stamp_ns - before.stamp_ns) / NS_PER_S)
        pose, covariance = self._odometry.pose, self._odometry.covariance
        self._reading = BaseReading(stamp_ns, velocity, pose, covariance)

    def wanted(self) -> dict[str, float]:
        """Return what it is asked for now, in dataset units."""
        pairs = zip(self._axes, self._wanted.tolist(), strict=True)
        return {axis.feature: axis.unit.to_dataset(value) for axis, value in pairs}

    def limited(self, velocity: Vector) -> Vector:
        """Return what it can do of a velocity; see ``MobileBase``."""
        return self._shape.limited(within_ceilings(velocity, self._config))

    def aim(self, velocity: Vector) -> Vector:
        """Want a velocity without sending it yet; return what it is after all limits."""
        self._wanted = self.limited(velocity)
        return self._wanted

    def drive(self, velocity: Vector) -> Vector:
        """Ask for a velocity; see ``MobileBase``. A stand is told once, the rest is silence."""
        sent = self.aim(velocity)
        drives = bool(sent.any())
        if drives or self._drives:
            self._send()
        self._drives = drives
        return sent

    def stop(self) -> None:
        """Stand still, and say so whatever was said before."""
        self.aim(np.zeros(len(AXES)))
        self._drives = False
        self._send()
