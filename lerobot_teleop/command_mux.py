"""Who commands the arm: twist_mux for joints, with a hand-over that does not jump.

Every source has a priority and a timeout. The alive source of the highest
priority commands; others are not heard, and two are never mixed. When the source
changes, or speaks again after a silence, each joint first goes from where its
goal is to where the source wants it, at the joint's velocity limit; once it has
met the source it follows it as it is. When all are silent nothing is sent: the
arm holds its last goal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.units import JointSpec

MAX_STEP_S = 0.05
"""Longest time that one step of a hand-over may make up for [s]."""


@dataclass(frozen=True)
class Source:
    """Someone who may command.

    Attributes:
        name: what the active source is reported as.
        priority: higher wins; among equals, who commands already.
        timeout_s: silence after which it commands no longer [s].
    """

    name: str
    priority: int
    timeout_s: float

    @property
    def timeout_ns(self) -> int:
        """The timeout [ns]."""
        return round(self.timeout_s * NS_PER_S)


@dataclass
class _Goal:
    position: float
    stamp_ns: int


class CommandMux:
    """Decides on each command as it arrives.

    Args:
        sources: who may command.
        joints: limits of the arm's joints; a joint not among them is not limited.
    """

    def __init__(self, sources: Sequence[Source], joints: Sequence[JointSpec] = ()) -> None:
        self._sources = {source.name: source for source in sources}
        self._joints = {joint.name: joint for joint in joints}
        self._heard_ns: dict[str, int] = {}
        self._active: str | None = None
        self._met: set[str] = set()
        self._output: dict[str, _Goal] = {}
        self._sent: dict[str, _Goal] = {}
        self._measured: dict[str, float] = {}
        self._last_ns = 0
        self.rejected = 0
        self.waiting: tuple[str, ...] = ()

    def active(self, now_ns: int) -> str | None:
        """Return the name of the source that commands now, None when all are silent."""
        if self._active is not None and not self._alive(self._active, now_ns):
            self._active = None
        return self._active

    def on_measured(self, positions: Mapping[str, float]) -> None:
        """Note the measured pose, where a joint starts that was never commanded [rad or m]."""
        self._measured.update(_finite(positions))

    def on_sent(self, positions: Mapping[str, float], now_ns: int) -> None:
        """Note the goals that the driver holds, whoever set them [rad or m]."""
        self._sent.update(
            {name: _Goal(value, now_ns) for name, value in _finite(positions).items()}
        )

    def on_command(
        self, source: str, positions: Mapping[str, float], now_ns: int
    ) -> dict[str, float] | None:
        """Decide on a command.

        Args:
            source: who sent it.
            positions: joint -> wanted position [rad or m]; need not name every joint.
            now_ns: time of arrival [ns].

        Returns:
            What to send on at once, None if nothing: another source commands, the
            command holds a number that is none (it then does not count as alive), or
            nothing is known yet of where the arm is (``waiting`` names the joints).
        """
        if not positions or len(_finite(positions)) != len(positions):
            self.rejected += 1
            return None
        self._heard_ns[source], silent = now_ns, not self._alive(source, now_ns)
        if not self._takes(source, silent, now_ns):
            return None
        output = {name: self._step(name, want, now_ns) for name, want in positions.items()}
        known = {name: value for name, value in output.items() if value is not None}
        self.waiting = tuple(name for name in output if name not in known)
        self._output.update({name: _Goal(value, now_ns) for name, value in known.items()})
        self._last_ns = now_ns
        return known or None

    def _takes(self, source: str, silent: bool, now_ns: int) -> bool:
        """Say whether a source commands now, handing over to it if it did not."""
        current = self._active
        if current == source and not silent:
            return True
        if current is not None and current != source and self._alive(current, now_ns):
            if self._sources[source].priority <= self._sources[current].priority:
                return False
        else:
            self._forget_outdated_goals()
        self._active = source
        self._met.clear()
        self._last_ns = now_ns
        return True

    def _forget_outdated_goals(self) -> None:
        """After a silence the driver knows better than we which goals it holds."""
        for name, sent in self._sent.items():
            own = self._output.get(name)
            if own is None or sent.stamp_ns >= own.stamp_ns:
                self._output[name] = sent

    def _step(self, name: str, want: float, now_ns: int) -> float | None:
        joint = self._joints.get(name, _UNLIMITED)
        want = joint.clamp(want)
        if name in self._met or math.isinf(joint.velocity):
            self._met.add(name)
            return want
        start = self._start(name)
        if start is None:
            return None
        elapsed_s = min(max(now_ns - self._last_ns, 0) / NS_PER_S, MAX_STEP_S)
        step = joint.velocity * elapsed_s
        if abs(want - start) <= step:
            self._met.add(name)
            return want
        # From where it is, even if that lies beyond a limit: clamping here would be the jump.
        return start + math.copysign(step, want - start)

    def _start(self, name: str) -> float | None:
        goal = self._output.get(name) or self._sent.get(name)
        return goal.position if goal is not None else self._measured.get(name)

    def _alive(self, source: str, now_ns: int) -> bool:
        heard_ns = self._heard_ns.get(source)
        timeout_ns = self._sources[source].timeout_ns
        return heard_ns is not None and now_ns - heard_ns <= timeout_ns


_UNLIMITED = JointSpec('')


def _finite(positions: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in positions.items() if math.isfinite(value)}
