"""Chunks of a file, read in the order of time, a few at once in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from lerobot_recorder.bags.losses import DamageError, Losses
from lerobot_recorder.bags.merging import Part, merged
from lerobot_recorder.bags.windows import Window

HELD = 64 << 20
"""Of chunks that overlap in time so much stays unpacked; the rest is unpacked again [bytes]."""


class Block(NamedTuple):
    """A chunk, or a stretch of messages that are in none.

    Attributes:
        start_ns, end_ns: times of its first and last message [ns].
        at: where it begins in the file.
        length: of it [bytes].
        channels: whose messages are in it, None if nobody knows.
        is_cut: whether the file ends in it.
    """

    start_ns: int
    end_ns: int
    at: int
    length: int
    channels: frozenset[int] | None = None
    is_cut: bool = False


class Entry(NamedTuple):
    """Where a message is.

    Attributes:
        log_ns: when it was logged [ns].
        at, size: of its bytes in the window of its block.
        channel: whose it is.
    """

    log_ns: int
    at: int
    size: int
    channel: int


Unpack = Callable[[Block], Window]
Walk = Callable[[Window], Iterable[Entry]]


class OrderedBlocks:
    """The messages of blocks.

    Args:
        blocks: in any order.
        unpack: gives what is in a block; raises DamageError.
        walk: gives the messages in that, in the order of the file; raises DamageError.
        losses: takes what is damaged.
        sound: where the blocks begin whose checksums agreed; grows.
    """

    def __init__(
        self,
        blocks: Iterable[Block],
        unpack: Unpack,
        walk: Walk,
        losses: Losses,
        sound: set[int] | None = None,
    ) -> None:
        self._sound = set() if sound is None else sound
        self._blocks, self._walk, self._losses = sorted(blocks), walk, losses
        self._unpack = unpack
        self._windows: OrderedDict[int, Window] = OrderedDict()
        self._held = 0

    def messages(self, wanted: Collection[int]) -> Iterator[tuple[int, tuple[int, bytes]]]:
        """Yield (log time [ns], (channel, bytes)), ties in the order of the file."""
        channels = frozenset(wanted)
        for log_ns, (block, entry) in merged(self._parts(channels)):
            data = self._window(block, channels).read(entry.at, entry.size)
            yield log_ns, (entry.channel, data)

    def _parts(self, wanted: frozenset[int]) -> Iterator[Part[tuple[Block, Entry]]]:
        for block in self._blocks:
            if block.channels is None or not block.channels.isdisjoint(wanted):
                yield Part(block.start_ns, block.at, partial(self._entries, block, wanted))

    def _entries(
        self, block: Block, wanted: frozenset[int]
    ) -> Iterator[tuple[int, tuple[Block, Entry]]]:
        found: list[Entry] = []
        try:
            window = self._window(block, wanted)
            found.extend(entry for entry in self._walk(window) if entry.channel in wanted)
        except DamageError as damage:
            self._losses.add(str(damage), block.at, damage.messages)
        else:
            wants_most = sum(entry.size for entry in found) >= window.size // 2
            if wants_most and not self._is_sound(block, window):
                self._losses.add('a chunk with a wrong checksum', block.at, len(found))
                found.clear()
        for entry in sorted(found):
            yield entry.log_ns, (block, entry)
        self._forget(block.at)

    def _is_sound(self, block: Block, window: Window) -> bool:
        """Return whether a checksum agrees; one that did is not computed again."""
        if block.at not in self._sound and window.is_intact():
            self._sound.add(block.at)
        return block.at in self._sound

    def _window(self, block: Block, wanted: frozenset[int]) -> Window:
        if block.at in self._windows:
            self._windows.move_to_end(block.at)
            return self._windows[block.at]
        window = self._unpack(block)
        if block.channels is not None and block.channels <= wanted:
            window = window.loaded()
        self._windows[block.at] = window
        self._held += window.held
        while self._held > HELD and len(self._windows) > 1:
            self._forget(next(iter(self._windows)))
        return window

    def _forget(self, at: int) -> None:
        if at in self._windows:
            self._held -= self._windows.pop(at).held
