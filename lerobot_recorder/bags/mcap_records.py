"""Records of an mcap file.

The format: https://mcap.dev/spec
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from lerobot_recorder.bags.blocks import Block, Entry
from lerobot_recorder.bags.contents import Contents
from lerobot_recorder.bags.losses import DamageError
from lerobot_recorder.bags.storage import NEWEST_NS, Channel, Definition
from lerobot_recorder.bags.windows import Window

MAGIC = b'\x89MCAP0\r\n'
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK = range(1, 7)
MESSAGE_INDEX, CHUNK_INDEX, STATISTICS, DATA_END = 0x07, 0x08, 0x0B, 0x0F
KINDS = range(1, 0x10)
RECORD = struct.Struct('<BQ')
MESSAGE_HEAD = struct.Struct('<HIQQ')
CHUNK_HEAD = struct.Struct('<QQQI')
INDEX_HEAD = struct.Struct('<HI')
INDEX_ENTRY = 16
_CHUNK_INDEX = struct.Struct('<QQQQI')
_STATISTICS = struct.Struct('<QHIIIIQQI')
_UINT16, _UINT32, _UINT64 = struct.Struct('<H'), struct.Struct('<I'), struct.Struct('<Q')
_LARGEST_DEFINITION = 1 << 24
_LONGEST_COMPRESSION = 16


class Record(NamedTuple):
    """A record.

    Attributes:
        kind: its opcode.
        at, size: of its content in the window it is in.
    """

    kind: int
    at: int
    size: int

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.at - RECORD.size

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.at + self.size


def learn(contents: Contents, window: Window, record: Record) -> None:
    """Take in a schema or a channel; another record is passed over.

    Raises:
        DamageError: it is not what it says it is.
    """
    if record.kind not in (SCHEMA, CHANNEL):
        return
    if record.size > _LARGEST_DEFINITION:
        raise DamageError(f'a definition of {record.size} bytes')
    fields = _Fields(window.read(record.at, record.size))
    number = fields.number(_UINT16)
    if record.kind == SCHEMA:
        name, language = fields.text(), fields.text()
        contents.schemas.setdefault(number, (name, Definition(language, fields.text())))
    elif number not in contents.channels:
        name, definition = contents.schemas.get(fields.number(_UINT16), ('', None))
        topic, serialization = fields.text(), fields.text()
        contents.channels[number] = Channel(topic, name, serialization, definition)


class _Fields:
    """The fields of a record, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, kind: struct.Struct) -> int:
        try:
            (number,) = kind.unpack_from(self._data, self._at)
        except struct.error as error:
            raise DamageError('a record that ends in a field') from error
        self._at += kind.size
        return int(number)

    def text(self) -> str:
        size = self.number(_UINT32)
        data = self._data[self._at : self._at + size]
        self._at += size
        if len(data) < size:
            raise DamageError('a record that ends in a field')
        return data.decode(errors='replace')


def records(window: Window, at: int, end: int) -> Iterator[Record]:
    """Yield the whole records between two places.

    Raises:
        DamageError: there is something else.
    """
    while at < end:
        if at + RECORD.size > end:
            raise DamageError('a record that is cut off')
        kind, size = RECORD.unpack(window.read(at, RECORD.size))
        record = Record(kind, at + RECORD.size, size)
        if not kind:  # a disk that lost power fills files up with zeros
            raise DamageError('a record of no kind')
        if record.end > end:
            raise DamageError('a record that is cut off')
        yield record
        at = record.end


def entry(window: Window, record: Record) -> Entry:
    """Return where a message is.

    Raises:
        DamageError: it is none.
    """
    if record.size < MESSAGE_HEAD.size:
        raise DamageError('a message without a head')
    channel, _, log_ns, _ = MESSAGE_HEAD.unpack(window.read(record.at, MESSAGE_HEAD.size))
    if log_ns > NEWEST_NS:
        raise DamageError('a message with an impossible time')
    return Entry(log_ns, record.at + MESSAGE_HEAD.size, record.size - MESSAGE_HEAD.size, channel)


class Chunk(NamedTuple):
    """The head of a chunk.

    Attributes:
        start_ns, end_ns: times of its first and last message [ns].
        size: of what is in it, unpacked [bytes].
        checksum: CRC-32 of that, 0 if there is none.
        compression: empty, ``zstd`` or ``lz4``.
        at, packed: of what is in it, in the window [bytes].
    """

    start_ns: int
    end_ns: int
    size: int
    checksum: int
    compression: str
    at: int
    packed: int


def chunk_head(window: Window, record: Record) -> Chunk:
    """Return the head of a chunk.

    Raises:
        DamageError: it is none.
    """
    size = min(record.size, CHUNK_HEAD.size + 4 + _LONGEST_COMPRESSION + 8)
    data = window.read(record.at, size)
    fields = _Fields(data[CHUNK_HEAD.size :])
    compression, packed = fields.text(), fields.number(_UINT64)
    start_ns, end_ns, unpacked, checksum = CHUNK_HEAD.unpack_from(data)
    at = record.at + CHUNK_HEAD.size + 4 + len(compression) + 8
    return Chunk(start_ns, end_ns, unpacked, checksum, compression, at, packed)


def chunk_index(data: bytes) -> tuple[Block, int]:
    """Return a chunk, and the length of the message indexes behind it [bytes].

    Raises:
        DamageError: it is no entry of the index.
    """
    try:
        start_ns, end_ns, at, length, size = _CHUNK_INDEX.unpack_from(data)
        offsets = data[_CHUNK_INDEX.size : _CHUNK_INDEX.size + size]
        channels = frozenset(channel for channel, _ in struct.iter_unpack('<HQ', offsets))
        (indexes,) = _UINT64.unpack_from(data, _CHUNK_INDEX.size + size)
    except struct.error as error:
        raise DamageError('a record that ends in a field') from error
    return Block(start_ns, end_ns, at, length, channels if indexes else None), indexes


class Statistics(NamedTuple):
    """What a file says of itself.

    Attributes:
        messages, chunks, channels, schemas: how many it has.
        start_ns, end_ns: times of its first and last message [ns].
        counts: channel -> messages.
    """

    messages: int
    chunks: int
    channels: int
    schemas: int
    start_ns: int
    end_ns: int
    counts: Counter[int]


def statistics(data: bytes) -> Statistics:
    """Return what a file says of itself.

    Raises:
        DamageError: it is something else.
    """
    try:
        messages, schemas, channels, _, _, chunks, start_ns, end_ns, size = (
            _STATISTICS.unpack_from(data)
        )
        counted = data[_STATISTICS.size : _STATISTICS.size + size]
        counts = Counter(dict(struct.iter_unpack('<HQ', counted)))
    except struct.error as error:
        raise DamageError('a record that ends in a field') from error
    return Statistics(messages, chunks, channels, schemas, start_ns, end_ns, counts)
