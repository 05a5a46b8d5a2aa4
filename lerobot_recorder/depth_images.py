"""Depth images: plain ones, and those of ``compressed_depth_image_transport``.

A compressed one is a header of 12 bytes (an int32 and two float32: parameters of a quantisation)
and then a PNG of 16 bits, or two int32 (columns, rows) and an RVL stream. Metres (32FC1) are
quantised before: ``depth = a / (code - b)``, code 0 is no depth.

Sixteen bits may be distances or grey: 16UC1 are taken for distances, mono16 for grey unless the
topic or the feature is called depth, or the mapping says so.

Sources: ``compression_common.hpp`` and ``rvl_codec.cpp`` of image_transport_plugins; REP 118
(16UC1 are millimetres, 0 is no depth; 32FC1 are metres, NaN and Inf as REP 117 says).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.dataset.depth_codes import METRES, MILLIMETRES
from lerobot_recorder.image_headers import PNG_SIGNATURE, picture_size

DEPTH_ENCODINGS: dict[str, np.dtype[Any]] = {
    '16UC1': np.dtype('<u2'),
    'mono16': np.dtype('<u2'),
    '32FC1': np.dtype('<f4'),
}
_HEADER = struct.Struct('<iff')
_RVL_SIZE = struct.Struct('<ii')
_MAX_PIXELS = 1 << 26
_UNITS = {'16UC1': MILLIMETRES, 'mono16': MILLIMETRES, '32FC1': METRES}


@dataclass(frozen=True)
class DepthImage:
    """A ``sensor_msgs/Image`` of depth.

    Attributes:
        height: rows [px].
        width: columns [px].
        encoding: one of ``DEPTH_ENCODINGS``.
        step: bytes from one row to the next.
        data: the pixels, shape (step * height,).
        big_endian: order of the bytes of a value.
    """

    height: int
    width: int
    encoding: str
    step: int
    data: NDArray[np.uint8]
    big_endian: bool = False

    @property
    def unit(self) -> str:
        """Unit of the distances."""
        return _UNITS[self.encoding]

    def depth(self) -> NDArray[Any]:
        """Return the distances, shape (height, width): uint16 [mm] or float32 [m]."""
        kind = DEPTH_ENCODINGS[self.encoding]
        rows = self.data[: self.step * self.height].reshape(self.height, self.step)
        values = np.ascontiguousarray(rows[:, : self.width * kind.itemsize])
        found = values.view(kind.newbyteorder('>') if self.big_endian else kind)
        return np.asarray(found, dtype=kind.newbyteorder('='))


@dataclass(frozen=True)
class CompressedDepth:
    """A ``sensor_msgs/CompressedImage`` of depth.

    Attributes:
        height: rows [px].
        width: columns [px].
        unit: unit of the distances.
        data: the message's bytes.
        topic: where it came from, for the error.
    """

    height: int
    width: int
    unit: str
    data: bytes
    topic: str

    def depth(self) -> NDArray[Any]:
        """Return the distances, shape (height, width): uint16 [mm] or float32 [m].

        Raises:
            StreamError: the bytes are not what their header says.
        """
        codes = self._codes()
        if self.unit == MILLIMETRES:
            return codes
        _, a, b = _HEADER.unpack_from(self.data)
        with np.errstate(divide='ignore'):
            metres = np.float32(a) / (codes.astype(np.float32) - np.float32(b))
        metres[codes == 0] = np.nan
        return np.asarray(metres, dtype=np.float32)

    def _codes(self) -> NDArray[np.uint16]:
        body = self.data[_HEADER.size :]
        found: Any
        if body.startswith(PNG_SIGNATURE):
            found = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
        else:
            found = unpack_rvl(body[_RVL_SIZE.size :], self.height * self.width)
            found = None if found is None else found.reshape(self.height, self.width)
        if found is None or found.dtype != np.uint16 or found.shape != (self.height, self.width):
            raise StreamError(f'{self.topic}: a compressed depth image cannot be decoded')
        return np.asarray(found)


@dataclass(frozen=True)
class EncodedDepth:
    """A picture file of depth: a PNG of 16 bits, a TIFF of 16 bits or of floats.

    Attributes:
        height: rows [px].
        width: columns [px].
        unit: unit of the distances.
        data: the file.
        topic: where it came from, for the error.
    """

    height: int
    width: int
    unit: str
    data: NDArray[np.uint8]
    topic: str

    def depth(self) -> NDArray[Any]:
        """Return the distances, shape (height, width): uint16 [mm] or float32 [m].

        Raises:
            StreamError: the file cannot be decoded.
        """
        found = cv2.imdecode(self.data, cv2.IMREAD_UNCHANGED)
        kind = np.uint16 if self.unit == MILLIMETRES else np.float32
        if found is None or found.dtype != kind or found.shape != (self.height, self.width):
            raise StreamError(f'{self.topic}: a picture of depth cannot be decoded')
        return np.asarray(found)


def says_depth(name: str) -> bool:
    """Return whether the name of a topic or feature says that it holds depth."""
    return 'depth' in name.lower()


def compressed_depth(text: str, data: bytes, topic: str) -> CompressedDepth:
    """Return a compressed depth image.

    Args:
        text: the message's format, ``32FC1; compressedDepth png`` or alike.
        data: its bytes.
        topic: where it came from, for errors.

    Raises:
        StreamError: it is none.
    """
    encoding = text.partition(';')[0].strip()
    if encoding not in _UNITS:
        known = ', '.join(_UNITS)
        raise StreamError(f'{topic}: compressedDepth of {encoding!r} is not one of {known}')
    body = data[_HEADER.size :]
    size = picture_size(body) if body.startswith(PNG_SIGNATURE) else _rvl_size(body)
    if size is None:
        raise StreamError(f'{topic}: a compressed depth image holds no whole PNG or RVL')
    return CompressedDepth(*size, _UNITS[encoding], data, topic)


def unpack_rvl(data: bytes, pixels: int) -> NDArray[np.uint16] | None:
    """Return the pixels of an RVL stream, None if it ends early.

    The stream alternates between a number of zeros, a number of others, and the differences of
    those; each number has three bits per nibble, the fourth says that more follow.
    """
    numbers = _rvl_numbers(data)
    values = np.zeros(pixels, dtype=np.uint16)
    at = pixel = 0
    runs: list[tuple[int, int, int]] = []
    while pixel < pixels:
        if at + 2 > len(numbers):
            return None
        zeros, others = int(numbers[at]), int(numbers[at + 1])
        pixel, at = pixel + zeros, at + 2
        if pixel + others > pixels or at + others > len(numbers) or zeros + others == 0:
            return None
        runs.append((pixel, at, others))
        pixel, at = pixel + others, at + others
    folded = np.concatenate([numbers[at : at + count] for _, at, count in runs])
    depths = np.cumsum((folded >> 1) ^ -(folded & 1))
    taken = 0
    for start, _, count in runs:
        values[start : start + count] = depths[taken : taken + count]
        taken += count
    return values


def _rvl_numbers(data: bytes) -> NDArray[np.int64]:
    """Return the numbers of an RVL stream; it ends with some zeros to fill its last word."""
    words = np.frombuffer(data[: len(data) // 4 * 4], dtype='<u4')
    shifts = np.arange(28, -1, -4, dtype=np.uint32)
    nibbles = ((words[:, None] >> shifts) & 15).ravel().astype(np.int64)
    last = (nibbles & 8) == 0
    group = np.concatenate([[0], np.cumsum(last)[:-1]]) if len(nibbles) else np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1]) if last.any() else group[:0]
    within = group < len(starts)
    place = np.arange(len(nibbles))[within] - starts[group[within]]
    parts = (nibbles[within] & 7) << (3 * np.minimum(place, 20))
    return np.bincount(group[within], weights=parts, minlength=len(starts)).astype(np.int64)


def _rvl_size(body: bytes) -> tuple[int, int] | None:
    if len(body) < _RVL_SIZE.size:
        return None
    width, height = _RVL_SIZE.unpack_from(body)
    good = width > 0 and height > 0 and width * height <= _MAX_PIXELS
    return (height, width) if good else None
