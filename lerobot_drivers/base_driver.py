"""Keeps a mobile base within what is safe: it gathers speed gently, and silence stops it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.robots.base_config import BaseConfig
from lerobot_drivers.robots.mobile_base import AXES, MobileBase

Vector = NDArray[np.float64]

MAX_STEP_S = 0.1
"""Longest time between two steps that the acceleration limit lets count [s]."""
OPERATOR = 'operator'
SOURCES = (OPERATOR, 'policy')
"""Who may drive: the first that is not silent does."""


class BaseDriver:
    """Decides, step by step, what a base is asked for.

    Args:
        base: of a robot that may be connected or not.
        config: limits.
        clock: for silence and acceleration.
        sources: who may drive, the first before the others.

    Attributes:
        base: the base.
        sent: what it was last asked for, after all limits [m/s, m/s, rad/s].
        refused: commands with numbers that are none.
    """

    def __init__(
        self,
        base: MobileBase,
        config: BaseConfig,
        clock: Clock,
        sources: Sequence[str] = SOURCES,
    ) -> None:
        self.base = base
        self.sent: Vector = np.zeros(len(AXES))
        self.refused = 0
        self._config = config
        self._clock = clock
        self._sources = tuple(sources)
        self._wanted: dict[str, tuple[Vector, int]] = {}
        self._last_ns = clock.monotonic_ns()

    @property
    def active(self) -> str | None:
        """Who drives now, None when all are silent."""
        oldest_ns = self._clock.monotonic_ns() - round(self._config.cmd_vel_timeout * NS_PER_S)
        for source in self._sources:
            if source in self._wanted and self._wanted[source][1] >= oldest_ns:
                return source
        return None

    def on_command(self, velocity: Vector, source: str = OPERATOR) -> bool:
        """Note what somebody asks for; return whether it can be obeyed.

        Args:
            velocity: by ``AXES``, shape (3,) [m/s, m/s, rad/s].
            source: who asks.
        """
        if not np.isfinite(velocity).all():
            self.refused += 1
            return False
        self._wanted[source] = (np.array(velocity, dtype=np.float64), self._clock.monotonic_ns())
        return True

    def step(self) -> Vector:
        """Drive on, as asked for or to a stand; return what was sent.

        It is sent each time, the stand too: one that a noisy wire swallowed is told again.

        Raises:
            DeviceError: the device was unplugged.
        """
        active = self.active
        stand = np.zeros(len(AXES))
        wanted = stand if active is None else self.base.limited(self._wanted[active][0])
        now_ns = self._clock.monotonic_ns()
        elapsed_s = min(max(now_ns - self._last_ns, 0) / NS_PER_S, MAX_STEP_S)
        self._last_ns = now_ns
        self.sent = self.base.drive(self._eased(wanted, elapsed_s))
        return self.sent

    def halt(self) -> None:
        """Forget all commands, and stand at once.

        Raises:
            DeviceError: the device was unplugged; the commands are forgotten.
        """
        self._wanted.clear()
        self.sent = np.zeros(len(AXES))
        self.base.stop()

    def _eased(self, wanted: Vector, elapsed_s: float) -> Vector:
        """Return what may be asked for now on the way from what was sent last."""
        change = wanted - self.sent
        linear = float(np.hypot(change[0], change[1]))
        reach = self._config.max_linear_acceleration * elapsed_s
        turn = self._config.max_angular_acceleration * elapsed_s
        share = min(1.0, reach / linear) if linear else 1.0
        eased = [change[0] * share, change[1] * share, np.clip(change[2], -turn, turn)]
        return np.asarray(self.sent + eased)
