"""A stream faster than the rows: each row gets the last samples of it, a window of shape [K, D].

The window of a row lies on a grid of its own rate that ends at the time at which the row's
numbers are taken. A slot holds the newest sample that is not later than the slot's
time: samples as they came, nothing between them, nothing from the future. How many slots
have a sample of their own, less than one slot old, is told for every row (``fresh``).
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.streams import Flag, Latency, StreamConfig, StreamCounts, Taken

GAP_SLOTS = 10
"""A sample that has to serve for more slots than this lies before a gap."""


class WindowStream:
    """Vectors without unknown elements, taken by windows.

    Args:
        config: the stream; it names a window.
        period_ns: time between two rows [ns].
        by_arrival: samples lie where they arrived, not where they were acquired.
    """

    def __init__(self, config: StreamConfig, period_ns: int, by_arrival: bool = False) -> None:
        assert config.window is not None
        self.config = config
        self.counts = StreamCounts()
        self._by_arrival = by_arrival
        self._back_ns = config.window.before_end_ns()
        self._slot_ns = round(NS_PER_S / config.window.rate_hz)
        self._gap_ns = min(config.tolerance_ns, GAP_SLOTS * self._slot_ns)
        self._kept_ns = int(self._back_ns[0]) + self._slot_ns + 2 * period_ns
        self._latency = Latency()
        self._horizon_ns: int | None = None
        self._stamps: list[int] = []
        self._values: list[NDArray[np.float64]] = []

    def add(self, stamp_ns: int, value: NDArray[np.float64], received_ns: int) -> None:
        """Take in a sample: acquisition stamp [ns], vector, time of arrival [ns]."""
        self.counts.received += 1
        stamp_ns = received_ns if self._by_arrival else stamp_ns - self.config.offset_ns
        self._latency.add(received_ns - stamp_ns)
        if self._horizon_ns is not None and stamp_ns <= self._horizon_ns:
            self.counts.late += 1
        if not self._stamps or stamp_ns > self._stamps[-1]:
            self._stamps.append(stamp_ns)
            self._values.append(value)
            return
        at = bisect_left(self._stamps, stamp_ns)
        if self._stamps[at] != stamp_ns:
            self._stamps.insert(at, stamp_ns)
            self._values.insert(at, value)
        elif self._by_arrival:
            self._values[at] = value
        else:
            self.counts.duplicates += 1

    def first_ns(self, from_ns: int = 0) -> int | None:
        """Return the time from which on a whole window lies behind [ns], None before that."""
        return self._stamps[0] + int(self._back_ns[0]) if self._stamps else None

    def last_ns(self) -> int | None:
        """Return the last stamp [ns]."""
        return self._stamps[-1] if self._stamps else None

    def is_settled(self, time_ns: int, now_ns: int, watermark_ns: int) -> bool:
        """Return whether the end of the window has been passed by a watermark, or its deadline."""
        if self._by_arrival:
            return self.is_final(time_ns) or now_ns > time_ns
        passed = self.is_final(time_ns + watermark_ns)
        return passed or now_ns > self._latency.deadline_ns(time_ns, watermark_ns)

    def is_final(self, time_ns: int) -> bool:
        """Return whether no later arrival in order could change the window."""
        return bool(self._stamps) and self._stamps[-1] >= time_ns

    def take(self, time_ns: int) -> Taken | None:
        """Return the window that ends at a time, None if the stream does not reach back so far.

        Its stamp is that of the newest sample in it.
        """
        slots = time_ns - self._back_ns
        if not self._stamps or self._stamps[0] > slots[0]:
            return None
        stamps = np.array(self._stamps, dtype=np.int64)
        at = np.searchsorted(stamps, slots, side='right') - 1
        ages = slots - stamps[at]
        own = (ages < self._slot_ns) & (np.diff(at, prepend=-1) > 0)
        value = np.array([self._values[number] for number in at])
        flag = Flag.HELD if np.max(ages) > self._gap_ns else Flag.FRESH
        return Taken(value, int(stamps[at[-1]]), flag, fresh=int(own.sum()))

    def silence_ns(self, taken: Taken, time_ns: int) -> int:
        """Return how old the newest sample of the window was [ns]."""
        return time_ns - taken.stamp_ns

    def commit(self, taken: Taken, time_ns: int) -> None:
        """Count the window taken and forget what no later one can need."""
        if taken.flag is Flag.HELD:
            self.counts.held += 1
        else:
            self.counts.fresh += 1
        if not self.config.may_be_silent:
            gap_ns = self.silence_ns(taken, time_ns)
            self.counts.longest_gap_ns = max(self.counts.longest_gap_ns, gap_ns)
        self._horizon_ns = time_ns
        self.drop_before(time_ns)

    def drop_before(self, time_ns: int) -> None:
        """Forget samples no window that ends at or after a time can need [ns]."""
        keep = bisect_left(self._stamps, time_ns - self._kept_ns) - 1
        if keep > 0:
            del self._stamps[:keep], self._values[:keep]
