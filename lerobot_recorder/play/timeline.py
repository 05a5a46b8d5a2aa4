"""Log time against the time of a steady clock: faster, slower, paused, elsewhere."""

from __future__ import annotations

from lerobot_drivers.common.clock import Clock


class Timeline:
    """Where playing is. Nothing adds up: every time is reckoned from where it last changed.

    Args:
        clock: of which the monotonic time is taken.
        rate: seconds of log per second.
    """

    def __init__(self, clock: Clock, rate: float = 1.0) -> None:
        self.rate = rate
        self._clock = clock
        self._log_ns = 0
        self._since_ns = clock.monotonic_ns()
        self._paused = True

    @property
    def is_paused(self) -> bool:
        """Whether log time stands still."""
        return self._paused

    @property
    def now_ns(self) -> int:
        """Log time now [ns]."""
        if self._paused:
            return self._log_ns
        return self._log_ns + round((self._clock.monotonic_ns() - self._since_ns) * self.rate)

    def due_ns(self, log_ns: int) -> int:
        """Return the monotonic time at which a log time comes [ns]."""
        return self._since_ns + round((log_ns - self._log_ns) / self.rate)

    def go_to(self, log_ns: int) -> None:
        """Go on from another log time [ns]."""
        self._log_ns, self._since_ns = log_ns, self._clock.monotonic_ns()

    def set_rate(self, rate: float) -> None:
        """Go on faster or slower, from here."""
        self.go_to(self.now_ns)
        self.rate = rate

    def pause(self) -> None:
        """Let log time stand still."""
        self.go_to(self.now_ns)
        self._paused = True

    def resume(self) -> None:
        """Let log time go on."""
        self._since_ns = self._clock.monotonic_ns() if self._paused else self._since_ns
        self._paused = False
