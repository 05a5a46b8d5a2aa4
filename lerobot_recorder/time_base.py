"""One time for headers and arrival: what the middleware or a bag measured, on the headers' clock.

Live, both run on the system's time. In a simulation the headers run on ``/clock``, in a bag
that was made or processed later they may run on anything. Then times of arrival are put on
the headers' clock here, before anybody compares the two; everything behind sees one time
that slows down, stands still or hurries with the headers.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import Protocol

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.messages import RawMessage

CLOCK_TOPIC = '/clock'
RESET_NS = NS_PER_S // 10
"""A simulated clock that goes back by more has begun anew; by less, its messages crossed [ns]."""
SIM_RESET = 'the simulated clock went back'
KEPT_STEPS = 4000
VOTES = 5
"""So many header stamps tell on which clock they run."""


class TimeBase(Protocol):
    """Puts times of arrival on the clock of the headers."""

    def time_ns(self, arrival_ns: int) -> int | None:
        """Return what the headers' clock showed at a time of arrival [ns], None if unknown."""
        ...


class SystemTime:
    """Headers and arrival run on one clock as it is, or some constant time apart.

    Args:
        ahead_ns: how far arrival is ahead of the headers beside what is latency [ns].
    """

    def __init__(self, ahead_ns: int = 0) -> None:
        self._ahead_ns = ahead_ns

    def time_ns(self, arrival_ns: int) -> int:
        """Return the time of the headers' clock [ns]."""
        return arrival_ns - self._ahead_ns


class SimTime:
    """The simulated time at a time of arrival, from the messages of ``/clock``.

    After a message it goes on as fast as before it, by one step at most: when the clock stands
    still, so does this. It depends on earlier messages only, the same live and from a bag.

    Attributes:
        resets: how often the simulation went back in time.
    """

    def __init__(self) -> None:
        self.resets = 0
        self._arrivals: list[int] = []
        self._times: list[int] = []

    def on_clock(self, arrival_ns: int, sim_ns: int) -> None:
        """Take in a message of ``/clock``: time of arrival and simulated time [ns]."""
        if self._times and sim_ns < self._times[-1] - RESET_NS:
            self.resets += 1
            self._arrivals.clear()
            self._times.clear()
        if self._times and (sim_ns < self._times[-1] or arrival_ns < self._arrivals[-1]):
            return
        self._arrivals.append(arrival_ns)
        self._times.append(sim_ns)
        if len(self._times) > 2 * KEPT_STEPS:
            del self._arrivals[:KEPT_STEPS], self._times[:KEPT_STEPS]

    @property
    def latest_ns(self) -> int | None:
        """The last time the clock showed [ns], None before that."""
        return self._times[-1] if self._times else None

    def time_ns(self, arrival_ns: int) -> int | None:
        """Return the simulated time at a time of arrival [ns], None before the clock began."""
        at = bisect_right(self._arrivals, arrival_ns) - 1
        if at < 0:
            return None
        if at == 0 or self._arrivals[at] == self._arrivals[at - 1]:
            return self._times[at]
        step_ns = self._times[at] - self._times[at - 1]
        passed_ns = arrival_ns - self._arrivals[at]
        gone_ns = passed_ns * step_ns // (self._arrivals[at] - self._arrivals[at - 1])
        return self._times[at] + min(gone_ns, step_ns)


class ClockVote:
    """Finds out whether header stamps run on ``/clock`` or on the system's time."""

    def __init__(self) -> None:
        self._simulated = 0
        self._total = 0

    @property
    def is_decided(self) -> bool:
        """Return whether enough stamps have been seen."""
        return self._total >= VOTES

    @property
    def is_simulated(self) -> bool:
        """Return whether most of them lie nearer to the simulated time."""
        return 2 * self._simulated > self._total

    def add(self, header_ns: int | None, arrival_ns: int, sim: SimTime) -> None:
        """Count the header stamp of a message; none or a zero one has no vote."""
        sim_ns = sim.time_ns(arrival_ns)
        if not header_ns or sim_ns is None:
            return
        self._total += 1
        self._simulated += abs(header_ns - sim_ns) < abs(header_ns - arrival_ns)


def on_time_base(
    raw: RawMessage, arrived: TimeBase, sent: TimeBase | None = None
) -> RawMessage | None:
    """Return a message with its times of arrival on the headers' clock, None if unknown.

    A message that arrived before the simulated clock began, or began anew, has no such time.

    Args:
        raw: the message.
        arrived: the headers' clock by time of arrival.
        sent: the same by source stamp, if it is known: two publishers compare better than a
            publisher and what the transport made of another.
    """
    received_ns = arrived.time_ns(raw.received_ns)
    if received_ns is None:
        return None
    source_ns = sent.time_ns(raw.source_ns) if sent is not None and raw.source_ns else None
    return replace(raw, source_ns=source_ns or 0, received_ns=received_ns)
