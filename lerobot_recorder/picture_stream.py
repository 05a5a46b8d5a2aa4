"""Pictures on a grid of ticks: one to one, with hysteresis.

A camera whose clock differs from the grid by some ppm drifts through the phase.
Taking the nearest picture anew at each tick would then repeat and skip hundreds
of times around half a period. Here the next picture belongs to the next tick until
its phase has run off by three quarters of a period; then one slip, counted, brings
it back. A picture that is missing leaves its tick to the last one: the phase does not
jump by a period because of it.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from lerobot_recorder.streams import Flag, Latency, StreamConfig, StreamCounts, Taken

SLIP_PHASE = 0.75
"""Phase of a picture against its tick at which a slip happens [periods]."""


class PictureStream:
    """The pictures of one camera.

    A picture is any object; only its stamp matters here.
    """

    def __init__(self, config: StreamConfig, period_ns: int) -> None:
        self.config = config
        self.counts = StreamCounts()
        self._latency = Latency()
        self._period_ns = period_ns
        self._stamps: list[int] = []
        self._pictures: list[Any] = []
        self._last: Taken | None = None
        self._last_tick_ns = 0
        self._slip_ns = round(SLIP_PHASE * period_ns)

    def add(self, stamp_ns: int, value: Any, received_ns: int) -> None:
        """Take in a picture.

        Args:
            stamp_ns: stamp of exposure [ns].
            value: the picture.
            received_ns: when it arrived [ns].
        """
        self.counts.received += 1
        stamp_ns -= self.config.offset_ns
        self._latency.add(received_ns - stamp_ns)
        if self._last is not None and stamp_ns <= self._last.stamp_ns:
            late = stamp_ns < self._last.stamp_ns
            self.counts.late += late
            self.counts.duplicates += not late
            return
        at = bisect_left(self._stamps, stamp_ns)
        if at < len(self._stamps) and self._stamps[at] == stamp_ns:
            self.counts.duplicates += 1
            return
        self.counts.pending += 1
        self._stamps.insert(at, stamp_ns)
        self._pictures.insert(at, value)

    def first_ns(self, from_ns: int = 0) -> int | None:
        """Return the stamp of the first picture held from a time on [ns]."""
        at = bisect_left(self._stamps, from_ns)
        return self._stamps[at] if at < len(self._stamps) else None

    def last_ns(self) -> int | None:
        """Return the stamp of the last picture held."""
        return self._stamps[-1] if self._stamps else None

    def is_settled(self, tick_ns: int, now_ns: int, watermark_ns: int) -> bool:
        """Return whether the tick has been passed by a watermark, or its deadline."""
        passed = self.is_final(tick_ns) and self._stamps[-1] >= tick_ns + watermark_ns
        return passed or now_ns > self._latency.deadline_ns(tick_ns, watermark_ns)

    def is_final(self, tick_ns: int) -> bool:
        """Return whether no later arrival in order could change the picture at the tick."""
        head = self._head(tick_ns)
        if head < 0:
            return False
        lead = tick_ns - self._stamps[head]
        return lead <= 0 or self._stamps[-1] > tick_ns + lead

    def take(self, tick_ns: int) -> Taken | None:
        """Return the picture at the tick, None if there has been none yet."""
        head = self._head(tick_ns)
        if head >= 0 and self._is_due(head, tick_ns):
            return Taken(self._pictures[head], self._stamps[head], Flag.FRESH)
        if self._last is None:
            return None
        return Taken(self._last.value, self._last.stamp_ns, self._why_repeated(head))

    def silence_ns(self, taken: Taken, tick_ns: int) -> int:
        """Return how far back the picture taken lies [ns]."""
        return tick_ns - taken.stamp_ns

    def commit(self, taken: Taken, tick_ns: int) -> None:
        """Count the picture taken and forget those before it."""
        gap = abs(tick_ns - taken.stamp_ns)
        self.counts.longest_gap_ns = max(self.counts.longest_gap_ns, gap)
        if taken.flag is Flag.FRESH:
            self.counts.fresh += 1
            at = bisect_left(self._stamps, taken.stamp_ns)
            self._count_skipped(at, taken, tick_ns)
            self.counts.pending -= at + 1
            del self._stamps[: at + 1], self._pictures[: at + 1]
            self._last, self._last_tick_ns = taken, tick_ns
        elif taken.flag is Flag.SLIP:
            self.counts.slips += 1
        else:
            self.counts.repeats += 1

    def drop_before(self, stamp_ns: int) -> None:
        """Forget pictures before the stamp; none of them counts as skipped."""
        at = bisect_left(self._stamps, stamp_ns)
        self.counts.before += at
        self.counts.pending -= at
        del self._stamps[:at], self._pictures[:at]

    def _head(self, tick_ns: int) -> int:
        """Return the index of the picture meant for the tick, -1 if none is held."""
        at = 0
        while at + 1 < len(self._stamps) and self._better_next(at, tick_ns):
            at += 1
        return at if self._stamps else -1

    def _better_next(self, at: int, tick_ns: int) -> bool:
        here, after = self._stamps[at], self._stamps[at + 1]
        gain = abs(here - tick_ns) - abs(after - tick_ns)
        if self._last is None:
            return gain > 0
        return gain > min(self._period_ns, after - here) // 2

    def _is_due(self, head: int, tick_ns: int) -> bool:
        """Return whether the picture found for a tick is not one meant for a later tick."""
        phase_ns = self._stamps[head] - tick_ns
        if self._last is None or head > 0:
            return phase_ns <= self._slip_ns
        jump_ns = phase_ns - (self._last.stamp_ns - self._last_tick_ns)
        return max(phase_ns, jump_ns) <= self._slip_ns

    def _count_skipped(self, skipped: int, taken: Taken, tick_ns: int) -> None:
        """Count pictures no tick takes; tell a slip from a camera faster than the grid."""
        if self._last is None:
            self.counts.before += skipped
        if self._last is None or not skipped:
            return
        self.counts.skipped += skipped
        apart_ns = (taken.stamp_ns - self._last.stamp_ns) // (skipped + 1)
        one_tick_on = tick_ns - self._last_tick_ns < 1.5 * self._period_ns
        if one_tick_on and apart_ns > self._slip_ns:
            self.counts.skip_slips += skipped

    def _why_repeated(self, head: int) -> Flag:
        """Tell a slip (the camera is slower than the grid) from a picture that is missing."""
        assert self._last is not None
        if head < 0:
            return Flag.REPEAT
        apart = self._stamps[head] - self._last.stamp_ns
        return Flag.SLIP if apart < 1.5 * self._period_ns else Flag.REPEAT
