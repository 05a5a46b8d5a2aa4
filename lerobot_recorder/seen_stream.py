"""A stream as a policy would have seen it: the last value received, whatever its age."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np

from lerobot_recorder.streams import Flag, StreamConfig, StreamCounts, Taken


class SeenStream:
    """Pictures or vectors in order of arrival; elements a vector lacks keep their last value."""

    def __init__(self, config: StreamConfig) -> None:
        self.config = config
        self.counts = StreamCounts()
        self._received: list[int] = []
        self._samples: list[tuple[int, Any]] = []
        self._last_received_ns: int | None = None

    def add(self, stamp_ns: int, value: Any, received_ns: int) -> None:
        """Take in a sample: acquisition stamp [ns], value, time of arrival [ns]."""
        self.counts.received += 1
        at = bisect_right(self._received, received_ns)
        if at > 0 and isinstance(value, np.ndarray) and np.isnan(value).any():
            value = np.where(np.isnan(value), self._samples[at - 1][1], value)
        self._received.insert(at, received_ns)
        self._samples.insert(at, (stamp_ns - self.config.offset_ns, value))

    def first_ns(self, from_ns: int = 0) -> int | None:
        """Return when the first complete value arrived [ns]."""
        for received_ns, (_, value) in zip(self._received, self._samples, strict=True):
            if not (isinstance(value, np.ndarray) and np.isnan(value).any()):
                return received_ns
        return None

    def last_ns(self) -> int | None:
        """Return when the last value arrived [ns]."""
        return self._received[-1] if self._received else None

    def is_settled(self, tick_ns: int, now_ns: int, watermark_ns: int) -> bool:
        """Return whether everything that arrived by the tick has been added."""
        return now_ns > tick_ns

    def is_final(self, tick_ns: int) -> bool:
        """Return whether a value arrived after the tick."""
        return bool(self._received) and self._received[-1] > tick_ns

    def take(self, tick_ns: int) -> Taken | None:
        """Return the last value that had arrived by the tick."""
        at = bisect_right(self._received, tick_ns) - 1
        if at < 0:
            return None
        stamp_ns, value = self._samples[at]
        again = Flag.HELD if self.config.may_be_silent else Flag.REPEAT
        is_again = self._received[at] == self._last_received_ns
        return Taken(value, stamp_ns, again if is_again else Flag.FRESH)

    def silence_ns(self, taken: Taken, tick_ns: int) -> int:
        """Return how long ago the value taken arrived [ns]."""
        return tick_ns - self._received[bisect_right(self._received, tick_ns) - 1]

    def commit(self, taken: Taken, tick_ns: int) -> None:
        """Count the value taken and forget those before it."""
        self.counts.fresh += taken.flag is Flag.FRESH
        self.counts.repeats += taken.flag is Flag.REPEAT
        self.counts.held += taken.flag is Flag.HELD
        if not self.config.may_be_silent:
            silence_ns = self.silence_ns(taken, tick_ns)
            self.counts.longest_gap_ns = max(self.counts.longest_gap_ns, silence_ns)
        self._last_received_ns = self._received[bisect_right(self._received, tick_ns) - 1]
        self.drop_before(tick_ns)

    def drop_before(self, tick_ns: int) -> None:
        """Forget values no tick at or after that time can need [ns]."""
        at = bisect_right(self._received, tick_ns) - 1
        if at > 0:
            del self._received[:at], self._samples[:at]
