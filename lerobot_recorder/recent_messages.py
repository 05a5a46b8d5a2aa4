"""The last messages of every topic: what a take begins with."""

from __future__ import annotations

from collections import deque
from operator import attrgetter

from lerobot_recorder.images import IMAGE_TYPES
from lerobot_recorder.messages import RawMessage

KEPT_PICTURES = 3
KEPT_NUMBERS = 200
"""Messages of a topic that are kept at least: what is in force as a take begins, and what was
on its way."""
LARGE = 1 << 16
"""Messages of more bytes, such as point clouds, are kept as seldom as pictures."""


class RecentMessages:
    """Keeps the last messages of every topic, and those of the pre-roll.

    Args:
        preroll_ns: how far back a take may begin [ns].
    """

    def __init__(self, preroll_ns: int = 0) -> None:
        self._preroll_ns = preroll_ns
        self._topics: dict[str, deque[RawMessage]] = {}

    @property
    def size(self) -> int:
        """What is kept [bytes]."""
        return sum(len(raw.data) for kept in self._topics.values() for raw in kept)

    def add(self, raw: RawMessage) -> None:
        """Keep a message, and drop those that nobody needs any more."""
        kept = self._topics.setdefault(raw.topic, deque())
        kept.append(raw)
        is_large = raw.msgtype in IMAGE_TYPES or len(raw.data) > LARGE
        least = KEPT_PICTURES if is_large else KEPT_NUMBERS
        oldest = raw.received_ns - self._preroll_ns
        while len(kept) > least and kept[0].received_ns < oldest:
            kept.popleft()

    def split(self, start_ns: int) -> tuple[list[RawMessage], list[RawMessage]]:
        """Return what came before a take that begins then [ns], and what has come since."""
        before: list[RawMessage] = []
        since: list[RawMessage] = []
        for kept in self._topics.values():
            for raw in kept:
                (before if raw.received_ns < start_ns else since).append(raw)
        by_arrival = attrgetter('received_ns')
        return sorted(before, key=by_arrival), sorted(since, key=by_arrival)

    def clear(self) -> None:
        """Forget them all."""
        self._topics.clear()
