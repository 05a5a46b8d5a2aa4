"""Which clock stamps a message, and whether its header stamp can be true.

A header stamp is compared with the time of arrival of the same message (the source
stamp, else the receive stamp): for one stream the two lie apart by a usual distance, its
latency. A stamp whose distance is unusual is believed only if the header keeps the
stream's rhythm and it is the arrival that does not, as after a stall. What recurs is no
accident: a distance seen in half of the last messages is believed, be it a clock that was
set or a second publisher.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field
from statistics import median_low
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.messages import RawMessage, StampClock

ABSURD_NS = 10 * NS_PER_S
"""A header stamp further than this from the time of arrival is never believed [ns]."""
UNUSUAL_NS = 25_000_000
"""A distance this much off the usual ones, beyond their own spread, is unusual [ns]."""
KNOWN = 5
"""So many messages make a habit."""
RECENT = 2 * KNOWN
REMEMBERED = 64
BLOCKS = 16
"""The shortest distance is remembered for so many times as many messages."""
RHYTHM = 0.2
"""An interval this close to whole periods keeps the rhythm [periods]."""


@dataclass
class StampCounts:
    """What the stamps of a stream were, for the episode's report.

    Attributes:
        used: clock -> messages stamped by it.
        missing: messages without a header stamp, or with a zero one.
        absurd: messages whose header stamp lay far from their time of arrival.
        lying: messages whose header stamp could not be true beside the stream's others.
        dropped: of all these, messages left out, since the line between two others is truer.
        delayed: messages that arrived unusually late, with a stamp that is believed.
        clock_jumps: times at which the stream's clock was set.
    """

    used: dict[str, int] = field(default_factory=dict)
    missing: int = 0
    absurd: int = 0
    lying: int = 0
    dropped: int = 0
    delayed: int = 0
    clock_jumps: int = 0

    @property
    def doubtful(self) -> int:
        """Messages whose header stamp was there and not believed."""
        return self.absurd + self.lying

    def report(self) -> dict[str, Any]:
        """Return the figures for the episode's report."""
        return {
            'clock': dict(self.used),
            'missing_stamps': self.missing,
            'absurd_stamps': self.absurd,
            'lying_stamps': self.lying,
            'dropped_stamps': self.dropped,
            'delayed': self.delayed,
            'clock_jumps': self.clock_jumps,
        }


class StampChooser:
    """Chooses the stamp of each message of one stream and counts doubtful ones.

    Args:
        clock: the clock wanted; ``auto`` is the header's unless that is absent, zero or
            cannot be true: then the source's, then the receive time, less what the stream's
            header stamps usually lie before it.
        may_drop: a few messages of doubtful stamp may be left out.
    """

    def __init__(self, clock: StampClock = StampClock.AUTO, may_drop: bool = False) -> None:
        self.counts = StampCounts()
        self._clock = clock
        self._may_drop = may_drop
        self._habit = _Habit()
        self._doubted_in_a_row = 0

    @property
    def usual_ns(self) -> int | None:
        """How far before their arrival header stamps usually lie [ns], None if unknown.

        Negative where the clock of whoever stamps is ahead of the one of arrival.
        """
        return self._habit.usual_ns

    def begin_take(self) -> None:
        """Count anew; what is usual stays known."""
        self.counts = StampCounts()

    def choose(self, header_ns: int | None, raw: RawMessage) -> int | None:
        """Return the acquisition stamp of a message [ns], None if it is better left out.

        Args:
            header_ns: its header stamp, None if its type has none [ns].
            raw: the message.
        """
        chosen = self._choose(header_ns, raw)
        if chosen is None:
            self.counts.dropped += 1
            return None
        name, stamp_ns = chosen
        self.counts.used[name] = self.counts.used.get(name, 0) + 1
        return stamp_ns

    def _choose(self, header_ns: int | None, raw: RawMessage) -> tuple[str, int] | None:
        if self._clock is StampClock.RECEIVE:
            return 'receive', raw.received_ns
        arrival_ns = raw.source_ns or raw.received_ns
        arrival = 'source' if raw.source_ns else 'receive'
        if self._clock is StampClock.SOURCE:
            return arrival, arrival_ns
        if not header_ns:
            self.counts.missing += 1
        elif self._clock is StampClock.HEADER or self._is_believed(header_ns, arrival_ns):
            self._doubted_in_a_row = 0
            return 'header', header_ns
        return self._guess(arrival, arrival_ns)

    def _is_believed(self, header_ns: int, arrival_ns: int) -> bool:
        habit = self._habit
        habit.note(header_ns, arrival_ns)
        if abs(arrival_ns - header_ns) > ABSURD_NS:
            self.counts.absurd += 1
            return False
        if habit.is_usual(arrival_ns - header_ns):
            habit.adopt(header_ns, arrival_ns)
            return True
        if habit.has_jumped():
            self.counts.clock_jumps += 1
            habit.forget_all_but(arrival_ns - header_ns)
        elif habit.could_be(header_ns, arrival_ns):
            self.counts.delayed += habit.is_late(header_ns, arrival_ns)
        elif not habit.recurs(arrival_ns - header_ns):
            self.counts.lying += 1
            return False
        habit.adopt(header_ns, arrival_ns)
        return True

    def _guess(self, arrival: str, arrival_ns: int) -> tuple[str, int] | None:
        """Return the time of arrival less the usual distance, None to leave the message out."""
        usual_ns = self._habit.usual_ns
        if usual_ns is None:
            return arrival, arrival_ns
        self._doubted_in_a_row += 1
        if self._may_drop and self._doubted_in_a_row < KNOWN:
            return None
        return arrival, arrival_ns - usual_ns


