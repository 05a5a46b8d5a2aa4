"""An mcap that was not closed: cut behind its last whole chunk, and given the index it lacks.

Ours hold a header, then chunks, each followed by its message indexes; nothing else before the
end. What is inside is not touched. The format: https://mcap.dev/spec
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from rosbags.rosbag2.storage_mcap import decompress

from lerobot_drivers.common.errors import BagError

MAGIC = b'\x89MCAP0\r\n'
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE = 0x02, 0x03, 0x04, 0x05
_CHUNK, _MESSAGE_INDEX, _CHUNK_INDEX, _STATISTICS, _DATA_END = 0x06, 0x07, 0x08, 0x0B, 0x0F
_RECORD = struct.Struct('<BQ')
_CHUNK_HEAD = struct.Struct('<QQQI')
_INDEX_HEAD = struct.Struct('<HI')
_INDEX_ENTRY = 16


@dataclass
class _Chunk:
    """A chunk and the message indexes behind it.

    Attributes:
        start: where it begins in the file.
        length: of its record [bytes].
        first_ns, last_ns: times of its messages [ns].
        compression: name of its compression, empty for none.
        packed, size: bytes of its content in the file, and as it is.
        messages: how many it holds.
        definitions: (kind, id) -> record of the schemas and channels that are in it.
        indexes: channel -> where its message index begins.
        counts: channel -> messages in that.
        index_length: of all message indexes [bytes].
    """

    start: int
    length: int
    first_ns: int
    last_ns: int
    compression: bytes
    packed: int
    size: int
    messages: int = 0
    definitions: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    indexes: dict[int, int] = field(default_factory=dict)
    counts: Counter[int] = field(default_factory=Counter)
    index_length: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all of its messages are in the indexes."""
        return self.messages == self.counts.total()

    @property
    def end(self) -> int:
        """Where the indexes end in the file."""
        return self.start + self.length + self.index_length

    def index(self) -> bytes:
        """Return its entry in the file's index."""
        offsets = b''.join(struct.pack('<HQ', *entry) for entry in self.indexes.items())
        times = struct.pack('<QQQQ', self.first_ns, self.last_ns, self.start, self.length)
        name = struct.pack('<I', len(self.compression)) + self.compression
        sizes = struct.pack('<QQ', self.packed, self.size)
        head = times + struct.pack('<I', len(offsets)) + offsets
        return _record(_CHUNK_INDEX, head + struct.pack('<Q', self.index_length) + name + sizes)


def seal(path: Path) -> None:
    """Close an mcap; one that is closed stays as it is.

    Raises:
        BagError: it does not even begin as one.
        OSError: the disk refuses.
    """
    with path.open('r+b') as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if file.read(len(MAGIC)) != MAGIC:
            raise BagError(f'{path} is no mcap file')
        file.seek(max(size - len(MAGIC), len(MAGIC)))
        if file.read() == MAGIC:
            return
        begin, chunks = _whole_chunks(file, size)
        end = chunks[-1].end if chunks else begin
        file.truncate(end)
        file.seek(end)
        file.write(_ending(end, chunks))


def _whole_chunks(file: BinaryIO, size: int) -> tuple[int, list[_Chunk]]:
    """Return where the header ends, and the chunks of which nothing is missing."""
    begin, chunks = len(MAGIC), list[_Chunk]()
    for kind, at, length in _records(file, len(MAGIC), size):
        if kind == _CHUNK:
            chunks.append(_read_chunk(file, at, length))
        elif kind == _MESSAGE_INDEX and chunks:
            channel, entries = _INDEX_HEAD.unpack(file.read(_INDEX_HEAD.size))
            chunks[-1].indexes[channel] = at
            chunks[-1].counts[channel] = entries // _INDEX_ENTRY
            chunks[-1].index_length += _RECORD.size + length
        elif not chunks:
            begin = at + _RECORD.size + length
        else:
            break
    if chunks and not chunks[-1].is_whole:
        chunks.pop()
    return begin, chunks


def _records(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield kind, place and length of each whole record; the file stands at its content."""
    while at + _RECORD.size <= end:
        file.seek(at)
        kind, length = _RECORD.unpack(file.read(_RECORD.size))
        if at + _RECORD.size + length > end:
            return
        yield kind, at, length
        at += _RECORD.size + length


def _read_chunk(file: BinaryIO, at: int, length: int) -> _Chunk:
    first_ns, last_ns, size, checksum = _CHUNK_HEAD.unpack(file.read(_CHUNK_HEAD.size))
    compression = file.read(*struct.unpack('<I', file.read(4)))
    (packed,) = struct.unpack('<Q', file.read(8))
    chunk = _Chunk(at, _RECORD.size + length, first_ns, last_ns, compression, packed, size)
    inner: BinaryIO = file
    start = file.tell()
    if compression:
        inner = BytesIO(decompress(file.read(packed), compression.decode(), size, checksum))
        start = 0
    for kind, _, inside in _records(inner, start, start + size):
        chunk.messages += kind == _MESSAGE
        if kind in (_SCHEMA, _CHANNEL):
            content = inner.read(inside)
            chunk.definitions[kind, content[:2]] = _record(kind, content)
    return chunk


def _ending(end: int, chunks: list[_Chunk]) -> bytes:
    """Return what comes behind the chunks: definitions, index, statistics; no checksums."""
    data_end = _record(_DATA_END, bytes(4))
    definitions: dict[tuple[int, bytes], bytes] = {}
    for chunk in chunks:
        definitions |= chunk.definitions
    known = [definitions[key] for key in sorted(definitions)]
    indexes = [chunk.index() for chunk in chunks]
    summary = b''.join([*known, *indexes, _statistics(chunks, list(definitions))])
    footer = _record(_FOOTER, struct.pack('<QQI', end + len(data_end) if chunks else 0, 0, 0))
    return data_end + (summary if chunks else b'') + footer + MAGIC


def _statistics(chunks: list[_Chunk], definitions: list[tuple[int, bytes]]) -> bytes:
    counts: Counter[int] = Counter()
    for chunk in chunks:
        counts += chunk.counts
    kinds = Counter(kind for kind, _ in definitions)
    per_channel = b''.join(struct.pack('<HQ', *entry) for entry in sorted(counts.items()))
    numbers = struct.pack(
        '<QHIIIIQQ', counts.total(), kinds[_SCHEMA], kinds[_CHANNEL], 0, 0, len(chunks),
        min((chunk.first_ns for chunk in chunks), default=0),
        max((chunk.last_ns for chunk in chunks), default=0),
    )  # fmt: skip
    return _record(_STATISTICS, numbers + struct.pack('<I', len(per_channel)) + per_channel)


def _record(kind: int, content: bytes) -> bytes:
    return _RECORD.pack(kind, len(content)) + content
