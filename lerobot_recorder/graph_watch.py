"""When a graph has settled enough to be looked at: nothing new for a while."""

from __future__ import annotations

from collections.abc import Mapping

from lerobot_recorder.images import IMAGE_TYPES
from lerobot_recorder.numeric_fields import READERS


class GraphWatch:
    """Watches the topics of a graph until they no longer change.

    Args:
        settle_ns: unchanged for this long means settled [ns].
    """

    def __init__(self, settle_ns: int = 1_500_000_000) -> None:
        self._settle_ns = settle_ns
        self._topics: dict[str, str] = {}
        self._since_ns = 0

    def look(self, topics: Mapping[str, str], now_ns: int) -> bool:
        """Look at topic -> type; return whether there is something and it has settled."""
        recordable = {
            t: kind for t, kind in topics.items() if kind in READERS or kind in IMAGE_TYPES
        }
        if recordable != self._topics:
            self._topics, self._since_ns = recordable, now_ns
        return bool(recordable) and now_ns - self._since_ns >= self._settle_ns
