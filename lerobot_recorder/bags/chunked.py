"""Files of chunks, whatever their records look like: an mcap, a ROS 1 bag.

What is in a file is told by its index, or found by walking through it. Then chunks are not
unpacked where the message indexes behind them say whose messages they hold.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.bags.blocks import Block, Entry, OrderedBlocks
from lerobot_recorder.bags.contents import Contents, Stretch
from lerobot_recorder.bags.losses import DamageError, Losses
from lerobot_recorder.bags.storage import Channel
from lerobot_recorder.bags.windows import FileWindow, Window, opened

R = TypeVar('R', bound='Record')


class Role(Enum):
    """What a record is good for."""

    MESSAGE = auto()
    CHUNK = auto()
    INDEX = auto()
    DEFINITION = auto()
    OTHER = auto()
    END = auto()


class Record(Protocol):
    """A record of some format."""

    @property
    def start(self) -> int:
        """Where it begins in its window."""

    @property
    def end(self) -> int:
        """Where the next one begins."""


class Indexed(NamedTuple):
    """What a message index tells.

    Attributes:
        channel: of which.
        messages: of how many.
        times_ns: of the first and the last of them, empty if that is told elsewhere [ns].
    """

    channel: int
    messages: int
    times_ns: tuple[int, ...] = ()


class Format(Protocol[R]):
    """How records look like; all methods raise DamageError where something else is met."""

    first: int
    """Where the first record begins."""

    def summary(self, file: FileWindow, name: str) -> Contents | None:
        """Return what a file says is in it, None if it does not say."""

    def records(self, window: Window, at: int, end: int) -> Iterator[R]:
        """Yield the whole records between two places."""

    def cut_chunk(self, file: FileWindow, at: int) -> R | None:
        """Return the chunk at a place that the file ends in, None if there is none."""

    def role(self, record: R) -> Role:
        """Return what a record is good for."""

    def learn(self, contents: Contents, window: Window, record: R) -> None:
        """Take in a definition."""

    def entry(self, window: Window, record: R) -> Entry:
        """Return where a message is."""

    def index(self, file: FileWindow, record: R) -> Indexed:
        """Return what a message index tells."""

    def block(self, file: FileWindow, record: R) -> Block:
        """Return a chunk; its times are 0 where it does not tell them."""

    def open_block(self, file: FileWindow, block: Block) -> Window:
        """Return what is in a chunk, or a stretch of messages that are in none."""


class ChunkedStorage:
    """A file of chunks.

    Attributes:
        path: the file.
        channels: id -> channel.
        counts: id -> number of messages.
        span_ns: times of its first and last message, None if there is none [ns].
        losses: what could not be read up to now.

    Raises:
        OSError: the disk refuses.
    """

    def __init__(self, path: Path, name: str, form: Format[Any]) -> None:
        self.path, self.losses, self._form = path, Losses(name), form
        with opened(path) as file:
            contents = form.summary(file, name)
            if contents is None:
                contents = Scan(file, form, self.losses).contents
        self.channels: Mapping[int, Channel] = contents.channels
        self.counts: Mapping[int, int] = contents.counts
        self.span_ns = contents.span_ns
        self._sound: set[int] = set()
        self._blocks = [self._with_strangers(block) for block in contents.blocks]

    def messages(self, wanted: Collection[int]) -> Iterator[tuple[int, tuple[int, bytes]]]:
        """Yield (log time [ns], (channel, bytes)) of some channels, in the order of log times.

        Raises:
            OSError: the disk refuses.
        """
        with opened(self.path) as file:
            unpack = partial(self._form.open_block, file)
            blocks = OrderedBlocks(self._blocks, unpack, self._entries, self.losses, self._sound)
            yield from blocks.messages(wanted)

    def _with_strangers(self, block: Block) -> Block:
        """Return a block that is read for what is in it of channels that nobody defined."""
        is_known = block.channels is None or block.channels <= self.channels.keys()
        return block if is_known else block._replace(channels=None)

    def _entries(self, window: Window) -> Iterable[Entry]:
        for record in self._form.records(window, 0, window.size):
            role = self._form.role(record)
            if role is Role.MESSAGE:
                entry = self._form.entry(window, record)
                if entry.channel in self.channels:
                    yield entry
                else:
                    why = 'a message of a channel that is nowhere defined'
                    self.losses.add(why, window.start + record.start)
            elif role is not Role.DEFINITION:
                self.losses.add('a record that has no place here', window.start + record.start)


class Scan:
    """A walk through a file.

    Attributes:
        contents: what was found.
        end: where the last whole record ends.
        is_whole: whether all data are there, though perhaps no index.

    Raises:
        OSError: the disk refuses.
    """

    def __init__(self, file: FileWindow, form: Format[Any], losses: Losses) -> None:
        self.contents, self.end, self.is_whole = Contents(), form.first, False
        self._file, self._form, self._losses = file, form, losses
        self._chunk: Any = None
        self._indexed: list[Indexed] = []
        self._stretch: Stretch | None = None
        with contextlib.suppress(DamageError):
            self._walk()
        self._end_chunk(trusts_index=self.is_whole)
        self._end_stretch()
        if not self.is_whole:
            self._take_cut_chunk()
            self._tell_cut()

    def _tell_cut(self) -> None:
        found, span_ns = self.contents.counts.total(), self.contents.span_ns or (0, 0)
        self._losses.tell(
            f'was not written to its end, or is damaged: whole up to byte {self.end} of '
            f'{self._file.size}; the {found} messages in there '
            f'({(span_ns[1] - span_ns[0]) / NS_PER_S:.1f} s) are read'
        )

    def _walk(self) -> None:
        for record in self._form.records(self._file, self.end, self._file.size):
            role = self._form.role(record)
            if role is Role.END:
                self.is_whole = True
                return
            self._take(record, role)
            self.end = record.end

    def _take(self, record: Any, role: Role) -> None:
        if role is Role.INDEX:
            with contextlib.suppress(DamageError):
                self._indexed.append(self._form.index(self._file, record))
            return
        self._end_chunk(trusts_index=True)
        if role is Role.MESSAGE:
            self._take_message(record)
            return
        self._end_stretch()
        if role is Role.CHUNK:
            self._chunk = record
        elif role is Role.DEFINITION:
            with contextlib.suppress(DamageError):
                self._form.learn(self.contents, self._file, record)

    def _take_message(self, record: Any) -> None:
        entry = self._form.entry(self._file, record)
        if self._stretch is None:
            self._stretch = Stretch(record.start)
        self._stretch.add(record.end, entry.channel, entry.log_ns)
        if self._stretch.is_long:
            self._end_stretch()

    def _end_stretch(self) -> None:
        if self._stretch is not None:
            self.contents.add(self._stretch.block(), self._stretch.counts)
        self._stretch = None

    def _end_chunk(self, trusts_index: bool) -> None:
        record, self._chunk = self._chunk, None
        indexed, self._indexed = self._indexed, []
        if record is not None:
            with contextlib.suppress(DamageError):
                self._add_chunk(self._form.block(self._file, record), indexed * trusts_index)

    def _take_cut_chunk(self) -> None:
        with contextlib.suppress(DamageError):
            if (record := self._form.cut_chunk(self._file, self.end)) is not None:
                block = self._form.block(self._file, record)
                self._add_chunk(block._replace(is_cut=True), [])

    def _add_chunk(self, block: Block, indexed: list[Indexed]) -> None:
        """Take in a chunk, unpacked if its messages are not known otherwise."""
        counts = Counter({one.channel: one.messages for one in indexed})
        times = [time_ns for one in indexed for time_ns in one.times_ns]
        if not counts or not counts.keys() <= self.contents.channels.keys():
            counts, times = Counter(), []
            try:
                self._learn(self._form.open_block(self._file, block), counts, times)
            except DamageError as damage:
                self._losses.add(str(damage), block.at, damage.messages)
        if times and not block.end_ns:
            block = block._replace(start_ns=min(times), end_ns=max(times))
        self.contents.add(block, counts)

    def _learn(self, window: Window, counts: Counter[int], times: list[int]) -> None:
        for record in self._form.records(window, 0, window.size):
            role = self._form.role(record)
            if role is Role.MESSAGE:
                entry = self._form.entry(window, record)
                counts[entry.channel] += 1
                times.append(entry.log_ns)
            elif role is Role.DEFINITION:
                self._form.learn(self.contents, window, record)
