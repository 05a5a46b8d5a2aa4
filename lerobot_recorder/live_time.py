"""The headers' clock of a running graph: the system's, or ``/clock`` where that is in use.

``use_sim_time`` says so, else the headers do: when somebody publishes ``/clock``, the first
stamps are compared with both. In a simulation messages wait until ``/clock`` has been heard up
to their arrival, and are then given in order of arrival, as a bag would give them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.messages import RawMessage, clock_ns, peek_header_ns
from lerobot_recorder.time_base import CLOCK_TOPIC, ClockVote, SimTime, on_time_base

MAX_WAITING_BYTES = 128 << 20


@dataclass(frozen=True)
class Restart:
    """The simulated clock went back.

    Attributes:
        time_ns: what it shows now [ns].
    """

    time_ns: int


class LiveTime:
    """Puts what arrives on the headers' clock.

    Args:
        use_sim_time: headers run on ``/clock``, whatever they look like.

    Attributes:
        is_simulated: headers run on ``/clock``; None while that is not known.
    """

    def __init__(self, use_sim_time: bool = False) -> None:
        self.is_simulated: bool | None = True if use_sim_time else None
        self._sim = SimTime()
        self._sent = SimTime()
        self._vote = ClockVote()
        self._waiting: list[RawMessage] = []
        self._bytes = 0

    def begin(self, has_clock: bool) -> bool:
        """Say whether somebody publishes ``/clock``; return whether it must be listened to."""
        if self.is_simulated is None and not has_clock:
            self.is_simulated = False
        return self.is_simulated is not False

    def decide(self) -> None:
        """Take what is known by now for good."""
        if self.is_simulated is None:
            self.is_simulated = self._vote.is_simulated

    def add(self, raw: RawMessage) -> None:
        """Take in a message, of ``/clock`` or of a stream."""
        if self.is_simulated is None and raw.topic != CLOCK_TOPIC:
            self._vote.add(peek_header_ns(raw), raw.received_ns, self._sim)
            if self._vote.is_decided:
                self.decide()
        elif self.is_simulated is None:
            self._sim.on_clock(raw.received_ns, clock_ns(raw))
        self._waiting.append(raw)
        if self.is_simulated is None:
            self._forget_oldest()

    def release(self, until_ns: int) -> Iterator[RawMessage | Restart]:
        """Yield what arrived by a time up to which everything has been taken in [ns].

        Raises:
            StreamError: what came on ``/clock`` is no clock.
        """
        self._waiting.sort(key=attrgetter('received_ns'))
        while self._waiting and (not self.is_simulated or self._is_ready(until_ns)):
            raw = self._waiting.pop(0)
            if raw.topic == CLOCK_TOPIC:
                resets = self._sim.resets
                self._sim.on_clock(raw.received_ns, clock_ns(raw))
                self._sent.on_clock(raw.source_ns, clock_ns(raw))
                if self._sim.resets > resets:
                    yield Restart(self._sim.latest_ns or 0)
            elif not self.is_simulated:
                yield raw
            elif (timed := on_time_base(raw, self._sim, self._sent)) is not None:
                yield timed

    def now_ns(self, arrival_ns: int) -> int | None:
        """Return the time of the headers' clock at a time of arrival [ns], None if unknown."""
        return self._sim.time_ns(arrival_ns) if self.is_simulated else arrival_ns

    def check_clock(self, waited_s: float) -> None:
        """Check that the clock in use has been heard.

        Raises:
            StreamError: it has not.
        """
        if self.is_simulated and self._sim.latest_ns is None:
            raise StreamError(
                f'waited {waited_s:.0f} s for {CLOCK_TOPIC}, on which time runs with '
                'use_sim_time: start the simulation, or set use_sim_time to false'
            )

    def _forget_oldest(self) -> None:
        """Bound what waits while it is not known on which clock the headers run."""
        self._bytes += len(self._waiting[-1].data)
        if self._bytes <= MAX_WAITING_BYTES:
            return
        self._waiting.sort(key=attrgetter('received_ns'))
        while self._bytes > MAX_WAITING_BYTES // 2:
            self._bytes -= len(self._waiting.pop(0).data)

    def _is_ready(self, until_ns: int) -> bool:
        return self._waiting[0].received_ns <= until_ns
