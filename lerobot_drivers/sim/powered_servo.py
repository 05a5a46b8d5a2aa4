"""What is common to all simulated servos, whatever their registers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from lerobot_drivers.sim.alerts import Alerts
from lerobot_drivers.sim.motion import Motion

_AMBIENT_C = 27.0


class PoweredServo(ABC):
    """What servos have in common: a shaft, a supply, heat, and complaints about these.

    Attributes:
        heating_c: how much warmer it becomes at full effort [K].
        thermal_s: how long that takes, as a time constant [s].
        motion: what its shaft does; whoever makes it sets that.
        volts: supply [V].
        alerts: what it complains about.
        ahead_s: how far the moment of a read lies beyond the last step [s].

    Args:
        zero: where the shaft is at the joint's zero [tick].
        ticks_per_rad: what it turns for the joint; negative where it was mounted turned.
        volts: supply [V].
        alerts: none yet.
    """

    motion: Motion

    heating_c: ClassVar[float] = 45.0
    thermal_s: ClassVar[float] = 400.0

    def __init__(
        self, zero: float, ticks_per_rad: float, volts: float, alerts: Alerts | None = None
    ) -> None:
        self._zero = zero
        self._ticks_per_rad = ticks_per_rad
        self.ahead_s = 0.0
        self.volts = volts
        self.alerts = alerts or Alerts()
        self._temperature_c = _AMBIENT_C

    @property
    @abstractmethod
    def id(self) -> int:
        """The id it answers to."""

    @property
    def shadowed_id(self) -> int:
        """The id whose writes it obeys too, its own if it shadows nobody."""
        return self.id

    @property
    def ping_reply(self) -> bytes:
        """What it tells when pinged; nothing where a bare status answers that."""
        return b''

    @property
    def angle(self) -> float:
        """The joint's angle [rad]."""
        return self._angle(self.motion.position)

    @property
    def speed(self) -> float:
        """The joint's velocity [rad/s]."""
        return self.motion.velocity / self._ticks_per_rad

    @property
    def goal_angle(self) -> float | None:
        """Where it is driven to [rad], or None when it is not."""
        target = self.motion.target
        return None if target is None else self._angle(target)

    def move_by_hand(self, angle: float, speed: float) -> None:
        """Let somebody hold the joint at an angle [rad], passing at a speed [rad/s]."""
        self.motion.hold(self._ticks(angle))
        self.motion.velocity = speed * self._ticks_per_rad

    def step(self, dt: float) -> None:
        """Let time pass [s]."""
        self.motion.step(dt)

    def heat(self, celsius: float) -> None:
        """Have a temperature [degC]."""
        self._temperature_c = celsius

    def settle(self, dt: float) -> None:
        """Let its temperature follow its load over some time [s]."""
        warm = _AMBIENT_C + self.heating_c * self._effort() ** 2
        self._temperature_c += (warm - self._temperature_c) * -math.expm1(-dt / self.thermal_s)

    def complain(self, causes: Iterable[str]) -> None:
        """Complain about something, and act as that demands."""
        self.alerts.ask(causes)
        self._obey()

    def _shaft(self, angle: float, lower: float, upper: float) -> Motion:
        """Return a shaft at an angle, between its stops [rad]."""
        low, high = sorted((self._ticks(lower), self._ticks(upper)))
        return Motion(self._ticks(angle), (low, high))

    def _ticks(self, angle: float) -> float:
        return self._zero + angle * self._ticks_per_rad

    def _angle(self, ticks: float) -> float:
        return (ticks - self._zero) / self._ticks_per_rad

    @abstractmethod
    def _effort(self) -> float:
        """Return the share of its torque that the motor gives, -1..1."""

    @abstractmethod
    def _obey(self) -> None:
        """Make the motor do what the registers say."""
