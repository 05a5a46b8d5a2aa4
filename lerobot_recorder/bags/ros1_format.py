"""How a ROS 1 bag is read."""

from __future__ import annotations

from collections.abc import Iterator

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bags import ros1_records
from lerobot_recorder.bags.blocks import Block, Entry
from lerobot_recorder.bags.chunked import Indexed, Role
from lerobot_recorder.bags.codecs import unpack, unpack_start
from lerobot_recorder.bags.contents import Contents
from lerobot_recorder.bags.losses import DamageError
from lerobot_recorder.bags.ros1_records import (
    BAG_HEADER,
    CHUNK,
    CHUNK_INFO,
    CONNECTION,
    INDEX,
    MAGIC,
    MESSAGE,
    Record,
    chunk_info,
    connection,
    index_times,
    record_at,
    records,
)
from lerobot_recorder.bags.windows import FileWindow, MemoryWindow, Window, whole_size

_ROLES = {
    MESSAGE: Role.MESSAGE,
    CHUNK: Role.CHUNK,
    INDEX: Role.INDEX,
    CONNECTION: Role.DEFINITION,
    CHUNK_INFO: Role.END,
}


class Ros1Format:
    """A ROS 1 bag; what its methods do is told by ``Format``."""

    first = len(MAGIC)

    def summary(self, file: FileWindow, name: str) -> Contents | None:
        """Return what the index at the file's end knows.

        Raises:
            BagError: it is encrypted.
        """
        try:
            head = record_at(file, self.first)
            if head.fields.get(b'encryptor'):
                raise BagError(f'{name} is encrypted; decrypt it with rosbag decrypt first')
            start = head.number(b'index_pos')
            if head.kind != BAG_HEADER or not head.end <= start <= file.size:
                return None
            contents = self._indexed(file, start)
            expected = head.number(b'conn_count'), head.number(b'chunk_count')
            found = len(contents.channels), len(contents.blocks)
        except DamageError:
            return None
        return contents if found == expected else None

    def _indexed(self, file: FileWindow, start: int) -> Contents:
        contents = Contents()
        for record in records(file, start, file.size):
            if record.kind == CONNECTION:
                self.learn(contents, file, record)
            elif record.kind == CHUNK_INFO:
                block, counts = chunk_info(file, record)
                if record_at(file, block.at).kind != CHUNK:
                    raise DamageError('an index that does not fit its file')
                contents.add(block, counts)
        return contents

    def records(self, window: Window, at: int, end: int) -> Iterator[Record]:
        """Yield whole records."""
        return records(window, at, end)

    def cut_chunk(self, file: FileWindow, at: int) -> Record | None:
        """Return the chunk that the file ends in."""
        record = record_at(file, at)
        is_cut = record.kind == CHUNK and record.end > file.size
        return record._replace(size=file.size - record.at) if is_cut else None

    def role(self, record: Record) -> Role:
        """Return what a record is good for."""
        return _ROLES.get(record.kind, Role.OTHER)

    def learn(self, contents: Contents, window: Window, record: Record) -> None:
        """Take in a connection."""
        number, channel = connection(window, record)
        contents.channels.setdefault(number, channel)

    def entry(self, window: Window, record: Record) -> Entry:
        """Return where a message is."""
        return ros1_records.entry(record)

    def index(self, file: FileWindow, record: Record) -> Indexed:
        """Return what a message index tells."""
        channel, times = index_times(file, record)
        return Indexed(channel, len(times), (min(times), max(times)) if times else ())

    def block(self, file: FileWindow, record: Record) -> Block:
        """Return a chunk; the indexes behind it tell its times."""
        return Block(0, 0, record.start, record.end - record.start)

    def open_block(self, file: FileWindow, block: Block) -> Window:
        """Return what is in a chunk, the whole records if the file ends in it."""
        record = record_at(file, block.at)
        if record.kind != CHUNK:
            return file.part(block.at, block.length)
        name = record.fields.get(b'compression', b'').decode(errors='replace')
        if block.is_cut:
            return _cut(file, record, name)
        if name == 'none':
            return file.part(record.at, record.size)
        data = file.read(record.at, record.size)
        return MemoryWindow(unpack(data, name, record.number(b'size')), record.start)


def _cut(file: FileWindow, record: Record, name: str) -> Window:
    left = file.size - record.at
    if name == 'none':
        return file.part(record.at, whole_size(records(file.part(record.at, left), 0, left)))
    data = unpack_start(file.read(record.at, left), name, record.number(b'size'))
    whole = whole_size(records(MemoryWindow(data), 0, len(data)))
    return MemoryWindow(data[:whole], record.start)
