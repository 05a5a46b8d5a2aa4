"""Time for the cores: injected, in integer nanoseconds."""

from __future__ import annotations

import threading
import time
from typing import Protocol

NS_PER_S = 1_000_000_000
FOREVER_NS = 2**62
"""Later than any stamp [ns]."""


class Clock(Protocol):
    """What a core may ask of time."""

    def now_ns(self) -> int:
        """Return the time of stamps [ns since the epoch, or simulated]."""
        ...

    def monotonic_ns(self) -> int:
        """Return a time that never steps, for deadlines only [ns]."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let that much time pass [s]."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        """Return the system time [ns]."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Return the monotonic time [ns]."""
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        """Sleep [s]."""
        time.sleep(seconds)


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._lock = threading.Lock()

    def now_ns(self) -> int:
        """Return the time set [ns]."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Return the time set [ns]."""
        return self._now_ns

    def advance(self, seconds: float) -> None:
        """Move the time forward [s]."""
        with self._lock:
            self._now_ns += round(seconds * NS_PER_S)

    def sleep(self, seconds: float) -> None:
        """Move the time forward instead of sleeping [s]."""
        self.advance(seconds)
