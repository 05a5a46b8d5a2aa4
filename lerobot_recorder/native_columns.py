"""What a message type becomes in a table that keeps every message: a column per number or list.

The columns follow from the type alone, so that a table can begin with its first message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.fixed_messages import LAYOUTS, read_fixed, read_many
from lerobot_recorder.joint_states import JOINT_STATE, JointStateReader
from lerobot_recorder.messages import RawMessage, decode, is_standard
from lerobot_recorder.numeric_fields import FLOATS, INTEGERS, JOINT_TRAJECTORY

Fields = dict[str, tuple[str, pa.DataType]]
"""Column -> attribute of the message, and its type."""

_DOUBLES, _STRINGS = pa.list_(pa.float64()), pa.list_(pa.string())


FIELDS: dict[str, Fields] = {
    JOINT_STATE: {
        'name': ('name', _STRINGS),
        'position': ('position', _DOUBLES),
        'velocity': ('velocity', _DOUBLES),
        'effort': ('effort', _DOUBLES),
    },
    JOINT_TRAJECTORY: {
        'name': ('joint_names', _STRINGS),
        'position': ('positions', _DOUBLES),
        'velocity': ('velocities', _DOUBLES),
        'effort': ('effort', _DOUBLES),
    },
    'sensor_msgs/msg/Range': {
        name: (name, pa.float64()) for name in ('range', 'min_range', 'max_range')
    },
    'sensor_msgs/msg/Joy': {
        'axes': ('axes', _DOUBLES),
        'buttons': ('buttons', pa.list_(pa.int32())),
    },
    'std_msgs/msg/Bool': {'data': ('data', pa.bool_())},
    'std_msgs/msg/String': {'data': ('data', pa.string())},
    **{f'std_msgs/msg/{name}': {'data': ('data', pa.float64())} for name in FLOATS},
    **{f'std_msgs/msg/{name}MultiArray': {'data': ('data', _DOUBLES)} for name in FLOATS},
}
for _name in INTEGERS:
    _kind = pa.type_for_alias(_name.lower())
    FIELDS[f'std_msgs/msg/{_name}'] = {'data': ('data', _kind)}
    FIELDS[f'std_msgs/msg/{_name}MultiArray'] = {'data': ('data', pa.list_(_kind))}


def is_kept(msgtype: str) -> bool:
    """Return whether messages of a type can be kept at their native rate."""
    return msgtype in LAYOUTS or msgtype in FIELDS


class NativeColumns:
    """Turns messages of one type into columns.

    Args:
        msgtype: the type.
        types: definitions to read it with; the standard ones by default.

    Raises:
        StreamError: the type cannot be kept.
    """

    def __init__(self, msgtype: str, types: Typestore | None = None) -> None:
        if not is_kept(msgtype):
            raise StreamError(f'{msgtype} cannot be kept at its native rate')
        self._msgtype = msgtype
        self._types = types
        is_known = is_standard(msgtype, types)
        self._is_quick = msgtype in LAYOUTS and is_known
        self._joints = JointStateReader() if msgtype == JOINT_STATE and is_known else None
        self._names = LAYOUTS[msgtype].names if msgtype in LAYOUTS else ()
        self._fields = FIELDS.get(msgtype, {})

    @property
    def fields(self) -> list[pa.Field]:
        """The columns."""
        if self._names:
            return [pa.field(name, pa.float64()) for name in self._names]
        return [pa.field(name, kind) for name, (_, kind) in self._fields.items()]

    def read(
        self, messages: Sequence[RawMessage], on_error: Callable[[StreamError], None]
    ) -> tuple[list[int], list[pa.Array]]:
        """Return which of some messages could be read, and their columns.

        Args:
            messages: at least one.
            on_error: called for each message that could not be read.
        """
        if self._is_quick:
            values = read_many(self._msgtype, [raw.data for raw in messages])
            if values is not None:
                columns = np.ascontiguousarray(values.T)
                return list(range(len(messages))), [
                    pa.array(column, from_pandas=True) for column in columns
                ]
        read: list[int] = []
        rows: list[list[Any]] = []
        for number, raw in enumerate(messages):
            try:
                rows.append(self._row(self._decode(raw)))
                read.append(number)
            except StreamError as error:
                on_error(error)
        columns_of_lists = list(zip(*rows, strict=True)) or [()] * len(self.fields)
        return read, [
            pa.array(list(column), type=field.type, from_pandas=True)
            for column, field in zip(columns_of_lists, self.fields, strict=True)
        ]

    def _decode(self, raw: RawMessage) -> Any:
        quick = self._joints.read(raw.data) if self._joints is not None else None
        return quick or decode(raw, self._types)

    def _row(self, message: Any) -> list[Any]:
        if self._names:
            names, values = read_fixed(message, self._msgtype)
            known = dict(zip(names, values.tolist(), strict=True))
            return [known.get(name) for name in self._names]
        row = []
        for attribute, kind in self._fields.values():
            holder = message
            if self._msgtype == JOINT_TRAJECTORY and attribute != 'joint_names':
                holder = message.points[0] if message.points else None
            value = [] if holder is None else getattr(holder, attribute)
            row.append(np.asarray(value).tolist() if pa.types.is_list(kind) else value)
        return row
