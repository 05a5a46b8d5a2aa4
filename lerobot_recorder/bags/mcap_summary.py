"""What an mcap file that was closed says at its end of what is in it."""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Iterator

from lerobot_recorder.bags.contents import Contents
from lerobot_recorder.bags.losses import DamageError
from lerobot_recorder.bags.mcap_records import (
    CHUNK_INDEX,
    FOOTER,
    KINDS,
    MAGIC,
    MESSAGE,
    RECORD,
    STATISTICS,
    Statistics,
    chunk_index,
    learn,
    records,
    statistics,
)
from lerobot_recorder.bags.windows import FileWindow

_FOOTER = struct.Struct('<QQI')
_ENDING = RECORD.size + _FOOTER.size + len(MAGIC)
_PIECE = 1 << 20
_LARGEST_RECORD = 1 << 24


def read_summary(file: FileWindow) -> Contents | None:
    """Return what a file says is in it, None if it does not say, or not all of it.

    Raises:
        OSError: the disk refuses.
    """
    try:
        start = _summary_start(file)
        return None if start is None else _read(file, start)
    except DamageError:
        return None


def is_closed(file: FileWindow) -> bool:
    """Whether a file ends as one that was closed."""
    at = file.size - len(MAGIC)
    return at >= len(MAGIC) and file.read(at, len(MAGIC)) == MAGIC


def _summary_start(file: FileWindow) -> int | None:
    """Return where the summary begins, None if there is none, or its checksum is wrong."""
    at = file.size - _ENDING
    if not is_closed(file) or at < len(MAGIC):
        return None
    kind, size = RECORD.unpack(file.read(at, RECORD.size))
    start, _, checksum = _FOOTER.unpack(file.read(at + RECORD.size, _FOOTER.size))
    if (kind, size) != (FOOTER, _FOOTER.size) or not len(MAGIC) < start < at:
        return None
    if checksum and checksum != _checksum(file, start, at + RECORD.size + _FOOTER.size - 4):
        return None
    return int(start)


def _checksum(file: FileWindow, at: int, end: int) -> int:
    found = 0
    for piece in range(at, end, _PIECE):
        found = crc32(file.read(piece, min(_PIECE, end - piece)), found)
    return found


def _read(file: FileWindow, start: int) -> Contents | None:
    contents, told = Contents(), list[Statistics]()
    stretches: list[tuple[int, int]] = []
    for record in records(file, start, file.size - _ENDING):
        if record.kind not in KINDS or record.size > _LARGEST_RECORD:
            return None
        learn(contents, file, record)
        if record.kind == CHUNK_INDEX:
            block, indexes = chunk_index(file.read(record.at, record.size))
            contents.blocks.append(block)
            stretches.append((block.at, block.at + block.length + indexes))
        elif record.kind == STATISTICS:
            told.append(statistics(file.read(record.at, record.size)))
    if not told or not _is_complete(contents, told[-1]):
        return None
    if any(_has_messages(file, *gap) for gap in _gaps(stretches, start)):
        return None
    contents.counts = told[-1].counts
    if told[-1].messages:
        contents.span_ns = told[-1].start_ns, told[-1].end_ns
    return contents


def _is_complete(contents: Contents, told: Statistics) -> bool:
    """Whether the summary has all of what the statistics say is in the file."""
    return (
        told.chunks == len(contents.blocks)
        and told.channels == len(contents.channels)
        and told.schemas == len(contents.schemas)
        and set(told.counts) <= set(contents.channels)
        and told.counts.total() == told.messages
        and told.start_ns <= told.end_ns
    )


def _gaps(stretches: list[tuple[int, int]], end: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of the file that no chunk covers."""
    at = len(MAGIC)
    for start, behind in [*sorted(stretches), (end, end)]:
        if start < at:
            raise DamageError('chunks that overlap')
        if start > at:
            yield at, start
        at = behind


def _has_messages(file: FileWindow, at: int, end: int) -> bool:
    return any(record.kind == MESSAGE for record in records(file, at, end))
