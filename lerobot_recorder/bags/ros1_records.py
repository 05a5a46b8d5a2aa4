"""Records of a ROS 1 bag.

The format: http://wiki.ros.org/Bags/Format/2.0
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.bags.blocks import Block, Entry
from lerobot_recorder.bags.losses import DamageError
from lerobot_recorder.bags.storage import ROS1, Channel, Definition
from lerobot_recorder.bags.windows import Window

MAGIC = b'#ROSBAG V2.0\n'
MESSAGE, BAG_HEADER, INDEX, CHUNK, CHUNK_INFO, CONNECTION = range(2, 8)
_SIZE = struct.Struct('<I')
_UINT64 = struct.Struct('<Q')
_TIME = struct.Struct('<II')
_LARGEST_HEAD = 1 << 20
_LARGEST_DEFINITION = 1 << 24


class Record(NamedTuple):
    """A record.

    Attributes:
        fields: name -> value of its header.
        start: where it begins in the window it is in.
        at, size: of its data.
    """

    fields: dict[bytes, bytes]
    start: int
    at: int
    size: int

    @property
    def kind(self) -> int:
        """Its opcode, 0 if it has none."""
        found = self.fields.get(b'op', b'')
        return found[0] if len(found) == 1 else 0

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.at + self.size

    def number(self, name: bytes) -> int:
        """Return a field of four or eight bytes.

        Raises:
            DamageError: there is none of that name.
        """
        value = self.fields.get(name, b'')
        for kind in (_SIZE, _UINT64):
            if len(value) == kind.size:
                return int(kind.unpack(value)[0])
        raise DamageError(f'a record without a {name.decode()}')

    def time_ns(self, name: bytes) -> int:
        """Return a field that is a time [ns].

        Raises:
            DamageError: there is none of that name.
        """
        return _time_ns(self.fields.get(name, b''))


def _time_ns(data: bytes) -> int:
    if len(data) != _TIME.size:
        raise DamageError('a record without a time')
    seconds, nanoseconds = _TIME.unpack(data)
    return int(seconds) * NS_PER_S + int(nanoseconds)


def records(window: Window, at: int, end: int) -> Iterator[Record]:
    """Yield the whole records between two places.

    Raises:
        DamageError: there is something else.
    """
    while at < end:
        record = record_at(window, at)
        if record.end > end:
            raise DamageError('a record that is cut off')
        yield record
        at = record.end


def record_at(window: Window, at: int) -> Record:
    """Return a record, the data of which may be cut off.

    Raises:
        DamageError: there is none.
    """
    (size,) = _SIZE.unpack(window.read(at, _SIZE.size))
    if size > _LARGEST_HEAD:
        raise DamageError(f'a record with a header of {size} bytes')
    fields = head_fields(window.read(at + _SIZE.size, size))
    (length,) = _SIZE.unpack(window.read(at + _SIZE.size + size, _SIZE.size))
    return Record(fields, at, at + 2 * _SIZE.size + size, length)


def head_fields(data: bytes) -> dict[bytes, bytes]:
    """Return name -> value of a header.

    Raises:
        DamageError: it is none.
    """
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        if at + _SIZE.size > len(data):
            raise DamageError('a header that is cut off')
        (size,) = _SIZE.unpack_from(data, at)
        name, equals, value = data[at + _SIZE.size : at + _SIZE.size + size].partition(b'=')
        at += _SIZE.size + size
        if not equals or at > len(data):
            raise DamageError('a header with a field that is none')
        found[name] = value
    return found


def entry(record: Record) -> Entry:
    """Return where a message is.

    Raises:
        DamageError: it is none.
    """
    return Entry(record.time_ns(b'time'), record.at, record.size, record.number(b'conn'))


def connection(window: Window, record: Record) -> tuple[int, Channel]:
    """Return a channel and its id.

    Raises:
        DamageError: it is none.
    """
    if record.size > _LARGEST_DEFINITION:
        raise DamageError(f'a definition of {record.size} bytes')
    told = head_fields(window.read(record.at, record.size))
    topic, msgtype, text = (
        data.decode(errors='replace')
        for data in (
            record.fields.get(b'topic') or told.get(b'topic', b''),
            told.get(b'type', b''),
            told.get(b'message_definition', b''),
        )
    )
    slash = '/' if topic.startswith('/') else ''
    clean = slash + '/'.join(word for word in topic.split('/') if word)
    return record.number(b'conn'), Channel(clean, msgtype, ROS1, Definition('ros1msg', text))


def chunk_info(window: Window, record: Record) -> tuple[Block, Counter[int]]:
    """Return a chunk that the index knows, and channel -> messages in it.

    Raises:
        DamageError: it is none.
    """
    counts = {number: count for number, count in _pairs(window, record, '<II')}
    block = Block(
        record.time_ns(b'start_time'), record.time_ns(b'end_time'), record.number(b'chunk_pos'), 0
    )
    return block, Counter(counts)


def index_times(window: Window, record: Record) -> tuple[int, list[int]]:
    """Return the channel of an index, and the times of its messages [ns].

    Raises:
        DamageError: it is none.
    """
    times = [s * NS_PER_S + ns for s, ns, _ in _pairs(window, record, '<III')]
    return record.number(b'conn'), times


def _pairs(window: Window, record: Record, layout: str) -> Iterator[tuple[int, ...]]:
    data = window.read(record.at, record.size)
    if len(data) % struct.calcsize(layout):
        raise DamageError('an index that ends in an entry')
    return struct.iter_unpack(layout, data)
