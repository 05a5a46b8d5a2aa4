"""How an mcap file is read."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator
from itertools import takewhile

from lerobot_recorder.bags import mcap_records, mcap_summary
from lerobot_recorder.bags.blocks import Block, Entry
from lerobot_recorder.bags.chunked import Indexed, Role
from lerobot_recorder.bags.codecs import unpack, unpack_start
from lerobot_recorder.bags.contents import Contents
from lerobot_recorder.bags.losses import DamageError
from lerobot_recorder.bags.mcap_records import (
    CHANNEL,
    CHUNK,
    DATA_END,
    FOOTER,
    INDEX_ENTRY,
    INDEX_HEAD,
    MAGIC,
    MESSAGE,
    MESSAGE_INDEX,
    RECORD,
    SCHEMA,
    Record,
    chunk_head,
    records,
)
from lerobot_recorder.bags.windows import FileWindow, MemoryWindow, Window, whole_size

_ROLES = {
    MESSAGE: Role.MESSAGE,
    CHUNK: Role.CHUNK,
    MESSAGE_INDEX: Role.INDEX,
    SCHEMA: Role.DEFINITION,
    CHANNEL: Role.DEFINITION,
    DATA_END: Role.END,
    FOOTER: Role.END,
}


class McapFormat:
    """An mcap file; what its methods do is told by ``Format``."""

    first = len(MAGIC)

    def summary(self, file: FileWindow, name: str) -> Contents | None:
        """Return what the file's end says is in it."""
        return mcap_summary.read_summary(file)

    def records(self, window: Window, at: int, end: int) -> Iterator[Record]:
        """Yield whole records."""
        return records(window, at, end)

    def cut_chunk(self, file: FileWindow, at: int) -> Record | None:
        """Return the chunk that the file ends in."""
        kind, size = RECORD.unpack(file.read(at, RECORD.size))
        left = file.size - at - RECORD.size
        return Record(kind, at + RECORD.size, left) if kind == CHUNK and size > left else None

    def role(self, record: Record) -> Role:
        """Return what a record is good for."""
        return _ROLES.get(record.kind, Role.OTHER)

    def learn(self, contents: Contents, window: Window, record: Record) -> None:
        """Take in a schema or a channel."""
        mcap_records.learn(contents, window, record)

    def entry(self, window: Window, record: Record) -> Entry:
        """Return where a message is."""
        return mcap_records.entry(window, record)

    def index(self, file: FileWindow, record: Record) -> Indexed:
        """Return what a message index tells."""
        if record.size < INDEX_HEAD.size:
            raise DamageError('a record that ends in a field')
        channel, size = INDEX_HEAD.unpack(file.read(record.at, INDEX_HEAD.size))
        if size + INDEX_HEAD.size != record.size:
            raise DamageError('an index of another size than it says')
        return Indexed(channel, size // INDEX_ENTRY)

    def block(self, file: FileWindow, record: Record) -> Block:
        """Return a chunk."""
        head = chunk_head(file, record)
        return Block(head.start_ns, head.end_ns, record.start, record.end - record.start)

    def open_block(self, file: FileWindow, block: Block) -> Window:
        """Return what is in a chunk, the whole records if the file ends in it."""
        kind, size = RECORD.unpack(file.read(block.at, RECORD.size))
        if kind != CHUNK:
            return file.part(block.at, block.length)
        record = Record(kind, block.at + RECORD.size, size)
        if block.is_cut:
            return _cut(file, record._replace(size=file.size - record.at))
        try:
            return _whole(file, record)
        except DamageError as damage:
            raise DamageError(str(damage), self._messages_behind(file, record)) from damage

    def _messages_behind(self, file: FileWindow, chunk: Record) -> int | None:
        """Return how many messages the indexes behind a chunk know, None if there are none."""
        found = 0
        behind = records(file, chunk.end, file.size)
        try:
            for record in takewhile(lambda one: one.kind == MESSAGE_INDEX, behind):
                found += self.index(file, record).messages
        except DamageError:
            pass
        return found or None


def _whole(file: FileWindow, record: Record) -> Window:
    chunk = chunk_head(file, record)
    if chunk.at + chunk.packed > record.end:
        raise DamageError('a chunk that goes beyond its record')
    if not chunk.compression:
        return file.part(chunk.at, chunk.packed, chunk.checksum)
    data = unpack(file.read(chunk.at, chunk.packed), chunk.compression, chunk.size)
    if chunk.checksum and crc32(data) != chunk.checksum:
        raise DamageError('a chunk with a wrong checksum')
    return MemoryWindow(data, record.start)


def _cut(file: FileWindow, record: Record) -> Window:
    chunk = chunk_head(file, record)
    left = min(chunk.packed, file.size - chunk.at)
    if not chunk.compression:
        return file.part(chunk.at, whole_size(records(file.part(chunk.at, left), 0, left)))
    data = unpack_start(file.read(chunk.at, left), chunk.compression, chunk.size)
    whole = whole_size(records(MemoryWindow(data), 0, len(data)))
    return MemoryWindow(data[:whole], record.start)