class _Recent:
    """The last numbers, in order too: they are asked at every message."""

    def __init__(self) -> None:
        self.ordered: list[int] = []
        self._numbers: deque[int] = deque()

    def __len__(self) -> int:
        return len(self.ordered)

    def append(self, number: int) -> None:
        """Add a number and forget the oldest if there are too many."""
        if len(self.ordered) == REMEMBERED:
            del self.ordered[bisect_left(self.ordered, self._numbers.popleft())]
        self._numbers.append(number)
        insort(self.ordered, number)

    def median(self) -> int:
        """Return the lower one of the middle two."""
        return self.ordered[(len(self.ordered) - 1) // 2]


class _Habit:
    """How far before their arrival the header stamps of a stream lie, and their rhythm."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, int]] = deque(maxlen=RECENT)
        self._headers: deque[int] = deque(maxlen=REMEMBERED)
        self._believed = _Recent()
        self._intervals: deque[int] = deque(maxlen=REMEMBERED)
        self._lows: deque[int] = deque(maxlen=BLOCKS)
        self._adopted = 0
        self._last = (0, 0)

    @property
    def usual_ns(self) -> int | None:
        """The usual distance [ns], None while there is none."""
        return self._believed.median() if len(self._believed) > KNOWN else None

    def note(self, header_ns: int, arrival_ns: int) -> None:
        """Take note of a message, whether it is believed or not."""
        self._recent.append((header_ns, arrival_ns))

    def is_usual(self, distance_ns: int) -> bool:
        """Return whether a distance is nothing new."""
        usual_ns = self.usual_ns
        if usual_ns is None:
            return True
        low_ns = self._believed.ordered[max(1, len(self._believed) // 10)]
        shortest_ns = min((low_ns, *self._lows))
        longest_ns = usual_ns + usual_ns - low_ns
        return shortest_ns - UNUSUAL_NS <= distance_ns <= longest_ns + UNUSUAL_NS

    def is_late(self, header_ns: int, arrival_ns: int) -> bool:
        """Return whether a message of unusual distance arrived too late, not too early."""
        return arrival_ns - header_ns > (self.usual_ns or 0)

    def has_jumped(self) -> bool:
        """Return whether the last messages agree on the last one's unusual distance.

        Then the clock was set. In the burst after a stall they may agree too, but arrive all
        at once.
        """
        run = list(self._recent)[-KNOWN:]
        distances = [arrival - header for header, arrival in run]
        if len(run) < KNOWN:
            return False
        agree = all(_alike(distance, distances[-1]) for distance in distances)
        return agree and run[-1][1] - run[0][1] >= (run[-1][0] - run[0][0]) // 2

    def adopt(self, header_ns: int, arrival_ns: int) -> None:
        """Remember a header stamp that is believed."""
        if self._headers and header_ns > self._headers[-1]:
            self._intervals.append(header_ns - self._headers[-1])
        self._headers.append(header_ns)
        self._believed.append(arrival_ns - header_ns)
        self._last = (header_ns, arrival_ns)
        self._adopted += 1
        if self._adopted % REMEMBERED == 0:
            self._lows.append(self._believed.ordered[1])

    def recurs(self, distance_ns: int) -> bool:
        """Return whether a distance is that of half of the last messages."""
        return sum(_alike(distance_ns, a - h) for h, a in self._recent) >= KNOWN

    def forget_all_but(self, distance_ns: int) -> None:
        """Begin anew with a distance: the stream's clock was set.

        The shortest distance stays known: if it was no clock but a busy machine, it comes back.
        """
        self._lows.append(self._believed.ordered[0])
        self._believed = _Recent()
        for header_ns, arrival_ns in self._recent:
            if _alike(arrival_ns - header_ns, distance_ns):
                self._believed.append(arrival_ns - header_ns)

    def could_be(self, header_ns: int, arrival_ns: int) -> bool:
        """Return whether a header stamp of unusual distance goes with those that were believed."""
        usual_ns, distance_ns = self.usual_ns, arrival_ns - header_ns
        assert usual_ns is not None  # else nothing is unusual
        header_step = header_ns - self._headers[-1]
        arrival_step = arrival_ns - self._last[1]
        period_ns = self._period_ns()
        if period_ns is None:
            return distance_ns > usual_ns and header_step >= 0
        if distance_ns < usual_ns:
            return abs(header_step - period_ns) <= RHYTHM * period_ns
        if header_step <= 0:
            return 2 * arrival_step < period_ns and header_ns in self._headers
        arrives = _off_rhythm_ns(arrival_step, period_ns) <= RHYTHM * period_ns
        after_doubt = len(self._recent) > 1 and self._recent[-2] != self._last
        if after_doubt:
            allowed_ns = RHYTHM * period_ns
        else:
            allowed_ns = UNUSUAL_NS if period_ns > 2 * UNUSUAL_NS else period_ns
        return not arrives or _off_rhythm_ns(header_step, period_ns) <= allowed_ns

    def _period_ns(self) -> int | None:
        """Return the period of a stream that has one [ns]."""
        if len(self._intervals) < KNOWN:
            return None
        period_ns = median_low(self._intervals)
        off = median_low([abs(interval - period_ns) for interval in self._intervals])
        return period_ns if off <= RHYTHM / 2 * period_ns else None


def _alike(distance_ns: int, other_ns: int) -> bool:
    return abs(distance_ns - other_ns) <= UNUSUAL_NS


def _off_rhythm_ns(step_ns: int, period_ns: int) -> int:
    """Return how far a step is from being one period, or some whole number of them [ns]."""
    return abs(step_ns - max(1, round(step_ns / period_ns)) * period_ns)
