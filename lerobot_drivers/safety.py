"""What a robot obeys, whoever commands: joint limits, step caps, finite numbers only.

``max_relative_target`` is LeRobot's: a goal lies at most so far from the measured
position. The velocity limit caps how far a goal moves from the goal before it in
the time between the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.units import JointSpec

MAX_STEP_S = 0.1
"""Longest time between two commands that the velocity limit lets count [s]."""

Vector = NDArray[np.float64]


class GoalLimiter:
    """Brings a commanded position within what is safe, joint by joint.

    Args:
        joints: with their limits, in the order of all vectors.
        max_relative_target: farthest from the measured position [dataset units]; one
            number, or one per joint; None does not limit.
        max_velocity: fastest change of the goal [rad/s]; likewise.

    Raises:
        ConfigError: a limit is given by joint, but not for exactly these joints.
    """

    def __init__(
        self,
        joints: Sequence[JointSpec],
        max_relative_target: float | Mapping[str, float] | None = None,
        max_velocity: float | Mapping[str, float] | None = None,
    ) -> None:
        names = [joint.name for joint in joints]
        scales = np.array([joint.unit.scale for joint in joints])
        self.lower = np.array([joint.lower for joint in joints])
        self.upper = np.array([joint.upper for joint in joints])
        relative = per_joint(max_relative_target, names, 'max_relative_target')
        self.max_relative = None if relative is None else relative / scales
        self.max_velocity = per_joint(max_velocity, names, 'max_velocity')
        self._last_goal: Vector | None = None
        self._last_ns = 0

    @property
    def needs_present(self) -> bool:
        """Whether ``limit`` must know the measured position."""
        return self.max_relative is not None

    def reset(self, goal: Vector, now_ns: int) -> None:
        """Tell where the goal is now [rad], as after torque went on."""
        self._last_goal, self._last_ns = goal.copy(), now_ns

    def limit(self, goal: Vector, present: Vector | None, now_ns: int) -> Vector:
        """Return the goal that may be sent.

        Args:
            goal: [rad]; NaN leaves that joint as it is.
            present: measured position [rad]; used with ``max_relative_target`` only.
            now_ns: monotonic time [ns].

        Returns:
            [rad]; NaN where nothing is to be sent, everywhere if a value is infinite.
        """
        if np.isinf(goal).any():
            return np.full_like(goal, np.nan)
        safe: Vector = np.clip(goal, self.lower, self.upper)
        if self.max_velocity is not None and self._last_goal is not None:
            seconds = min((now_ns - self._last_ns) / NS_PER_S, MAX_STEP_S)
            safe = _within(safe, self._last_goal, self.max_velocity * max(seconds, 0.0))
        if self.max_relative is not None and present is not None:
            safe = _within(safe, present, self.max_relative)
        previous = safe if self._last_goal is None else self._last_goal
        self.reset(np.where(np.isnan(safe), previous, safe), now_ns)
        return safe


def _within(goal: Vector, centre: Vector, reach: Vector) -> Vector:
    # A joint whose centre is unknown (NaN) is not limited by it.
    known = ~np.isnan(centre)
    limited = np.clip(goal, centre - reach, centre + reach)
    result: Vector = np.where(known, limited, goal)
    return result


def per_joint(
    limit: float | Mapping[str, float] | None, names: Sequence[str], key: str
) -> Vector | None:
    """Return a limit as one number per joint, or None if there is none.

    Raises:
        ConfigError: it is given by joint, but not for exactly these joints.
    """
    if limit is None:
        return None
    if not isinstance(limit, Mapping):
        return np.full(len(names), float(limit))
    if set(limit) != set(names):
        raise ConfigError(
            f'{key} must give a number for each of {", ".join(names)}; '
            f'found {", ".join(sorted(limit)) or "none"}'
        )
    return np.array([float(limit[name]) for name in names])
