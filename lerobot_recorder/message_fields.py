"""The fields of a message type as columns of a table, and back: nothing of a message is lost.

A number, text or array on the way down through nested messages is a column of its own, named by
its dotted path; an array of messages is a list of structs. All follows from the definition
alone, so that every type with a definition can be kept, a custom one too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from rosbags.interfaces import Nodetype
from rosbags.typesys.store import Typestore

from lerobot_recorder.messages import HEADER

Turn = Callable[[Any], Any]
Path = tuple[str, ...]

FRAME_ID = ('header', 'frame_id')
_BYTES = ('byte', 'char', 'octet', 'uint8')
_TEXTS = ('string', 'wstring')


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        path: attributes that lead to it from the message.
        kind: its type in a table.
        to_table: turns the attribute's value into what the column takes.
        to_message: turns what the column gives into the attribute's value.
    """

    path: Path
    kind: pa.DataType
    to_table: Turn
    to_message: Turn

    @property
    def name(self) -> str:
        """Its path, dotted."""
        return '.'.join(self.path)

    def value(self, message: Any) -> Any:
        """Return what a message has in it."""
        for attribute in self.path:
            message = getattr(message, attribute)
        return self.to_table(message)


def begins_with_header(msgtype: str, types: Typestore) -> bool:
    """Return whether the first field of a type is its header."""
    fields = _fields(msgtype, types) if msgtype in types.fielddefs else []
    return bool(fields) and fields[0][1][1] == HEADER


def columns_of(msgtype: str, types: Typestore) -> list[Column]:
    """Return the columns of a type in the order of its definition.

    Of a header at its beginning only the frame_id is one: its stamp is a column of every table.

    Args:
        msgtype: the type.
        types: definitions that know it.
    """
    columns = list(_columns(msgtype, types, ()))
    return columns[2:] if begins_with_header(msgtype, types) else columns


def message_of(msgtype: str, types: Typestore, values: dict[Path, Any]) -> Any:
    """Return the message that has some values.

    Args:
        msgtype: its type.
        types: definitions that know it.
        values: path -> value, for each column and what was left out.
    """
    return _message(msgtype, types, values, ())


def _fields(msgtype: str, types: Typestore) -> list[tuple[str, Any]]:
    return list(types.fielddefs[msgtype][1])


def _message(msgtype: str, types: Typestore, values: dict[Path, Any], at: Path) -> Any:
    parts = []
    for name, (kind, described) in _fields(msgtype, types):
        path = (*at, name)
        nested = kind is Nodetype.NAME
        parts.append(_message(described, types, values, path) if nested else values[path])
    return types.types[msgtype](*parts)


def _columns(msgtype: str, types: Typestore, at: Path) -> Iterator[Column]:
    for name, described in _fields(msgtype, types):
        path = (*at, name)
        if described[0] is Nodetype.NAME:
            yield from _columns(described[1], types, path)
        else:
            yield Column(path, *_turns(described, types))


def _turns(described: Any, types: Typestore) -> tuple[pa.DataType, Turn, Turn]:
    """Return a field's type in a table, and the ways there and back."""
    kind, inner = described
    if kind is Nodetype.BASE:
        return _base(inner[0]), _same, _same
    if kind is Nodetype.NAME:
        return _struct(inner, types)
    element, length = inner
    size = length if kind is Nodetype.ARRAY else -1
    if element[0] is Nodetype.NAME:
        return _many(_struct(element[1], types))
    return _numbers(element[1][0], size)


def _numbers(base: str, size: int) -> tuple[pa.DataType, Turn, Turn]:
    if base in _BYTES:
        return pa.binary(), _to_bytes, lambda data: np.frombuffer(data, np.uint8)
    if base in _TEXTS:
        return pa.list_(pa.string(), size), list, list
    numpy_type = np.dtype(base)
    return pa.list_(_base(base), size), np.asarray, lambda some: np.array(some, dtype=numpy_type)


def _struct(msgtype: str, types: Typestore) -> tuple[pa.DataType, Turn, Turn]:
    fields = [(name, *_turns(found, types)) for name, found in _fields(msgtype, types)]
    make = types.types[msgtype]

    def to_table(message: Any) -> dict[str, Any]:
        return {name: there(getattr(message, name)) for name, _, there, _ in fields}

    def to_message(row: dict[str, Any]) -> Any:
        return make(*(back(row[name]) for name, _, _, back in fields))

    return pa.struct([(name, kind) for name, kind, _, _ in fields]), to_table, to_message


def _many(one: tuple[pa.DataType, Turn, Turn]) -> tuple[pa.DataType, Turn, Turn]:
    kind, there, back = one
    return (
        pa.list_(kind),
        lambda messages: [there(message) for message in messages],
        lambda rows: [back(row) for row in rows],
    )


def _base(name: str) -> pa.DataType:
    if name in _TEXTS:
        return pa.string()
    if name == 'bool':
        return pa.bool_()
    return pa.from_numpy_dtype(np.dtype(np.uint8 if name in _BYTES else name))


def _same(value: Any) -> Any:
    return value


def _to_bytes(data: Any) -> bytes:
    return np.asarray(data, dtype=np.uint8).tobytes()
