"""How fast a stream really is: at its source, and as far as it arrives.

The rate of its own is that of its stamps, and a message that was lost on the way does not
change it: every interval counts as the number of periods it spans. It is measured second by
second, so that a camera that slows down in mid-episode cannot hide behind the average.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from lerobot_drivers.common.clock import NS_PER_S

WINDOW_NS = NS_PER_S
MIN_INTERVALS = 12
"""A window with fewer intervals is made longer."""
MAX_PERIODS = 5
"""An interval of more periods is an outage, and tells nothing of the rate."""
LOW = 0.95
"""Below this share of what it should be, a rate is told as low."""


@dataclass
class Heard:
    """The newest of a stream, for whoever watches it live.

    Attributes:
        count: messages so far.
        stamp_ns: acquisition stamp of the newest [ns].
        received_ns: when it was received [ns].
    """

    count: int = 0
    stamp_ns: int = 0
    received_ns: int = 0


class RateMeter:
    """Measures one stream.

    Attributes:
        first_ns: stamp of the first message [ns], None before that.
    """

    def __init__(self) -> None:
        self.first_ns: int | None = None
        self._last_ns = 0
        self._received = 0
        self._window: list[int] = []
        self._rates: list[float] = []

    def add(self, stamp_ns: int) -> None:
        """Take in the stamp of a message [ns]."""
        if self.first_ns is None:
            self.first_ns = self._last_ns = stamp_ns
        self._received += 1
        self._last_ns = max(self._last_ns, stamp_ns)
        if self._window and stamp_ns < self._window[0] - WINDOW_NS:
            self._window.clear()
        self._window.append(stamp_ns)
        if stamp_ns - self._window[0] >= WINDOW_NS and len(self._window) > MIN_INTERVALS:
            rate = own_rate(self._window)
            self._rates += [rate] if rate is not None else []
            self._window = [stamp_ns]

    @property
    def is_begun(self) -> bool:
        """Return whether there has been a message."""
        return self.first_ns is not None

    @property
    def is_known(self) -> bool:
        """Return whether a window is full."""
        return bool(self._rates)

    @property
    def own_hz(self) -> float | None:
        """The rate at the source [1/s], None before there are two messages."""
        rates = self._rates or [rate for rate in (own_rate(self._window),) if rate is not None]
        return median(rates) if rates else None

    @property
    def received_hz(self) -> float | None:
        """The rate that arrived, losses and doubles and all [1/s]."""
        if self.first_ns is None or self._last_ns <= self.first_ns:
            return None
        return (self._received - 1) * NS_PER_S / (self._last_ns - self.first_ns)

    def slow_windows(self, expected_hz: float) -> int:
        """Return the number of seconds in which the source was slower than it should be."""
        return sum(rate < LOW * expected_hz for rate in self._rates)

    def report(self) -> dict[str, float | int | None]:
        """Return the figures for the episode's report."""
        return {
            'first_ns': self.first_ns,
            'rate_hz': _rounded(self.own_hz),
            'lowest_hz': _rounded(min(self._rates, default=self.own_hz)),
            'received_hz': _rounded(self.received_hz),
        }


def own_rate(stamps: list[int]) -> float | None:
    """Return the rate at which stamps were made although some are lost [1/s].

    Args:
        stamps: at least two different ones for a rate, in any order [ns].
    """
    ordered = sorted(set(stamps))
    steps = [after - before for before, after in pairwise(ordered)]
    if not steps:
        return None
    period = median(steps)
    spans = [(step, max(1, round(step / period))) for step in steps]
    whole = [(step, count) for step, count in spans if count <= MAX_PERIODS]
    return sum(count for _, count in whole) * NS_PER_S / sum(step for step, _ in whole)


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 3)
