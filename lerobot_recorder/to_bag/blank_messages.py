"""Messages with nothing in them, of any standard type, and their bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.messages import standard_types

_TEXTS = ('string', 'wstring')
_BYTES = ('char', 'octet', 'byte')


def blank(msgtype: str) -> Any:
    """Return a message whose numbers are zero and whose lists are empty."""
    return _Maker(standard_types()).message(msgtype)


def set_header(message: Any, stamp_ns: int, frame_id: str) -> None:
    """Stamp a message, if it has a header.

    Args:
        message: the message.
        stamp_ns: when what it tells was true [ns].
        frame_id: of the frame in which it is told.
    """
    header = getattr(message, 'header', None)
    if header is not None:
        header.stamp.sec, header.stamp.nanosec = divmod(stamp_ns, NS_PER_S)
        header.frame_id = frame_id


def serialized(message: Any) -> bytes:
    """Return the CDR bytes of a message."""
    return bytes(standard_types().serialize_cdr(message, message.__msgtype__))


class _Maker:
    """Makes messages by the definitions of their fields."""

    def __init__(self, types: Typestore) -> None:
        self._types = types

    def message(self, msgtype: str) -> Any:
        """Return a message of a type."""
        _, fields = self._types.fielddefs[msgtype]
        return self._types.types[msgtype](*(self._value(described) for _, described in fields))

    def _value(self, described: Any) -> Any:
        kind, inner = described
        if kind == Nodetype.NAME:
            return self.message(inner)
        if kind == Nodetype.BASE:
            return _zero(inner[0])
        element, length = inner
        count = length if kind == Nodetype.ARRAY else 0
        if element[0] == Nodetype.BASE and element[1][0] not in _TEXTS:
            return np.zeros(count, dtype=_dtype(element[1][0]))
        return [self._value(element) for _ in range(count)]


def _zero(name: str) -> Any:
    if name in _TEXTS:
        return ''
    return False if name == 'bool' else _dtype(name).type(0)


def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype(np.uint8 if name in _BYTES else name)
