"""One topic of a bag, looked at without decoding it: rate, gaps, lag, order of its stamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.channel import TOLERANCE_NS, TOLERANCE_PERIODS
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.rates import own_rate
from lerobot_recorder.stamps import ABSURD_NS

_PORTION = 2048
_MOST_LAGS = 8192
"""Lags that are kept for quantiles; of more, every second, every fourth ... is."""


@dataclass(frozen=True)
class StreamLook:
    """What is known of a topic before anything is made of it.

    Attributes:
        topic: its name.
        msgtype: its type.
        count: messages.
        rate_hz: rate at which it was made, losses aside, None if it cannot be told [1/s].
        received_hz: rate at which it came, gaps and all [1/s].
        gaps: times between two messages of more than three periods, and 0.1 s.
        longest_gap_s: longest time between two messages [s].
        duplicates: messages with the stamp of the one before.
        out_of_order: messages with an earlier stamp than one before.
        clock: what stamps it: ``header``, or why that is not so.
        lag_ms: median and 99th percentile of log time less header stamp [ms].
        first_ns, last_ns: first and last stamp [ns].
    """

    topic: str
    msgtype: str
    count: int
    rate_hz: float | None = None
    received_hz: float | None = None
    gaps: int = 0
    longest_gap_s: float = 0.0
    duplicates: int = 0
    out_of_order: int = 0
    clock: str = 'log time: it has no header'
    lag_ms: tuple[float, float] | None = None
    first_ns: int | None = None
    last_ns: int | None = None


class StreamLooker:
    """Looks at one topic, message by message; what it keeps does not grow.

    Args:
        topic: its name.
        msgtype: its type.
    """

    def __init__(self, topic: str, msgtype: str) -> None:
        self._topic, self._msgtype = topic, msgtype
        self._waiting: list[int] = []
        self._count = self._headers = self._absent = self._absurd = 0
        self._gap_ns = float(TOLERANCE_NS)
        self._rate_hz: float | None = None
        self._gaps = self._duplicates = self._disorder = 0
        self._longest_ns = 0
        self._first_ns: int | None = None
        self._newest_ns = 0
        self._lags: list[int] = []
        self._every = 1

    def add(self, raw: RawMessage, header_ns: int | None) -> int:
        """Take in a message; return its stamp [ns]."""
        self._count += 1
        stamp_ns = raw.received_ns
        if header_ns:
            lag_ns = stamp_ns - header_ns
            if abs(lag_ns) <= ABSURD_NS:
                stamp_ns = header_ns
                self._headers += 1
                if self._headers % self._every == 0:
                    self._add_lag(lag_ns)
            else:
                self._absurd += 1
        elif header_ns == 0:
            self._absent += 1
        self._waiting.append(stamp_ns)
        if len(self._waiting) >= _PORTION:
            self._digest()
        return stamp_ns

    def look(self) -> StreamLook:
        """Return what is known by now."""
        self._digest()
        span_ns = self._newest_ns - (self._first_ns or 0)
        some = self._count > 1 and span_ns > 0
        return StreamLook(
            self._topic,
            self._msgtype,
            self._count,
            self._rate_hz,
            (self._count - 1) * NS_PER_S / span_ns if some else None,
            self._gaps,
            self._longest_ns / NS_PER_S,
            self._duplicates,
            self._disorder,
            self._clock(),
            self._lag_ms(),
            self._first_ns,
            self._newest_ns if self._count else None,
        )

    def _add_lag(self, lag_ns: int) -> None:
        self._lags.append(lag_ns)
        if len(self._lags) >= _MOST_LAGS:
            self._lags, self._every = self._lags[1::2], 2 * self._every

    def _digest(self) -> None:
        """Count what has come since the last time."""
        if not self._waiting:
            return
        stamps = np.array(self._waiting, np.int64)
        if self._first_ns is None:
            self._begin(stamps)
        before = np.r_[self._newest_ns, stamps[:-1]]
        newest = np.maximum.accumulate(before)
        steps = stamps - newest
        steps = steps[1:] if self._count == len(stamps) else steps  # the first has none before it
        self._duplicates += int((steps == 0).sum())
        self._disorder += int((steps < 0).sum())
        self._gaps += int((steps > self._gap_ns).sum())
        self._longest_ns = max(self._longest_ns, int(np.max(steps, initial=0)))
        first_ns = int(np.min(stamps))
        self._first_ns = first_ns if self._first_ns is None else min(self._first_ns, first_ns)
        self._newest_ns = max(self._newest_ns, int(np.max(stamps)))
        self._waiting.clear()

    def _begin(self, stamps: NDArray[np.int64]) -> None:
        self._rate_hz = own_rate(stamps.tolist())
        period_ns = NS_PER_S / self._rate_hz if self._rate_hz else 0.0
        self._gap_ns = max(TOLERANCE_PERIODS * period_ns, TOLERANCE_NS)

    def _clock(self) -> str:
        if not self._headers + self._absent + self._absurd:
            return 'log time: it has no header'
        others = [
            f'{number} {why}'
            for number, why in ((self._absent, 'zero'), (self._absurd, 'absurd'))
            if number
        ]
        told = f' ({", ".join(others)})' if others else ''
        return ('header' if self._headers else 'log time: its stamps are no use') + told

    def _lag_ms(self) -> tuple[float, float] | None:
        if not self._lags:
            return None
        half, most = np.percentile(np.array(self._lags, np.float64), [50, 99]) / 1e6
        return float(half), float(most)
