"""A walk through the bytes of a JointState instead of a full decoding, which costs ten times more.

What a topic says before its numbers (frame and names) is the same message after message. It is
decoded once, and known again by its bytes. Offsets are those of plain CDR; see ``cdr.py``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.cdr import (
    BODY,
    LITTLE_ENDIAN,
    PADDING,
    STAMP,
    UINT32,
    Header,
    Stamp,
    aligned,
    text,
)

JOINT_STATE = 'sensor_msgs/msg/JointState'
_TEXTS_AT = BODY + STAMP.size
_DOUBLE = 8
_NONE = np.empty(0)


@dataclass(frozen=True)
class JointState:
    """``sensor_msgs/JointState``; the numbers are views of the message's bytes, shape (n,)."""

    header: Header
    name: list[str]
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    effort: NDArray[np.float64]


@dataclass(frozen=True)
class _Texts:
    """What stands between the stamp and the numbers: its bytes, and what they say."""

    data: bytes
    frame_id: str
    names: list[str]


class JointStateReader:
    """Reads the messages of one topic."""

    def __init__(self) -> None:
        self._texts: _Texts | None = None

    def read(self, data: bytes) -> JointState | None:
        """Return a message, None if it has to be decoded in full."""
        try:
            return self._read(data)
        except (struct.error, ValueError, IndexError):
            return None

    def _read(self, data: bytes) -> JointState | None:
        if data[:2] != LITTLE_ENDIAN:
            return None
        texts = self._texts
        if texts is None or not data.startswith(texts.data, _TEXTS_AT):
            texts = self._texts = _read_texts(data)
        stamp = Stamp(*STAMP.unpack_from(data, BODY))
        at = _TEXTS_AT + len(texts.data)
        position, at = _doubles(data, at)
        velocity, at = _doubles(data, at)
        effort, at = _doubles(data, at)
        if not 0 <= len(data) - at <= PADDING:
            return None
        return JointState(Header(stamp, texts.frame_id), texts.names, position, velocity, effort)


def _read_texts(data: bytes) -> _Texts:
    frame_id, at = text(data, _TEXTS_AT)
    at = aligned(at)
    (count,) = UINT32.unpack_from(data, at)
    at += UINT32.size
    names = []
    for _ in range(count):
        name, at = text(data, aligned(at))
        names.append(name)
    return _Texts(data[_TEXTS_AT : aligned(at)], frame_id, names)


def _doubles(data: bytes, at: int) -> tuple[NDArray[np.float64], int]:
    """Return the sequence of numbers at an aligned place, and the place after it."""
    (count,) = UINT32.unpack_from(data, at)
    at += UINT32.size
    if not count:
        return _NONE, at
    at += (BODY - at) % _DOUBLE
    return np.frombuffer(data, '<f8', count, at), at + count * _DOUBLE
