"""When the next episode begins: after a time, when somebody says so, not during a pause."""

from __future__ import annotations

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.recorder_status import Phase

BETWEEN = (Phase.WARMUP, Phase.RESETTING)
"""What the recorder is doing while the next episode is waited for."""


class Schedule:
    """Counts down a rest.

    Args:
        by_hand: nothing begins by itself.

    Attributes:
        is_paused: the countdown stands still.
        is_held: nothing begins by itself though it may be due.
    """

    def __init__(self, by_hand: bool = False) -> None:
        self.is_paused = self.is_held = False
        self._by_hand = by_hand
        self._due_ns: int | None = None
        self._left_ns: int | None = None

    def rest(self, now_ns: int, rest_ns: int) -> None:
        """Begin a rest; in a pause the next episode begins as soon as it is over [ns]."""
        self._due_ns, self._left_ns = now_ns + rest_ns, None
        if self._by_hand:
            self._due_ns = None
        elif self.is_paused:
            self._due_ns, self._left_ns = None, 0

    def pause(self, now_ns: int) -> None:
        """Let a rest stand still."""
        self.is_paused = True
        if self._due_ns is not None:
            self._left_ns, self._due_ns = max(self._due_ns - now_ns, 0), None

    def resume(self, now_ns: int) -> None:
        """Let it run on."""
        self.is_paused = False
        if self._left_ns is not None:
            self._due_ns, self._left_ns = now_ns + self._left_ns, None

    def restart_time(self, before_ns: int, now_ns: int) -> None:
        """Go on at another time: the clock has jumped [ns]."""
        if self._due_ns is not None:
            self._due_ns += now_ns - before_ns

    def is_due(self, now_ns: int) -> bool:
        """Return whether the rest is over."""
        return self._due_ns is not None and now_ns >= self._due_ns

    def may_begin(self, now_ns: int) -> bool:
        """Return whether the next episode begins by itself now [ns]."""
        return self.is_due(now_ns) and not self.is_held

    def left_s(self, now_ns: int) -> float:
        """Return how long it still lasts, 0 if somebody has to say so [s]."""
        return 0.0 if self._due_ns is None else max(self._due_ns - now_ns, 0) / NS_PER_S
