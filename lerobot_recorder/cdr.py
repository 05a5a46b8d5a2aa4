"""A walk through the bytes of an Image instead of a full decoding, which costs seven times more.

(Of CompressedImage the full decoder is as fast; for JointState see ``joint_states.py``.) Offsets
are those of plain CDR (DDSI-RTPS 10, OMG's Common Data Representation): four bytes of
encapsulation, then the fields in order, numbers aligned to their size counted from there. Only a
little endian message of exactly the length its fields add up to is walked through; every other is
left to the full decoder, which also says what is wrong with it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LITTLE_ENDIAN = b'\x00\x01'
BODY = 4
"""CDR aligns to the first byte after its four bytes of encapsulation."""
_FRAME_AT = 12
STAMP = struct.Struct('<iI')
UINT32 = struct.Struct('<I')
_SIZE = struct.Struct('<II')
PADDING = 3
"""A writer may fill up a message's end to four bytes."""


@dataclass(frozen=True)
class Stamp:
    """``builtin_interfaces/Time``."""

    sec: int
    nanosec: int


@dataclass(frozen=True)
class Header:
    """``std_msgs/Header``."""

    stamp: Stamp
    frame_id: str


@dataclass(frozen=True)
class ImageMessage:
    """``sensor_msgs/Image``; the data are a view of the message's bytes."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: NDArray[np.uint8]


def read_image(data: bytes) -> ImageMessage | None:
    """Return an Image's fields, None if it has to be decoded in full."""
    if data[:2] != LITTLE_ENDIAN:
        return None
    try:
        stamp = Stamp(*STAMP.unpack_from(data, BODY))
        frame_id, at = text(data, _FRAME_AT)
        at = aligned(at)
        height, width = _SIZE.unpack_from(data, at)
        encoding, at = text(data, at + _SIZE.size)
        is_bigendian, at = data[at], aligned(at + 1)
        step, size = _SIZE.unpack_from(data, at)
        start = at + _SIZE.size
        pixels = np.frombuffer(data, np.uint8, size, start)
    except (struct.error, ValueError, IndexError):
        return None
    if len(data) > start + size + PADDING:
        return None
    header = Header(stamp, frame_id)
    return ImageMessage(header, height, width, encoding, is_bigendian, step, pixels)


def frame_id(data: bytes) -> str:
    """Return the frame in the header that a message begins with, empty if it cannot be seen."""
    try:
        return text(data, _FRAME_AT)[0] if data[:2] == LITTLE_ENDIAN else ''
    except (struct.error, ValueError):
        return ''


def aligned(at: int) -> int:
    """Return the next place that is aligned for a number of four bytes."""
    return (at + 3) & ~3


def text(data: bytes, at: int) -> tuple[str, int]:
    """Return the string at an aligned place, and the place after it.

    Raises:
        ValueError: there is none, or it does not end.
        struct.error: the bytes end before it.
    """
    (size,) = UINT32.unpack_from(data, at)
    start, end = at + UINT32.size, at + UINT32.size + size
    if not size or end > len(data) or data[end - 1]:
        raise ValueError
    return data[start : end - 1].decode(), end
