"""The time up to which everything that arrived has been taken in.

Deadlines on arrival must not fire because our own process stalled while messages
waited in the middleware. All that waits is taken in before each tick. So a topic that was
heard since the last tick has been taken in up to that message at least, and one that was not
had none waiting at the last tick.
"""

from __future__ import annotations


class ArrivalClock:
    """Time of arrival."""

    def __init__(self) -> None:
        self._arrived_ns = 0
        self._last_tick_ns = 0
        self._heard: dict[str, int] = {}

    def on_message(self, topic: str, received_ns: int) -> None:
        """Note a message taken in, received by the middleware at this time [ns]."""
        self._heard[topic] = received_ns

    def tick(self, now_ns: int) -> int:
        """Return the time up to which everything has been taken in; call it regularly [ns]."""
        taken_in_ns = min((self._last_tick_ns, *self._heard.values()))
        self._arrived_ns = max(self._arrived_ns, taken_in_ns)
        self._last_tick_ns = now_ns
        self._heard.clear()
        return self._arrived_ns
