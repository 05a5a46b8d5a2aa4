"""On which clock a bag's headers run, and its messages with their log times put on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from statistics import median

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.messages import CLOCK_TYPE, RawMessage, clock_ns, peek_header_ns
from lerobot_recorder.stamps import ABSURD_NS
from lerobot_recorder.time_base import CLOCK_TOPIC, ClockVote, SimTime, on_time_base

LOOKED_AT = 500
"""So many messages with a header stamp tell on which clock they run."""
MIN_SPAN_NS = NS_PER_S // 2
SAME_PACE = (0.8, 1.25)
"""Log time that passes faster or slower than header time by more is no clock [log / header]."""


class BagTime:
    """Header time is log time; the messages are as they were logged."""

    told = 'the headers and the log run on one clock'
    """What it is, for people."""
    has_restarted = False
    """Whether header time went back in mid-bag; what came after that is not given."""

    def messages(self, bag: BagReader, topics: Collection[str]) -> Iterator[RawMessage]:
        """Yield the messages of some topics in the order in which they were logged."""
        return bag.messages(topics)

    def restart(self) -> None:
        """Begin at the bag's beginning again."""


class _LogTime(BagTime):
    """There is no header time."""

    told = 'that of the log; no header tells another'


class _ShiftedTime(BagTime):
    """Header time is a constant from log time: a simulation without its clock, an old bag."""

    def __init__(self, ahead_ns: int) -> None:
        self._ahead_ns = ahead_ns
        behind, lag_s = ('behind', ahead_ns) if ahead_ns > 0 else ('ahead of', -ahead_ns)
        self.told = (
            f'that of the headers, which run {lag_s / NS_PER_S:.3f} s {behind} the log: log times '
            'are put on it'
        )

    def messages(self, bag: BagReader, topics: Collection[str]) -> Iterator[RawMessage]:
        for raw in bag.messages(topics):
            yield replace(raw, received_ns=raw.received_ns - self._ahead_ns)


class _HeaderTime(BagTime):
    """Log time tells nothing: the bag was written in one go. Headers are all there is."""

    told = 'that of the headers; log time passes at another pace and tells nothing'

    def messages(self, bag: BagReader, topics: Collection[str]) -> Iterator[RawMessage]:
        last_ns = 0
        waiting: list[RawMessage] = []
        for raw in bag.messages(topics):
            last_ns = max(last_ns, peek_header_ns(raw, bag.types) or 0)
            waiting.append(raw)
            if last_ns:
                yield from (replace(one, received_ns=last_ns) for one in waiting)
                waiting.clear()


class _SimulatedTime(BagTime):
    """Header time is that of ``/clock``."""

    told = f'the simulated one of {CLOCK_TOPIC}, on which the headers run'

    def __init__(self) -> None:
        self._sim = SimTime()

    def restart(self) -> None:
        self._sim = SimTime()
        self.has_restarted = False

    def messages(self, bag: BagReader, topics: Collection[str]) -> Iterator[RawMessage]:
        for raw in bag.messages({*topics, CLOCK_TOPIC}):
            if raw.topic == CLOCK_TOPIC:
                self._sim.on_clock(raw.received_ns, clock_ns(raw))
                if self._sim.resets:
                    self.has_restarted = True
                    return
            elif (timed := on_time_base(raw, self._sim)) is not None:
                yield timed


def bag_time(bag: BagReader, topics: Collection[str]) -> BagTime:
    """Return the time a bag's headers run on, found out from its first messages."""
    if bag.topics.get(CLOCK_TOPIC) == CLOCK_TYPE and _runs_on_clock(bag, topics):
        return _SimulatedTime()
    stamps: dict[str, list[tuple[int, int]]] = {}
    for raw, header_ns in _stamped(bag, bag.messages(topics)):
        stamps.setdefault(raw.topic, []).append((raw.received_ns, header_ns))
    if not stamps:
        return _LogTime()
    spans = [span for pairs in stamps.values() if (span := _pace(pairs)) is not None]
    if not spans:
        return BagTime()
    if not SAME_PACE[0] <= median(spans) <= SAME_PACE[1]:
        return _HeaderTime()
    ahead = [median(log - header for log, header in pairs) for pairs in stamps.values()]
    alike = max(ahead) - min(ahead) <= ABSURD_NS
    far = abs(median(ahead)) > ABSURD_NS
    return _ShiftedTime(round(min(ahead))) if alike and far else BagTime()


def _runs_on_clock(bag: BagReader, topics: Collection[str]) -> bool:
    sim, vote = SimTime(), ClockVote()
    for raw in bag.messages({*topics, CLOCK_TOPIC}):
        if raw.topic == CLOCK_TOPIC:
            sim.on_clock(raw.received_ns, clock_ns(raw))
        else:
            vote.add(peek_header_ns(raw, bag.types), raw.received_ns, sim)
        if vote.is_decided:
            break
    return vote.is_simulated


def _stamped(bag: BagReader, messages: Iterable[RawMessage]) -> Iterator[tuple[RawMessage, int]]:
    """Yield the first messages that have a header stamp."""
    left = LOOKED_AT
    for raw in messages:
        header_ns = peek_header_ns(raw, bag.types)
        if header_ns:
            yield raw, header_ns
            left -= 1
        if not left:
            return


def _pace(pairs: list[tuple[int, int]]) -> float | None:
    """Return how fast log time passes against header time, None if the headers stand still."""
    headers, logs = [header for _, header in pairs], [log for log, _ in pairs]
    span_ns = max(headers) - min(headers)
    if span_ns < MIN_SPAN_NS or headers != sorted(headers):
        return None
    return (max(logs) - min(logs)) / span_ns
