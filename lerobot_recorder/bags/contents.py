"""What is known of a file of chunks before its messages are read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lerobot_recorder.bags.blocks import Block
from lerobot_recorder.bags.storage import Channel, Definition

_LONGEST = 1 << 20
"""So much of messages that are in no chunk becomes one block [bytes]."""


@dataclass
class Contents:
    """What is known of a file.

    Attributes:
        schemas: id -> (type, definition), where channels refer to them.
        channels: id -> channel.
        blocks: its chunks, and stretches of messages in none.
        counts: channel -> messages.
        span_ns: times of the first and the last message, None if there is none [ns].
    """

    schemas: dict[int, tuple[str, Definition]] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)
    span_ns: tuple[int, int] | None = None

    def extend_span(self, first_ns: int, last_ns: int) -> None:
        """Take in the times of some messages [ns]."""
        if self.span_ns is not None:
            first_ns, last_ns = min(first_ns, self.span_ns[0]), max(last_ns, self.span_ns[1])
        self.span_ns = first_ns, last_ns

    def add(self, block: Block, counts: Counter[int]) -> None:
        """Take in a block with what is known of its messages, empty if nothing is."""
        self.blocks.append(block._replace(channels=frozenset(counts) if counts else None))
        self.counts += counts
        if counts:
            self.extend_span(block.start_ns, block.end_ns)


class Stretch:
    """Messages one after the other that are in no chunk.

    Args:
        at: where the first begins.
    """

    def __init__(self, at: int) -> None:
        self._at = self._end = at
        self._first_ns, self._last_ns = 0, 0
        self.counts: Counter[int] = Counter()

    @property
    def is_long(self) -> bool:
        """Whether it is enough for a block."""
        return self._end - self._at > _LONGEST

    def add(self, end: int, channel: int, log_ns: int) -> None:
        """Take in a message."""
        self._first_ns = min(log_ns, self._first_ns) if self.counts else log_ns
        self._last_ns = max(log_ns, self._last_ns)
        self._end = end
        self.counts[channel] += 1

    def block(self) -> Block:
        """Return it as a block."""
        return Block(self._first_ns, self._last_ns, self._at, self._end - self._at)
