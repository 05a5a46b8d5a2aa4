"""The time up to which everything that arrived has been taken in.

Deadlines on arrival must not fire because our own process stalled while messages
waited in the middleware. So time goes on with the messages, and by itself only when
none has come for a while and the process was awake to see that.
"""

from __future__ import annotations


class ArrivalClock:
    """Time of arrival.

    Args:
        quiet_ns: no message for this long means that none is waiting [ns].
    """

    def __init__(self, quiet_ns: int = 100_000_000) -> None:
        self._quiet_ns = quiet_ns
        self._arrived_ns = 0
        self._quiet_since_ns: int | None = None
        self._last_tick_ns = 0

    def on_message(self, received_ns: int) -> None:
        """Note a message taken in, received by the middleware at this time [ns]."""
        self._arrived_ns = max(self._arrived_ns, received_ns)
        self._quiet_since_ns = None

    def tick(self, now_ns: int) -> int:
        """Return the time up to which everything has been taken in; call it regularly [ns]."""
        stalled = now_ns - self._last_tick_ns > self._quiet_ns
        self._last_tick_ns = now_ns
        if self._quiet_since_ns is None or stalled:
            self._quiet_since_ns = now_ns
        if now_ns - self._quiet_since_ns >= self._quiet_ns:
            self._arrived_ns = max(self._arrived_ns, now_ns)
        return self._arrived_ns
