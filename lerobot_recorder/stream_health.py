"""How the streams are, once a second while the session runs: in a take and between takes.

======  =====================================================================================
level   a stream has it when
======  =====================================================================================
STALE   a sensor has sent nothing for a second, or for five of its periods if that is longer
ERROR   it comes at less than half of the rate it should have, or most messages are unusable
WARN    it comes at less than 95 % of that rate; or since the last look messages were lost or
        unusable, rows had no value of its own, or stamps were doubtful; or what the newest
        row shows of it lies more than 0.1 s off; or its stamps lie in the future, or run away
        from our clock
OK      none of these
======  =====================================================================================

A camera should be as fast as the rows, another sensor as it was before the take. What may be
silent (commands) has no rate that it should have.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.health import Health, Level
from lerobot_recorder.channels import Channel, PictureChannel
from lerobot_recorder.rates import LOW
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.take import Take

SILENT_NS = NS_PER_S
SILENT_PERIODS = 5
HALF = 0.5
SKEW_NS = 100_000_000
FUTURE_NS = 20_000_000
"""A stamp this far ahead of its arrival is no jitter of clocks that are kept together [ns]."""
DRIFT_NS = 50_000_000
"""Stamps whose age on arrival has changed by more are of a clock that runs otherwise [ns]."""
LOOKS = 4
"""The rate is that between the last looks, so many."""


@dataclass(frozen=True)
class StreamLine:
    """One stream for an operator's view.

    Attributes:
        name: its topic.
        level: how bad it is.
        rate_hz: messages that come [1/s].
        wanted_hz: how many should, None if any number may [1/s].
        age_ms: age of the newest message, by its stamp, None before there is one [ms].
        text: what is wrong with it, ``ok`` if nothing is.
    """

    name: str
    level: Level
    rate_hz: float
    wanted_hz: float | None
    age_ms: float | None
    text: str


@dataclass(frozen=True)
class StreamState:
    """One stream at one look.

    Attributes:
        feature: the feature it is a part of.
        line: for an operator's view.
        health: for ``/diagnostics``.
    """

    feature: str
    line: StreamLine
    health: Health


@dataclass(frozen=True)
class _Counts:
    """What only grows during a take."""

    lost: int = 0
    unusable: int = 0
    doubtful: int = 0
    repeats: int = 0
    held: int = 0

    def since(self, before: _Counts) -> _Counts:
        """Return what came since an earlier look; all of it if counting began anew."""
        names = ('lost', 'unusable', 'doubtful', 'repeats', 'held')
        steps = {name: getattr(self, name) - getattr(before, name) for name in names}
        return self if min(steps.values()) < 0 else _Counts(**steps)


class StreamWatch:
    """Looks at one stream now and then.

    Args:
        channel: the stream.
        fps: rows per second.
    """

    def __init__(self, channel: Channel, fps: int) -> None:
        self._channel = channel
        self._fps = fps
        self._seen: deque[tuple[int, int]] = deque(maxlen=LOOKS)
        self._counted = _Counts()
        self._usual_ns: int | None = None

    def look(self, now_ns: int, take: Take | None) -> StreamState:
        """Return how the stream is.

        Args:
            now_ns: time of arrival up to which every message has been taken in [ns].
            take: the running take, None between two.
        """
        channel, heard = self._channel, self._channel.heard
        now_ns = max(now_ns, heard.received_ns)
        rate, wanted = self._rate(), self.wanted_hz()
        counts = self._counts(take)
        new, self._counted = counts.since(self._counted), counts
        skew_ns = take.skew_ns(channel.stream) if take else None
        silent = list(self._silence(now_ns, wanted))
        slow = [] if silent else list(self._slowness(rate, wanted, new))
        found = sorted([*silent, *slow, *self._news(new, skew_ns)], key=lambda one: -one[0])
        level = max((level for level, _ in found), default=Level.OK)
        text = '; '.join(text for _, text in found) or 'ok'
        age_ms = (now_ns - heard.stamp_ns) / 1e6 if heard.stamp_ns else None
        line = StreamLine(channel.source.topic, level, rate, wanted, age_ms, text)
        values = self._values(line, counts, skew_ns, take)
        return StreamState(channel.feature, line, Health(level, text, values))

    def wanted_hz(self) -> float | None:
        """Return the rate that the stream should have, None if any will do [1/s]."""
        if self._channel.may_be_silent:
            return None
        if isinstance(self._channel, PictureChannel):
            return float(self._fps)
        return self._channel.usual_rate.own_hz if self._channel.usual_rate.is_known else None

    def _rate(self) -> float:
        heard = self._channel.heard
        if not heard.count:
            return 0.0
        self._seen.append((heard.count, heard.received_ns))
        (count, received_ns), (now_count, now_received_ns) = self._seen[0], self._seen[-1]
        span_ns = now_received_ns - received_ns
        return (now_count - count) * NS_PER_S / span_ns if span_ns > 0 else 0.0

    def _counts(self, take: Take | None) -> _Counts:
        channel = self._channel
        doubtful = channel.stamps.counts.doubtful
        if take is None:
            return _Counts(channel.lost, channel.errors, doubtful)
        counts = take.counts[channel.stream]
        held = 0 if channel.may_be_silent else counts.held
        return _Counts(channel.lost, channel.errors, doubtful, counts.repeats, held)

    def _silence(self, now_ns: int, wanted: float | None) -> Iterator[tuple[Level, str]]:
        heard = self._channel.heard
        if self._channel.may_be_silent:
            return
        if not heard.count:
            yield Level.STALE, 'nothing yet'
            return
        periods_ns = SILENT_PERIODS * NS_PER_S / wanted if wanted else 0
        silent_ns = now_ns - heard.received_ns
        if silent_ns > max(SILENT_NS, periods_ns):
            yield Level.STALE, f'silent for {silent_ns / NS_PER_S:.1f} s'

    def _slowness(
        self, rate: float, wanted: float | None, new: _Counts
    ) -> Iterator[tuple[Level, str]]:
        if len(self._seen) < 2:
            return
        if wanted is not None and rate < LOW * wanted:
            level = Level.ERROR if rate < HALF * wanted else Level.WARN
            yield level, f'{rate:.1f} of {wanted:.4g} Hz'
        if new.unusable:
            received = self._seen[-1][0] - self._seen[-2][0]
            level = Level.ERROR if new.unusable > received else Level.WARN
            yield level, f'{new.unusable} unusable: {self._channel.last_error}'

    def _news(self, new: _Counts, skew_ns: int | None) -> Iterator[tuple[Level, str]]:
        told = {
            f'{new.lost} lost on the way': new.lost,
            f'{new.repeats} repeated': new.repeats,
            f'{new.held} held over a gap': new.held,
            f'{new.doubtful} doubtful stamps': new.doubtful,
        }
        yield from ((Level.WARN, text) for text, number in told.items() if number)
        if skew_ns is not None and abs(skew_ns) > SKEW_NS and not self._channel.may_be_silent:
            yield Level.WARN, f'{skew_ns / 1e6:+.0f} ms off its row'
        usual_ns, drift_ns = self._channel.stamps.usual_ns, self._drift_ns()
        if usual_ns is not None and usual_ns < -FUTURE_NS:
            yield Level.WARN, f'stamps {-usual_ns / NS_PER_S:.2f} s in the future'
        if drift_ns is not None and abs(drift_ns) > DRIFT_NS:
            yield Level.WARN, f'its clock has run away by {drift_ns / 1e6:+.0f} ms'

    def _drift_ns(self) -> int | None:
        """Return how the age of its stamps on arrival has changed since it was first known."""
        usual_ns = self._channel.stamps.usual_ns
        if self._usual_ns is None:
            self._usual_ns = usual_ns
        return None if usual_ns is None or self._usual_ns is None else usual_ns - self._usual_ns

    def _values(
        self, line: StreamLine, counts: _Counts, skew_ns: int | None, take: Take | None
    ) -> dict[str, object]:
        """Return the key-values for people; the counts are those of the take."""
        usual_ns = self._channel.stamps.usual_ns
        values: dict[str, object | None] = {
            'rate [Hz]': round(line.rate_hz, 2),
            'wanted [Hz]': line.wanted_hz,
            'age [ms]': line.age_ms,
            'latency of stamps [ms]': _ms(usual_ns),
            'drift of stamps [ms]': _ms(self._drift_ns()),
            'skew [ms]': _ms(skew_ns),
            'lost': counts.lost,
            'unusable': counts.unusable,
            'doubtful stamps': counts.doubtful,
        }
        if take is not None:
            values |= {
                'repeats': counts.repeats,
                'held': counts.held,
                'pictures waiting': take.counts[self._channel.stream].pending,
            }
        return {name: value for name, value in values.items() if value is not None}


def _ms(time_ns: int | None) -> float | None:
    return None if time_ns is None else time_ns / 1e6


class SessionWatch:
    """Looks at all streams of a session.

    Args:
        plan: what is recorded.

    Attributes:
        states: the streams at the last look.
    """

    def __init__(self, plan: RowPlan) -> None:
        self.states: tuple[StreamState, ...] = ()
        self._watches = [StreamWatch(c, plan.mapping.fps) for c in plan.all_channels()]

    def look(self, now_ns: int, take: Take | None) -> tuple[StreamState, ...]:
        """Look at every stream; see ``StreamWatch.look``."""
        self.states = tuple(watch.look(now_ns, take) for watch in self._watches)
        return self.states
