"""Messages that were sent and never came, told by the numbers publishers give them.

A camera that did not send leaves no gap in its numbers; a message lost on the way, or
displaced in a queue that was full, does.
"""

from __future__ import annotations


class SequenceGaps:
    """Watches the numbers of one topic's messages, publisher by publisher."""

    def __init__(self) -> None:
        self._last: dict[bytes | None, int] = {}

    def missed(self, publisher: bytes | None, number: int) -> int:
        """Return how many messages before this one were sent and did not come.

        Args:
            publisher: who sent it; None where the middleware does not tell.
            number: its number; they rise by one, a publisher that starts anew counts anew.
        """
        last = self._last.get(publisher)
        self._last[publisher] = number
        return number - last - 1 if last is not None and number > last else 0

    def forget(self) -> None:
        """Start anew, because publishers came or went."""
        self._last.clear()
