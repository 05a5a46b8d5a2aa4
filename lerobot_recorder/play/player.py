"""Which message is due when: segments one after the other, on a timeline of their own.

Between two segments no time passes: episodes may be days apart.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.play.choice import MAX_RATE
from lerobot_recorder.play.read_ahead import ReadAhead
from lerobot_recorder.play.segments import Segment
from lerobot_recorder.play.timeline import Timeline

SLOWEST = 0.01


class Player:
    """Plays segments; verbs may come from any thread, ``due`` is asked by one.

    Args:
        segments: what is played, in order.
        topics: what of it.
        clock: whose monotonic time it runs on.
        rate: seconds of log per second.
        loop: begin again at the end.

    Attributes:
        number: of the segment that is played.
        is_over: everything was played.
        wake: called when a verb changes what is due.
    """

    def __init__(
        self,
        segments: Sequence[Segment],
        topics: Collection[str],
        clock: Clock,
        rate: float = 1.0,
        loop: bool = False,
    ) -> None:
        self.number = 0
        self.is_over = False
        self.wake: Callable[[], object] = lambda: None
        self._segments, self._topics, self._loop = list(segments), set(topics), loop
        self._spans = [segment.span_ns() for segment in self._segments]
        latched = [name for s in segments for name, t in s.topics().items() if t.is_latched]
        self._latched = set(latched)
        self._clock, self._time = clock, Timeline(clock, rate)
        self._lock = threading.RLock()
        self._now: deque[RawMessage] = deque()
        self._steps = 0
        self._reading: ReadAhead | None = None
        self._open(0)

    @property
    def segment(self) -> Segment:
        """What is played now."""
        return self._segments[self.number]

    @property
    def rate(self) -> float:
        """Seconds of log per second."""
        return self._time.rate

    @property
    def is_paused(self) -> bool:
        """Whether it stands still."""
        return self._time.is_paused

    @property
    def now_ns(self) -> int:
        """Log time now [ns]."""
        return self._time.now_ns

    @property
    def position_s(self) -> tuple[float, float]:
        """Time in the segment, and how long it is [s]."""
        first_ns, last_ns = self._spans[self.number]
        at_ns = min(max(self._time.now_ns, first_ns), last_ns)
        return (at_ns - first_ns) / NS_PER_S, (last_ns - first_ns) / NS_PER_S

    def pause(self) -> None:
        """Stand still."""
        with self._lock:
            self._time.pause()
        self.wake()

    def resume(self) -> None:
        """Go on."""
        with self._lock:
            self._time.resume()
        self.wake()

    def toggle(self) -> None:
        """Stand still, or go on."""
        (self.resume if self.is_paused else self.pause)()

    def change_rate(self, factor: float) -> float:
        """Go so many times as fast as before; return the rate now."""
        with self._lock:
            self._time.set_rate(min(max(self._time.rate * factor, SLOWEST), MAX_RATE))
        self.wake()
        return self._time.rate

    def next(self) -> None:
        """Play one message more, while it stands still."""
        with self._lock:
            self._steps += self.is_paused
        self.wake()

    def skip(self, seconds: float) -> None:
        """Go so far on in the segment, or back [s]."""
        with self._lock:
            first_ns, last_ns = self._spans[self.number]
            to_ns = self._time.now_ns + round(seconds * NS_PER_S)
            self._seek(min(max(to_ns, first_ns), last_ns))
        self.wake()

    def take(self) -> RawMessage | None:
        """Return the next message if it is due, None if none is."""
        with self._lock:
            if self._now:
                return self._now.popleft()
            raw = self._next()
            if raw is None:
                return None
            is_step = self._time.is_paused and self._steps > 0
            if is_step:
                self._steps -= 1
                self._time.go_to(raw.received_ns)
            elif self._time.is_paused or self._wait_ns(raw) > 0:
                return None
            assert self._reading is not None
            self._reading.pop()
            return raw

    def wait_s(self) -> float | None:
        """Return how long nothing is due, None if nothing will be without a verb [s]."""
        with self._lock:
            if self._now or self._steps:
                return 0.0
            raw = self._next()
            if raw is None or self._time.is_paused:
                return None
            return max(self._wait_ns(raw), 0) / NS_PER_S

    def late_ns(self, raw: RawMessage) -> int:
        """Return for how long a message has been due now [ns]."""
        return -self._wait_ns(raw)

    def close(self) -> None:
        """Stop reading."""
        with self._lock:
            if self._reading is not None:
                self._reading.close()
                self._reading = None
            self.is_over = True

    def _wait_ns(self, raw: RawMessage) -> int:
        return self._time.due_ns(raw.received_ns) - self._clock.monotonic_ns()

    def _next(self) -> RawMessage | None:
        """Return the next message, of the next segment if this one has ended."""
        empty = 0
        while not self.is_over:
            assert self._reading is not None
            raw = self._reading.peek()
            if raw is not None:
                return raw
            empty += 1
            is_last = self.number + 1 == len(self._segments)
            if is_last and not (self._loop and empty <= len(self._segments)):
                self.close()
                return None
            self._open(0 if is_last else self.number + 1)
        return None

    def _open(self, number: int) -> None:
        if self._reading is not None:
            self._reading.close()
        self.number = number
        self._reading = ReadAhead(self._segments[number].messages(self._topics))
        first = self._reading.peek()
        if first is not None:
            begin_ns = min(first.received_ns, self._spans[number][0])
            self._spans[number] = begin_ns, max(begin_ns, self._spans[number][1])
            self._time.go_to(begin_ns)

    def _seek(self, log_ns: int) -> None:
        """Go to a log time; of what lasts, what was said last before it is said again."""
        self._open(self.number)
        assert self._reading is not None
        lasting: dict[tuple[str, bytes], RawMessage] = {}
        while (raw := self._reading.peek()) is not None and raw.received_ns < log_ns:
            self._reading.pop()
            if raw.topic in self._latched:
                lasting[raw.topic, raw.data] = raw
        self._now.extend(lasting.values())
        self._time.go_to(log_ns)
