"""A native table as messages again: those that were kept, byte for byte as they were serialised.

The file tells its topic, type and definition itself (``ros.topic``, ``ros.type`` and
``ros.definition`` among the metadata of its schema), so that it can be read without the bag, the
graph or the package that its type is of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.message_fields import begins_with_header, columns_of, message_of
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.native_columns import TIMES

TOPIC, TYPE, DEFINITION = b'ros.topic', b'ros.type', b'ros.definition'
_ROWS = 1024
_STAMP = ('header', 'stamp')


@dataclass(frozen=True)
class NativeMessage:
    """One row of a native table.

    Attributes:
        stamp_ns: the stamp under which it was kept, the table's order [ns].
        raw: the message and its clocks.
    """

    stamp_ns: int
    raw: RawMessage


class NativeTable:
    """A file ``meta/ros/episodes/<uuid>.<name>.parquet`` of one topic's messages.

    Args:
        path: the file.

    Attributes:
        topic: the topic.
        msgtype: its type.
        definition: that type's definition with those of the types in it.
        types: definitions to read it with.

    Raises:
        DatasetError: it cannot be read, or does not tell what its messages are.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = pq.ParquetFile(path)
        except (OSError, pa.ArrowException) as error:
            raise DatasetError(f'{path} is no Parquet file: {error}') from error
        told = self._file.schema_arrow.metadata or {}
        if not {TOPIC, TYPE, DEFINITION} <= set(told):
            raise DatasetError(
                f'{path} does not tell the topic and type of its messages: it is no native table, '
                'or one of a release before they were told; convert or record it anew'
            )
        self.topic, self.msgtype = told[TOPIC].decode(), told[TYPE].decode()
        self.definition = told[DEFINITION].decode()
        self.types = get_typestore(Stores.EMPTY)
        self.types.register(get_types_from_msg(self.definition, self.msgtype))
        self._has_header = begins_with_header(self.msgtype, self.types)
        self._columns = columns_of(self.msgtype, self.types)
        self._names = self._file.schema_arrow.names[len(TIMES) :]

    def __len__(self) -> int:
        """Return the number of its messages."""
        return int(self._file.metadata.num_rows)

    def messages(self) -> Iterator[NativeMessage]:
        """Yield the messages in the order of their stamps; one portion of them is in memory."""
        for group in range(self._file.num_row_groups):
            for batch in self._file.iter_batches(_ROWS, row_groups=[group]):
                for row in batch.to_pylist():
                    yield self._message(row)

    def _message(self, row: dict[str, Any]) -> NativeMessage:
        named = zip(self._columns, self._names, strict=True)
        values = {column.path: column.to_message(row[name]) for column, name in named}
        if self._has_header:
            sec, nanosec = divmod(row['header_ns'], NS_PER_S)
            values |= {(*_STAMP, 'sec'): sec, (*_STAMP, 'nanosec'): nanosec}
        message = message_of(self.msgtype, self.types, values)
        data = bytes(self.types.serialize_cdr(message, self.msgtype))
        source_ns, received_ns = row['source_ns'] or 0, row['received_ns']
        raw = RawMessage(self.topic, self.msgtype, data, source_ns, received_ns)
        return NativeMessage(row['stamp_ns'], raw)
