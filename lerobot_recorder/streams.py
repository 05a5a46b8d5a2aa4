"""The streams a synchronizer takes from: stamped samples in, one value per tick out.

A stream never invents: it returns a sample it holds, or the line between two it
holds. All times are integer nanoseconds of acquisition.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Take(str, Enum):
    """How a stream is taken at a tick."""

    NEAREST = 'nearest'
    INTERPOLATE = 'interpolate'
    HOLD = 'hold'
    NEXT = 'next'


class Flag(str, Enum):
    """What a value taken is, beside being a value."""

    FRESH = 'fresh'
    REPEAT = 'repeat'
    SLIP = 'slip'
    HELD = 'held'


@dataclass(frozen=True)
class StreamConfig:
    """What a synchronizer must know of a stream.

    Attributes:
        name: the stream's name.
        take: how it is taken at a tick.
        offset_ns: fixed latency subtracted from its stamps [ns].
        tolerance_ns: two samples further apart than this have a gap between them [ns].
        may_be_silent: silence is no gap but a value that holds (commands, events).
    """

    name: str
    take: Take
    offset_ns: int = 0
    tolerance_ns: int = 100_000_000
    may_be_silent: bool = False


@dataclass(frozen=True)
class Taken:
    """The value of one stream at one tick.

    Attributes:
        value: the sample, or the interpolated vector.
        stamp_ns: acquisition stamp of the sample, or the time interpolated at [ns].
        flag: fresh, or why not.
    """

    value: Any
    stamp_ns: int
    flag: Flag


@dataclass
class StreamCounts:
    """What happened on a stream, for the episode's report."""

    received: int = 0
    fresh: int = 0
    repeats: int = 0
    slips: int = 0
    skipped: int = 0
    held: int = 0
    late: int = 0
    duplicates: int = 0
    longest_gap_ns: int = 0


class Stream(Protocol):
    """What a synchronizer asks of a stream."""

    config: StreamConfig
    counts: StreamCounts

    def add(self, stamp_ns: int, value: Any, received_ns: int) -> None:
        """Take in a sample: acquisition stamp [ns], value, time of arrival [ns]."""
        ...

    def first_ns(self) -> int | None:
        """Return the time from which on the stream has a value [ns], None before that."""
        ...

    def is_settled(self, time_ns: int, now_ns: int, watermark_ns: int) -> bool:
        """Return whether the value at a time need not be waited for any longer."""
        ...

    def is_final(self, time_ns: int) -> bool:
        """Return whether no later arrival in order could change the value at a time."""
        ...

    def take(self, time_ns: int) -> Taken | None:
        """Return the value at a time, None if the stream has not begun by then."""
        ...

    def commit(self, taken: Taken, time_ns: int) -> None:
        """Count a value taken and forget what no later tick can need."""
        ...

    def drop_before(self, time_ns: int) -> None:
        """Forget what no tick at or after a time can need."""
        ...


