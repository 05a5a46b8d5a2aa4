"""What a component says of itself, and the meters that tell it.

Plain values; :mod:`lerobot_drivers.ros` puts them on ``/diagnostics`` (REP 107).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from lerobot_drivers.common.clock import NS_PER_S


class Level(IntEnum):
    """How bad it is; the numbers of ``diagnostic_msgs/DiagnosticStatus``."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Alarm:
    """Something that is wrong with a device, and what to do.

    Attributes:
        level: how bad it is.
        text: one line for people.
    """

    level: Level
    text: str


@dataclass(frozen=True)
class Health:
    """A component's state once a second.

    Attributes:
        level: how bad it is.
        message: one line for people.
        values: key-values for people.
    """

    level: Level = Level.OK
    message: str = 'ok'
    values: Mapping[str, object] = field(default_factory=dict)


class StreamMeter:
    """Rate and age of a stream since it was last asked.

    Args:
        now_ns: the time of the first window's begin [ns].
    """

    def __init__(self, now_ns: int) -> None:
        self._begin(now_ns)

    def _begin(self, now_ns: int) -> None:
        self._since_ns = now_ns
        self._count = 0
        self._age_sum_ns = 0
        self._age_max_ns = 0

    def tick(self, age_ns: int = 0) -> None:
        """Count one message that was that old when it was sent [ns]."""
        self._count += 1
        self._age_sum_ns += age_ns
        self._age_max_ns = max(self._age_max_ns, age_ns)

    def take(self, now_ns: int) -> tuple[float, float, float]:
        """Return rate [Hz], mean age [ms] and greatest age [ms], and begin anew."""
        window_s = max(now_ns - self._since_ns, 1) / NS_PER_S
        mean_ms = self._age_sum_ns / max(self._count, 1) / 1e6
        result = (self._count / window_s, mean_ms, self._age_max_ns / 1e6)
        self._begin(now_ns)
        return result
