"""Vectors on a grid of ticks: interpolated, held, or the next one.

Messages may carry some elements only (partial joint states). Elements that always come
together share one track of samples; from the first partial message on every element has
a track of its own, so that one seldom heard neither spoils the others nor piles them up.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.streams import Flag, Latency, StreamConfig, StreamCounts, Take, Taken

KEPT_PERIODS = 2
"""So far back the time at which numbers are taken may go from one tick to the next."""


class NumericStream:
    """Vectors of one width; an element that a sample does not know is NaN."""

    def __init__(self, config: StreamConfig, period_ns: int) -> None:
        self.config = config
        self.counts = StreamCounts()
        self._latency = Latency()
        self._period_ns = period_ns
        self._tracks = [_Track()]
        self._is_split = False
        self._horizon_ns: int | None = None

    def add(self, stamp_ns: int, value: NDArray[np.float64], received_ns: int) -> None:
        """Take in a sample.

        Args:
            stamp_ns: acquisition stamp [ns].
            value: vector of shape (n,), NaN where the sample does not know.
            received_ns: when it arrived [ns].
        """
        self.counts.received += 1
        stamp_ns -= self.config.offset_ns
        self._latency.add(received_ns - stamp_ns)
        if self._horizon_ns is not None and stamp_ns <= self._horizon_ns:
            self.counts.late += 1
        row = np.asarray(value, dtype=np.float64)
        known = ~np.isnan(row)
        if not known.all() and not self._is_split:
            self._tracks = [self._tracks[0].element(at) for at in range(len(row))]
            self._is_split = True
        if self._is_split:
            added = [
                self._tracks[at].add(stamp_ns, row[at : at + 1]) for at in np.flatnonzero(known)
            ]
        else:
            added = [self._tracks[0].add(stamp_ns, row)]
        self.counts.duplicates += not any(added)

    def first_ns(self, from_ns: int = 0) -> int | None:
        """Return the first stamp at which every element has been known, None before that."""
        firsts = [track.stamps[0] for track in self._tracks if track.stamps]
        return max(firsts) if len(firsts) == len(self._tracks) else None

    def last_ns(self) -> int | None:
        """Return the stamp up to which every element is known."""
        lasts = [track.stamps[-1] for track in self._tracks if track.stamps]
        return min(lasts) if len(lasts) == len(self._tracks) else None

    def missing(self) -> list[int]:
        """Return the elements that no sample has known so far, if some have been known."""
        if not self._is_split:
            return []
        return [at for at, track in enumerate(self._tracks) if not track.stamps]

    def is_settled(self, time_ns: int, now_ns: int, watermark_ns: int) -> bool:
        """Return whether the target has been passed by a watermark, or its deadline."""
        is_line = self.config.take is Take.INTERPOLATE
        needed_ns = time_ns if self.config.take is Take.HOLD else self._partner_ns(time_ns)
        if self.is_final(needed_ns + watermark_ns):
            return True
        partner_ns = time_ns + (self.config.tolerance_ns if is_line else 0)
        return now_ns > self._latency.deadline_ns(partner_ns, watermark_ns)

    def _partner_ns(self, time_ns: int) -> int:
        """Return the first stamp at or after a time, of what has come so far [ns]."""
        partners = [track.first_from(time_ns) for track in self._tracks]
        return max((stamp for stamp in partners if stamp is not None), default=time_ns)

    def is_final(self, time_ns: int) -> bool:
        """Return whether no later arrival in order could change the value at the target."""
        last = self.last_ns()
        return last is not None and last >= time_ns

    def take(self, target_ns: int) -> Taken | None:
        """Return the value at the target, None if the stream has not begun by then."""
        parts: list[Taken] = []
        for track in self._tracks:
            part = self._take_from(track, target_ns)
            if part is None:
                return None
            parts.append(part)
        if len(parts) == 1:
            return parts[0]
        flag = Flag.HELD if any(part.flag is Flag.HELD for part in parts) else Flag.FRESH
        oldest_ns = min(part.stamp_ns for part in parts)
        return Taken(np.concatenate([part.value for part in parts]), oldest_ns, flag)

    def silence_ns(self, taken: Taken, time_ns: int) -> int:
        """Return how far back the value taken lies [ns]."""
        return time_ns - taken.stamp_ns

    def commit(self, taken: Taken, target_ns: int) -> None:
        """Count the value taken and forget what no later tick can need."""
        if taken.flag is Flag.HELD:
            self.counts.held += 1
        else:
            self.counts.fresh += 1
        if not self.config.may_be_silent:
            gap = target_ns - taken.stamp_ns
            self.counts.longest_gap_ns = max(self.counts.longest_gap_ns, gap)
        self.drop_before(target_ns)
        self._horizon_ns = target_ns

    def drop_before(self, stamp_ns: int) -> None:
        """Forget samples no tick at or after the stamp can need."""
        for track in self._tracks:
            track.forget(stamp_ns - KEPT_PERIODS * self._period_ns)

    def _take_from(self, track: _Track, target_ns: int) -> Taken | None:
        stamps = track.stamps
        before, after = bisect_right(stamps, target_ns) - 1, bisect_left(stamps, target_ns)
        if before >= 0 and stamps[before] == target_ns:
            return track.taken(before, Flag.FRESH)
        if self.config.take is Take.NEXT:
            return self._take_next(track, before, target_ns)
        if before < 0:
            return None
        if self.config.take is Take.HOLD:
            return track.taken(before, Flag.FRESH)
        if after == len(stamps) or stamps[after] - stamps[before] > self.config.tolerance_ns:
            return track.taken(before, Flag.HELD)
        share = (target_ns - stamps[before]) / (stamps[after] - stamps[before])
        value = self._between(track.values[before], track.values[after], share)
        return Taken(value, target_ns, Flag.FRESH)

    def _between(
        self, start: NDArray[np.float64], end: NDArray[np.float64], share: float
    ) -> NDArray[np.float64]:
        """Return the value a share of the way from one sample to the next."""
        return start + share * (end - start)

    def _take_next(self, track: _Track, before: int, target_ns: int) -> Taken | None:
        after = before + 1
        if after < len(track.stamps) and track.stamps[after] < target_ns + self._period_ns:
            return track.taken(after, Flag.FRESH)
        return None if before < 0 else track.taken(before, Flag.HELD)


class _Track:
    """Samples of elements that come together, by stamp."""

    def __init__(self) -> None:
        self.stamps: list[int] = []
        self.values: list[NDArray[np.float64]] = []

    def element(self, at: int) -> _Track:
        """Return a track of one element alone."""
        track = _Track()
        track.stamps = list(self.stamps)
        track.values = [value[at : at + 1] for value in self.values]
        return track

    def add(self, stamp_ns: int, value: NDArray[np.float64]) -> bool:
        """Insert a sample; return False if there is one of that stamp."""
        at = bisect_left(self.stamps, stamp_ns)
        if at < len(self.stamps) and self.stamps[at] == stamp_ns:
            return False
        self.stamps.insert(at, stamp_ns)
        self.values.insert(at, value)
        return True

    def first_from(self, stamp_ns: int) -> int | None:
        """Return the first stamp at or after a time [ns], None if there is none."""
        at = bisect_left(self.stamps, stamp_ns)
        return self.stamps[at] if at < len(self.stamps) else None

    def taken(self, at: int, flag: Flag) -> Taken:
        """Return a sample as it is."""
        return Taken(self.values[at], self.stamps[at], flag)

    def forget(self, stamp_ns: int) -> None:
        """Drop the samples before the last one at or before a stamp."""
        keep = bisect_right(self.stamps, stamp_ns) - 1
        if keep > 0:
            del self.stamps[:keep], self.values[:keep]