class NumericStream:
    """Vectors of one width; an element that a sample does not know is NaN."""

    def __init__(self, config: StreamConfig, period_ns: int) -> None:
        self.config = config
        self.counts = StreamCounts()
        self.max_latency_ns = 0
        self._period_ns = period_ns
        self._stamps: list[int] = []
        self._rows: list[NDArray[np.float64]] = []
        self._partial = False
        self._horizon_ns: int | None = None

    def add(self, stamp_ns: int, value: NDArray[np.float64], received_ns: int) -> None:
        """Take in a sample; order of arrival does not matter.

        Args:
            stamp_ns: acquisition stamp [ns].
            value: vector of shape (n,), NaN where the sample does not know.
            received_ns: when it arrived [ns].
        """
        self.counts.received += 1
        stamp_ns -= self.config.offset_ns
        self.max_latency_ns = max(self.max_latency_ns, received_ns - stamp_ns)
        if self._horizon_ns is not None and stamp_ns <= self._horizon_ns:
            self.counts.late += 1
        row = np.asarray(value, dtype=np.float64)
        self._partial = self._partial or bool(np.isnan(row).any())
        at = bisect_left(self._stamps, stamp_ns)
        if at < len(self._stamps) and self._stamps[at] == stamp_ns:
            self._fill(at, row)
            return
        self._stamps.insert(at, stamp_ns)
        self._rows.insert(at, row)

    def first_ns(self) -> int | None:
        """Return the first stamp at which every element has been known, None before that."""
        if not self._rows or not self._partial:
            return self._stamps[0] if self._stamps else None
        firsts = [self._known_from(element) for element in range(len(self._rows[0]))]
        return None if None in firsts else max(first for first in firsts if first is not None)

    def last_ns(self) -> int | None:
        """Return the stamp up to which every element is known."""
        if not self._rows or not self._partial:
            return self._stamps[-1] if self._stamps else None
        lasts = [self._before(self._stamps[-1], e) for e in range(len(self._rows[0]))]
        return None if -1 in lasts else min(self._stamps[at] for at in lasts)

    def is_settled(self, time_ns: int, now_ns: int, watermark_ns: int) -> bool:
        """Return whether the target has been passed, or its deadline."""
        deadline = time_ns + watermark_ns + max(self.max_latency_ns, 0)
        return self.is_final(time_ns) or now_ns > deadline

    def is_final(self, time_ns: int) -> bool:
        """Return whether no later arrival in order could change the value at the target."""
        last = self.last_ns()
        return last is not None and last >= time_ns

    def take(self, target_ns: int) -> Taken | None:
        """Return the value at the target, None if the stream has not begun by then."""
        if not self._rows:
            return None
        if not self._partial:
            return self._take_row(target_ns)
        parts = [self._take_element(target_ns, e) for e in range(len(self._rows[0]))]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        oldest = min(known, key=lambda part: part.stamp_ns)
        flags = [part.flag for part in known]
        flag = Flag.HELD if Flag.HELD in flags else flags[0]
        return Taken(np.array([part.value for part in known]), oldest.stamp_ns, flag)

    def commit(self, taken: Taken, target_ns: int) -> None:
        """Count the value taken and forget what no later tick can need."""
        if taken.flag is Flag.HELD:
            self.counts.held += 1
        else:
            self.counts.fresh += 1
        gap = target_ns - taken.stamp_ns
        if not self.config.may_be_silent:
            self.counts.longest_gap_ns = max(self.counts.longest_gap_ns, gap)
        self._forget(target_ns)

    def drop_before(self, stamp_ns: int) -> None:
        """Forget samples no tick at or after the stamp can need."""
        self._forget(stamp_ns)

    def _fill(self, at: int, row: NDArray[np.float64]) -> None:
        known = self._rows[at]
        if not np.isnan(known).any():
            self.counts.duplicates += 1
            return
        self._rows[at] = np.where(np.isnan(known), row, known)

    def _take_row(self, target_ns: int) -> Taken | None:
        before = bisect_right(self._stamps, target_ns) - 1
        after = bisect_left(self._stamps, target_ns)
        chosen = self._choose(before, after if after < len(self._stamps) else -1, target_ns)
        if chosen is None:
            return None
        low, high, share, flag = chosen
        value = self._rows[low]
        if share > 0.0:
            value = value + share * (self._rows[high] - value)
        return Taken(value, target_ns if share > 0.0 else self._stamps[low], flag)

    def _take_element(self, target_ns: int, element: int) -> Taken | None:
        before, after = self._before(target_ns, element), self._after(target_ns, element)
        chosen = self._choose(before, after, target_ns)
        if chosen is None:
            return None
        low, high, share, flag = chosen
        value = self._rows[low][element]
        if share > 0.0:
            value = value + share * (self._rows[high][element] - value)
        return Taken(value, target_ns if share > 0.0 else self._stamps[low], flag)

    def _choose(
        self, before: int, after: int, target_ns: int
    ) -> tuple[int, int, float, Flag] | None:
        """Return (low, high, share of high, flag) of the samples around the target."""
        if before >= 0 and self._stamps[before] == target_ns:
            return before, before, 0.0, Flag.FRESH
        if self.config.take is Take.NEXT:
            return self._choose_next(before, after, target_ns)
        if before < 0:
            return None
        if self.config.take is Take.HOLD:
            return before, before, 0.0, Flag.FRESH
        span = self._stamps[after] - self._stamps[before] if after >= 0 else None
        if span is None or span > self.config.tolerance_ns:
            return before, before, 0.0, Flag.HELD
        return before, after, (target_ns - self._stamps[before]) / span, Flag.FRESH

    def _choose_next(
        self, before: int, after: int, target_ns: int
    ) -> tuple[int, int, float, Flag] | None:
        if after >= 0 and self._stamps[after] < target_ns + self._period_ns:
            return after, after, 0.0, Flag.FRESH
        return None if before < 0 else (before, before, 0.0, Flag.HELD)

    def _before(self, target_ns: int, element: int) -> int:
        at = bisect_right(self._stamps, target_ns) - 1
        while at >= 0 and np.isnan(self._rows[at][element]):
            at -= 1
        return at

    def _after(self, target_ns: int, element: int) -> int:
        at = bisect_left(self._stamps, target_ns)
        while at < len(self._stamps) and np.isnan(self._rows[at][element]):
            at += 1
        return at if at < len(self._stamps) else -1

    def _known_from(self, element: int) -> int | None:
        at = self._after(self._stamps[0], element)
        return None if at < 0 else self._stamps[at]

    def _forget(self, target_ns: int) -> None:
        if not self._stamps:
            return
        keep = bisect_right(self._stamps, target_ns) - 1
        if self._partial:
            keep = min(self._before(target_ns, e) for e in range(len(self._rows[0])))
        if keep > 0:
            del self._stamps[:keep], self._rows[:keep]
        self._horizon_ns = target_ns
