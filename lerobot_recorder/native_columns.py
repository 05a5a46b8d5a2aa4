"""A topic's messages as the columns of a table that keeps every one of them, and nothing less.

The columns follow from the type alone, so that a table can begin with its first message. They
hold all of a message: ``lerobot_recorder.native_table`` gives back its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.dataset.side_tables import STAMP
from lerobot_recorder.fixed_messages import LAYOUTS, read_many
from lerobot_recorder.joint_states import JOINT_STATE, JointStateReader
from lerobot_recorder.message_fields import FRAME_ID, columns_of
from lerobot_recorder.messages import RawMessage, decode, is_standard, knows, standard_types

TIMES = (STAMP, 'header_ns', 'source_ns', 'received_ns')
"""Columns of every table: the stamp used, and the clocks it was chosen from [ns]."""


def is_kept(msgtype: str, types: Typestore | None = None) -> bool:
    """Return whether messages of a type can be kept at their native rate: it has a definition."""
    try:
        return knows(msgtype, types) and bool(columns_of(msgtype, types or standard_types()))
    except (TypeError, KeyError, pa.ArrowException):
        return False


class NativeColumns:
    """Turns messages of one type into columns.

    Args:
        msgtype: the type.
        types: definitions to read it with; the standard ones by default.

    Raises:
        StreamError: the type cannot be kept.
    """

    def __init__(self, msgtype: str, types: Typestore | None = None) -> None:
        if not is_kept(msgtype, types):
            raise StreamError(f'{msgtype} cannot be kept at its native rate')
        self._msgtype = msgtype
        self._types = types
        self._columns = columns_of(msgtype, types or standard_types())
        is_known = is_standard(msgtype, types)
        self._is_quick = msgtype in LAYOUTS and is_known
        self._joints = JointStateReader() if msgtype == JOINT_STATE and is_known else None

    @property
    def fields(self) -> list[pa.Field]:
        """The columns: called as the elements of a feature, else by their paths."""
        called = LAYOUTS[self._msgtype].called if self._is_quick else {}
        names = [called.get(column.name, column.name) for column in self._columns]
        apart = [f'message.{name}' if name in TIMES else name for name in names]
        return [pa.field(n, c.kind) for n, c in zip(apart, self._columns, strict=True)]

    @property
    def definition(self) -> str:
        """The type's definition with those of the types in it, as bags carry it."""
        types = self._types or standard_types()
        return types.generate_msgdef(self._msgtype, ros_version=2)[0]

    def read(
        self, messages: Sequence[RawMessage], on_error: Callable[[StreamError], None]
    ) -> tuple[list[int], list[pa.Array]]:
        """Return which of some messages could be read, and their columns.

        Args:
            messages: at least one.
            on_error: called for each message that could not be read.
        """
        if self._is_quick:
            found = read_many(self._msgtype, [raw.data for raw in messages])
            if found is not None:
                return list(range(len(messages))), self._quick(*found)
        read: list[int] = []
        rows: list[list[Any]] = []
        for number, raw in enumerate(messages):
            try:
                message = self._decode(raw)
                rows.append([column.value(message) for column in self._columns])
                read.append(number)
            except StreamError as error:
                on_error(error)
        columns_of_lists = list(zip(*rows, strict=True)) or [()] * len(self._columns)
        return read, [
            pa.array(list(values), type=column.kind)
            for values, column in zip(columns_of_lists, self._columns, strict=True)
        ]

    def _decode(self, raw: RawMessage) -> Any:
        quick = self._joints.read(raw.data) if self._joints is not None else None
        return quick or decode(raw, self._types)

    def _quick(self, floats: NDArray[np.float64], texts: Sequence[str]) -> list[pa.Array]:
        """Return the columns of messages of floats with the same texts before them."""
        arrays: list[pa.Array] = []
        waiting, at = iter(texts), 0
        for column in self._columns:
            if column.path == FRAME_ID or pa.types.is_string(column.kind):
                arrays.append(pa.repeat(next(waiting), len(floats)))
                continue
            is_list = pa.types.is_fixed_size_list(column.kind)
            size = column.kind.list_size if is_list else 1
            values = pa.array(np.ascontiguousarray(floats[:, at : at + size]).ravel())
            at += size
            listed = pa.FixedSizeListArray.from_arrays(values, size) if is_list else values
            arrays.append(listed)
        return arrays
