"""The streams a synchronizer takes from: stamped samples in, one value per tick out.

A stream never invents: it returns a sample it holds, or the line between two it
holds. All times are integer nanoseconds of acquisition.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S

MAX_LATENESS_NS = NS_PER_S
"""A sample later than the fastest ones by more than this is not waited for again [ns]."""


class Take(str, Enum):
    """How a stream is taken at a tick."""

    NEAREST = 'nearest'
    INTERPOLATE = 'interpolate'
    HOLD = 'hold'
    NEXT = 'next'
    WINDOW = 'window'


class Flag(str, Enum):
    """What a value taken is, beside being a value."""

    FRESH = 'fresh'
    REPEAT = 'repeat'
    SLIP = 'slip'
    HELD = 'held'


@dataclass(frozen=True)
class Window:
    """The grid of a window.

    Attributes:
        samples: slots in it, K.
        rate_hz: slots per second.
    """

    samples: int
    rate_hz: float

    def before_end_ns(self) -> NDArray[np.int64]:
        """Return how long before the end of the window each slot lies, oldest first [ns]."""
        back = np.arange(self.samples - 1, -1, -1) * (NS_PER_S / self.rate_hz)
        return np.round(back).astype(np.int64)


@dataclass(frozen=True)
class StreamConfig:
    """What a synchronizer must know of a stream.

    Attributes:
        name: the stream's name.
        take: how it is taken at a tick.
        offset_ns: fixed latency subtracted from its stamps [ns].
        tolerance_ns: two samples further apart than this have a gap between them [ns].
        may_be_silent: silence is no gap but a value that holds (commands, events).
        rotations: where the x, y, z, w of each quaternion are among the elements.
        window: the grid of its windows, where it is taken by windows.
    """

    name: str
    take: Take
    offset_ns: int = 0
    tolerance_ns: int = 100_000_000
    may_be_silent: bool = False
    rotations: tuple[tuple[int, int, int, int], ...] = ()
    window: Window | None = None


@dataclass(frozen=True)
class Taken:
    """The value of one stream at one tick.

    Attributes:
        value: the sample, or the interpolated vector.
        stamp_ns: acquisition stamp of the sample, or the time interpolated at [ns].
        flag: fresh, or why not.
        fresh: of a window, how many of its slots have a sample of their own.
    """

    value: Any
    stamp_ns: int
    flag: Flag
    fresh: int | None = None


@dataclass
class StreamCounts:
    """What happened on a stream, for the episode's report.

    Every tick has one value: rows = fresh + repeats + slips + held. Every picture has one fate:
    received = before + fresh + skipped + late + duplicates + pending.

    Attributes:
        received: samples that arrived.
        before: pictures that came before the first tick.
        fresh: ticks with a value of their own.
        repeats: ticks at which a picture was missing.
        slips: pictures repeated because the camera's clock is slower than the grid's.
        skip_slips: pictures skipped because the camera's clock is faster than the grid's.
        skipped: pictures no tick took, for whatever reason.
        pending: pictures that no tick has asked for yet.
        held: ticks at which the last vector was held over a gap.
        late: samples that arrived after the tick they belong to was done.
        duplicates: samples with the stamp of another.
        longest_gap_ns: furthest a value lay from its tick [ns].
    """

    received: int = 0
    before: int = 0
    fresh: int = 0
    repeats: int = 0
    slips: int = 0
    skip_slips: int = 0
    skipped: int = 0
    pending: int = 0
    held: int = 0
    late: int = 0
    duplicates: int = 0
    longest_gap_ns: int = 0


class Latency:
    """How long samples take to arrive, and how long to wait for the next one."""

    def __init__(self) -> None:
        self._shortest_ns = 0
        self._longest_ns: int | None = None

    def add(self, latency_ns: int) -> None:
        """Take in the time from a sample's stamp to its arrival [ns]."""
        if self._longest_ns is None:
            self._shortest_ns = self._longest_ns = latency_ns
        self._shortest_ns = min(self._shortest_ns, latency_ns)
        self._longest_ns = max(self._longest_ns, latency_ns)

    def deadline_ns(self, time_ns: int, watermark_ns: int) -> int:
        """Return until when to wait for a sample of that time [ns].

        One sample that came very late does not hold up every silence after it.
        """
        longest_ns = min(self._longest_ns or 0, self._shortest_ns + MAX_LATENESS_NS)
        return time_ns + watermark_ns + max(longest_ns, 0)


class Stream(Protocol):
    """What a synchronizer asks of a stream."""

    config: StreamConfig
    counts: StreamCounts

    def add(self, stamp_ns: int, value: Any, received_ns: int) -> None:
        """Take in a sample: acquisition stamp [ns], value, time of arrival [ns]."""
        ...

    def first_ns(self, from_ns: int = 0) -> int | None:
        """Return the time from which on the stream has a value [ns], None before that.

        Args:
            from_ns: no picture before that counts [ns].
        """
        ...

    def last_ns(self) -> int | None:
        """Return the time up to which the stream has come [ns], None before that."""
        ...

    def is_settled(self, time_ns: int, now_ns: int, watermark_ns: int) -> bool:
        """Return whether the value at a time need not be waited for any longer.

        It need not if the stream has come so far beyond that time that nothing within the
        watermark is still on its way, or if nothing has come for that long.
        """
        ...

    def is_final(self, time_ns: int) -> bool:
        """Return whether no later arrival in order could change the value at a time."""
        ...

    def take(self, time_ns: int) -> Taken | None:
        """Return the value at a time, None if the stream has not begun by then."""
        ...

    def silence_ns(self, taken: Taken, time_ns: int) -> int:
        """Return for how long the stream had been silent when a value was taken [ns]."""
        ...

    def commit(self, taken: Taken, time_ns: int) -> None:
        """Count a value taken and forget what no later tick can need."""
        ...

    def drop_before(self, time_ns: int) -> None:
        """Forget what no tick at or after a time can need."""
        ...
