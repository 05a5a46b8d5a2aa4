"""Moves of a person's arm: strokes of least jerk one after another, and a sway over them."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.sim.kinematics import JOINTS

Angles = NDArray[np.float64]

_MIN_JERK_PEAK = 1.875
_LOWER = np.array([joint.lower + 0.03 for joint in JOINTS])
_UPPER = np.array([joint.upper - 0.03 for joint in JOINTS])
_SWAY_HZ = np.array([0.23, 0.31, 0.37, 0.29, 0.41, 0.33])


@dataclass(frozen=True)
class _Stroke:
    """One stroke from rest to rest."""

    start_s: float
    duration_s: float
    origin: Angles
    change: Angles


class Strokes:
    """A motion as a function of time alone.

    Args:
        pose: where it begins [rad].
        sway_rad: how far each joint sways [rad]; no joint ever rests, as no hand does.
        phase: where in its sway each joint begins [rad].
        start_s: when it begins [s].

    Attributes:
        pose: where the last stroke ends [rad].
        end_s: when it ends [s].
    """

    def __init__(
        self, pose: Angles, sway_rad: Angles, phase: Angles, start_s: float = 0.0
    ) -> None:
        self.pose = pose
        self.end_s = start_s
        self._sway_rad, self._phase = sway_rad, phase
        self._strokes: list[_Stroke] = []
        self._starts: list[float] = []

    def move_to(self, pose: Angles, peak_speed: float, shortest_s: float) -> None:
        """Add a stroke.

        Args:
            pose: where it ends [rad].
            peak_speed: of its fastest joint, before the sway [rad/s].
            shortest_s: what it takes at least [s].
        """
        change = pose - self.pose
        longest = float(np.abs(change).max())
        duration = max(_MIN_JERK_PEAK * longest / peak_speed, shortest_s)
        self._strokes.append(_Stroke(self.end_s, duration, self.pose, change))
        self._starts.append(self.end_s)
        self.end_s += duration
        self.pose = pose

    def cut(self, time_s: float) -> None:
        """Take back the strokes that have not begun by then [s]."""
        while len(self._strokes) > 1 and self._starts[-1] > time_s:
            del self._strokes[-1], self._starts[-1]
        last = self._strokes[-1]
        self.end_s, self.pose = last.start_s + last.duration_s, last.origin + last.change

    def state(self, time_s: float) -> tuple[Angles, Angles]:
        """Return the joints' angles [rad] and velocities [rad/s] at a time before ``end_s``."""
        stroke = self._strokes[max(bisect.bisect_right(self._starts, time_s) - 1, 0)]
        time_s = max(time_s, stroke.start_s)
        u = (time_s - stroke.start_s) / stroke.duration_s
        share = u**3 * (10.0 - 15.0 * u + 6.0 * u * u)
        rate = 30.0 * u * u * (1.0 - u) ** 2 / stroke.duration_s
        omega = 2.0 * math.pi * _SWAY_HZ
        angle = omega * time_s + self._phase
        position = stroke.origin + share * stroke.change + self._sway_rad * np.sin(angle)
        velocity = rate * stroke.change + self._sway_rad * omega * np.cos(angle)
        return np.clip(position, _LOWER, _UPPER), velocity
