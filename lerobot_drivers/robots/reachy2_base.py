"""The wheels of a Reachy 2, through its SDK."""

from __future__ import annotations

import numpy as np

from lerobot_drivers.common.channel import Message
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.reachy2.joints import BASE, BASE_AXES, BASE_LIMITS
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.mobile_base import (
    AXES,
    BaseReading,
    MobileBase,
    Vector,
    within_ceilings,
)
from lerobot_drivers.robots.reachy2_link import ReachyLink

UNITS = (JointUnit(), JointUnit(), JointUnit(NormMode.DEGREES))
COVARIANCE = np.diag([1e-3, 1e-3, 1e-3])
"""Of the pose, nominal: the robot tells none [m^2, m^2, rad^2]."""


class ReachyBase(MobileBase):
    """Three omni wheels, driven by what the robot makes of a velocity.

    A velocity lives for 200 ms there, so it stands when nobody speaks to it any more, we
    included. The SDK caps the third axis, and what is too fast in y it caps in x: what is
    sent is within its caps already, and keeps its direction.

    Args:
        link: to the robot.
        config: ceilings, and whether somebody else drives.
    """

    def __init__(self, link: ReachyLink, config: RobotConfig) -> None:
        self._link = link
        self._config = config
        self._reading: BaseReading | None = None
        self._drives = False

    @property
    def axes(self) -> tuple[JointSpec, ...]:
        """Ahead, to the left, turning to the left; see ``MobileBase``."""
        fastest = [self.limited(axis * 1e3)[at] for at, axis in enumerate(np.eye(len(AXES)))]
        return tuple(
            JointSpec(name, -float(most), float(most), unit=unit, key=key, is_velocity=True)
            for name, most, unit, key in zip(
                AXES, fastest, UNITS, [f'{BASE}.{axis}' for axis in BASE_AXES], strict=True
            )
        )

    @property
    def reading(self) -> BaseReading | None:
        """What was read last; see ``MobileBase``."""
        return self._reading

    def take_in(self, reply: Message) -> None:
        """Take over the odometry in an answer of the worker's."""
        values = np.array(reply['odometry'])
        self._reading = BaseReading(reply['odometry_ns'], values[3:], values[:3], COVARIANCE)

    def limited(self, velocity: Vector) -> Vector:
        """Return a velocity of the same direction within its ceilings and the SDK's caps."""
        slow = within_ceilings(velocity, self._config.base)
        over = float(np.max(np.abs(slow) / np.array(BASE_LIMITS)))
        return np.asarray(slow / max(1.0, over))

    def drive(self, velocity: Vector) -> Vector:
        """Ask for a velocity; see ``MobileBase``. A stand is told once, the rest is silence."""
        if self._config.use_external_commands:
            return np.zeros(len(AXES))
        sent = self.limited(velocity)
        drives = bool(sent.any())
        if drives or self._drives:
            self._link.ask('set_speed', speed=sent.tolist())
        self._drives = drives
        return sent
