"""From the goal in force to one that is asked for, without a jump."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.units import JointSpec

MAX_STEP_S = 0.05
"""Longest time that one step may make up for [s]."""
MARGIN = 0.02
"""So near to what is asked it has met it, so that it also meets what runs away [rad or m]."""
_AT_ONCE = 1e6
"""Faster than any joint [rad/s or m/s]."""

Vector = NDArray[np.float64]


class HandOver:
    """Takes each joint to what is asked of it at its velocity; once it met that, it follows.

    Args:
        joints: with their limits and velocities; those without a velocity follow at once.
    """

    def __init__(self, joints: Sequence[JointSpec]) -> None:
        self._lower = np.array([joint.lower for joint in joints])
        self._upper = np.array([joint.upper for joint in joints])
        self._fastest = np.minimum([joint.velocity for joint in joints], _AT_ONCE)
        self._velocity = self._fastest
        self._met = np.ones(len(joints), dtype=bool)
        self._asked = np.full(len(joints), np.nan)
        self._last_ns = 0

    @property
    def is_moving(self) -> bool:
        """Whether a joint is under way to what was asked of it."""
        return bool((~self._met & ~np.isnan(self._asked)).any())

    def begin(self, now_ns: int) -> None:
        """Let each joint go slowly to whatever is asked of it next [ns]."""
        self._velocity = self._fastest
        self._met[:] = self._fastest >= _AT_ONCE
        self._asked[:] = np.nan
        self._last_ns = now_ns

    def begin_together(self, asked: Vector, goal: Vector, now_ns: int) -> float:
        """Let all joints go to a pose so that they arrive at the same time.

        Args:
            asked: the pose [rad or m]; NaN leaves that joint where it is.
            goal: in force now.
            now_ns: monotonic time [ns].

        Returns:
            How long it takes [s].
        """
        self.begin(now_ns)
        self._met[:] = False
        self._asked = np.clip(asked, self._lower, self._upper)
        way = np.abs(np.nan_to_num(self._asked - goal))
        seconds = float(np.max(way / self._fastest))
        if seconds > 0:
            self._velocity = np.where(way > 0, way / seconds, self._fastest)
        return seconds

    def next(self, goal: Vector, now_ns: int, asked: Vector | None = None) -> Vector:
        """Return the goal to send now.

        Args:
            goal: in force now [rad or m].
            now_ns: monotonic time [ns].
            asked: what is asked for now; NaN leaves a joint under way to what was asked before.

        Returns:
            [rad or m]; NaN where nothing is to be sent.
        """
        now = np.full(len(self._met), np.nan) if asked is None else asked
        if self._met.all():
            return now
        self._asked = np.where(np.isnan(now), self._asked, np.clip(now, self._lower, self._upper))
        seconds = min(max(now_ns - self._last_ns, 0) / NS_PER_S, MAX_STEP_S)
        self._last_ns = now_ns
        step = self._velocity * seconds
        way = self._asked - goal
        near = np.abs(way) <= step + MARGIN
        under_way = np.where(near, self._asked, goal + np.clip(way, -step, step))
        following, self._met = self._met.copy(), self._met | near
        return np.where(following, now, under_way)
