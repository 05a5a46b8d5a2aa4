"""An omni base whose wheels are servos on an arm's bus, turned by their velocity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.robots.base_config import BaseConfig
from lerobot_drivers.robots.mobile_base import (
    AXES,
    BaseReading,
    MobileBase,
    Vector,
    within_ceilings,
)
from lerobot_drivers.robots.odometry import Odometry
from lerobot_drivers.robots.omni_base import TICKS_PER_TURN, OmniBase
from lerobot_drivers.robots.serial_arm import SerialArm

KEYS = ('x.vel', 'y.vel', 'theta.vel')
"""LeRobot's names of the axes; the third in deg/s."""
UNITS = (JointUnit(), JointUnit(), JointUnit(NormMode.DEGREES))
BLIND_NS = NS_PER_S // 2
"""After so long without a reading a wheel may have gone round more than half a turn."""


def base_axes(limited: Callable[[Vector], Vector]) -> tuple[JointSpec, ...]:
    """Return the axes of a LeKiwi's base.

    Args:
        limited: brings a velocity within its ceilings.
    """
    fastest = [limited(axis * 1e3)[at] for at, axis in enumerate(np.eye(len(AXES)))]
    return tuple(
        JointSpec(name, -float(most), float(most), unit=unit, key=key, is_velocity=True)
        for name, most, unit, key in zip(AXES, fastest, UNITS, KEYS, strict=True)
    )


@dataclass(frozen=True)
class _Seen:
    ticks: Vector
    stamp_ns: int


class WheelBase(MobileBase):
    """Three wheels.

    Where it has come to is counted by the wheels' encoders, not added up from their
    velocities: it does not depend on how often it is read.

    Args:
        arm: on whose bus its wheels are, as its plan tells.
        config: ceilings.
        shape: where the wheels are.
    """

    goes_on: ClassVar[bool] = True

    def __init__(self, arm: SerialArm, config: BaseConfig, shape: OmniBase | None = None) -> None:
        self._arm = arm
        self._config = config
        self._shape = shape or OmniBase()
        self._wheels = [wheel.name for wheel in arm.plan.wheels]
        self._rows = [list(arm.plan.motors).index(name) for name in self._wheels]
        self._axes = base_axes(self.limited)
        self._odometry = Odometry()
        self._seen: _Seen | None = None
        self._reading: BaseReading | None = None

    @property
    def axes(self) -> tuple[JointSpec, ...]:
        """Ahead, to the left, turning to the left; see ``MobileBase``."""
        return self._axes

    @property
    def reading(self) -> BaseReading | None:
        """What was read last; see ``MobileBase``."""
        return self._reading

    def dataset_values(self) -> dict[str, float]:
        """Return the velocities read last in dataset units, by LeRobot's names."""
        assert self._reading is not None
        return {
            axis.feature: axis.unit.to_dataset(float(value))
            for axis, value in zip(self.axes, self._reading.velocity, strict=True)
        }

    def take_in(self) -> None:
        """Take over what the arm read last of all its motors."""
        state = self._arm.last_state
        assert state is not None
        ticks = state.registers['Present_Position'][self._rows].astype(np.float64)
        self._count(ticks, state.stamp_ns)
        speeds = state.registers['Present_Velocity'][self._rows] * self._units
        self._reading = BaseReading(
            state.stamp_ns,
            self._shape.to_body(speeds),
            self._odometry.pose,
            self._odometry.covariance,
        )

    def limited(self, velocity: Vector) -> Vector:
        """Return what it can do of a velocity; see ``MobileBase``."""
        slow = within_ceilings(velocity, self._config)
        return self._shape.limited(slow)

    def drive(self, velocity: Vector) -> Vector:
        """Turn the wheels; see ``MobileBase``."""
        sent = self.limited(velocity)
        raw = np.rint(self._shape.to_wheels(sent) / self._units).astype(int)
        goals = dict(zip(self._wheels, raw.tolist(), strict=True))
        self._arm.connected_bus().sync_write('Goal_Velocity', goals)
        return sent

    def hold(self) -> None:
        """Let the wheels resist being turned; they are told to stand before torque goes on.

        Raises:
            BusError: a wheel did not acknowledge.
            DeviceError: the device was unplugged.
        """
        bus = self._arm.connected_bus()
        for wheel in self._wheels:
            bus.write('Goal_Velocity', wheel, 0)
            bus.write('Torque_Enable', wheel, 1)
            bus.write('Lock', wheel, 1)

    def _count(self, ticks: Vector, stamp_ns: int) -> None:
        """Add up what the wheels have turned since they were read last."""
        seen, self._seen = self._seen, _Seen(ticks, stamp_ns)
        if seen is not None and stamp_ns - seen.stamp_ns < BLIND_NS:
            half = TICKS_PER_TURN / 2
            turned = (ticks - seen.ticks + half) % TICKS_PER_TURN - half
            self._odometry.advance(self._shape.to_body(turned))

    @property
    def _units(self) -> Vector:
        """What one count of a velocity register is, by wheel [tick/s]."""
        return self._arm.velocity_units[self._rows]
