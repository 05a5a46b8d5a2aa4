"""Image messages as pictures: sizes at once, pixels only when they are wanted.

Sources of the encodings: ``sensor_msgs/image_encodings.hpp`` and the format strings of
``compressed_image_transport``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder import pixels
from lerobot_recorder.dataset.statistics import decimation
from lerobot_recorder.depth_images import (
    DEPTH_ENCODINGS,
    CompressedDepth,
    DepthImage,
    compressed_depth,
)
from lerobot_recorder.image_headers import JPEG_SIGNATURE, picture_size

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)
_DEPTH_LAYOUTS = {
    encoding: pixels.Layout(dtype.itemsize) for encoding, dtype in DEPTH_ENCODINGS.items()
}


@dataclass(frozen=True)
class RawPicture:
    """A ``sensor_msgs/Image``.

    Attributes:
        height: rows [px].
        width: columns [px].
        encoding: one of ``pixels.LAYOUTS``.
        step: bytes from one row to the next.
        data: the pixels, shape (rows in memory * step,).
        big_endian: order of the bytes of 16-bit values.
    """

    height: int
    width: int
    encoding: str
    step: int
    data: NDArray[np.uint8]
    big_endian: bool = False

    def rgb(self) -> NDArray[np.uint8]:
        """Return the picture as RGB, shape (height, width, 3)."""
        return pixels.to_rgb(self._pixels(), self.encoding)

    def sample(self) -> NDArray[np.uint8]:
        """Return the decimated picture, RGB."""
        step = decimation(self.height, self.width)
        return pixels.sample(self._pixels(), self.encoding, step)

    def _pixels(self) -> NDArray[np.uint8]:
        layout = pixels.LAYOUTS[self.encoding]
        count = layout.rows(self.height)
        rows = self.data[: self.step * count].reshape(count, self.step)
        rows = rows[:, : layout.row_bytes(self.width)]
        if layout.wide:
            rows = rows.reshape(count, -1, 2)[:, :, 0 if self.big_endian else 1]
        shape = (layout.channels,) if layout.planes == 2 else ()
        return rows.reshape(count, self.width, *shape)


class PlanarRawPicture(RawPicture):
    """The same, of an encoding from which video is cheaper to make than through RGB."""

    def i420(self) -> NDArray[np.uint8]:
        """Return the picture as video encoders take it, both sizes even."""
        return pixels.to_i420(self._pixels(), self.encoding)


@dataclass(frozen=True)
class CompressedPicture:
    """A ``sensor_msgs/CompressedImage`` holding a JPEG or PNG.

    Attributes:
        height: rows [px].
        width: columns [px].
        data: the compressed bytes.
        topic: where it came from, for the error.
    """

    height: int
    width: int
    data: NDArray[np.uint8]
    topic: str

    def jpeg(self) -> bytes | None:
        """Return the JPEG as it came, None if it is a PNG."""
        data = self.data.tobytes()
        return data if data.startswith(JPEG_SIGNATURE) else None

    def rgb(self) -> NDArray[np.uint8]:
        """Return the picture as RGB, shape (height, width, 3).

        Raises:
            StreamError: the bytes are not a picture of the size declared.
        """
        bgr = cv2.imdecode(self.data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if bgr is None or bgr.shape[:2] != (self.height, self.width):
            found = 'no picture' if bgr is None else f'{bgr.shape[1]}x{bgr.shape[0]}'
            raise StreamError(
                f'{self.topic}: a compressed image holds {found}, '
                f'expected {self.width}x{self.height}'
            )
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


Pictures = RawPicture | CompressedPicture | DepthImage | CompressedDepth


def to_picture(message: Any, msgtype: str, topic: str) -> Pictures:
    """Return an image message as a picture that decodes its pixels when asked.

    Args:
        message: an Image or CompressedImage, from rclpy or from a bag.
        msgtype: its type.
        topic: where it came from, for errors.

    Raises:
        StreamError: the encoding is not known, the data are too short or no picture, or a bag's
            own definition of the type lacks a field.
    """
    try:
        return _to_picture(message, msgtype, topic)
    except AttributeError as error:
        raise StreamError(f'{topic}: its {msgtype} is not the usual one: {error}') from error


def _to_picture(message: Any, msgtype: str, topic: str) -> Pictures:
    if msgtype == IMAGE:
        return _raw_picture(message, topic)
    data = np.asarray(message.data, dtype=np.uint8)
    if 'compressedDepth' in getattr(message, 'format', ''):
        return compressed_depth(message.format, data.tobytes(), topic)
    size = picture_size(data.tobytes())
    if size is None:
        raise StreamError(f'{topic}: a compressed image holds no whole JPEG or PNG')
    return CompressedPicture(*size, data, topic)


def _raw_picture(message: Any, topic: str) -> RawPicture | DepthImage:
    encoding = message.encoding
    layout = _DEPTH_LAYOUTS.get(encoding) or pixels.LAYOUTS.get(encoding)
    if layout is None:
        known = ', '.join((*pixels.LAYOUTS, *_DEPTH_LAYOUTS))
        raise StreamError(
            f'{topic}: image encoding {encoding!r} cannot be recorded; known: {known}'
        )
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(message.data, dtype=np.uint8)
    paired = layout.channels == 2 or layout.planes > 2
    if not height or not width or (paired and width % 2) or (layout.planes > 2 and height % 2):
        raise StreamError(f'{topic}: an image cannot be {width}x{height} {encoding}')
    row, rows = layout.row_bytes(width), layout.rows(height)
    if step < row or len(data) < step * rows:
        raise StreamError(
            f'{topic}: an image of {width}x{height} {encoding} needs '
            f'{row * rows} bytes, found {len(data)} with step {step}'
        )
    if encoding in _DEPTH_LAYOUTS:
        return DepthImage(height, width, encoding, step, data, bool(message.is_bigendian))
    even = height % 2 == width % 2 == 0
    kind = PlanarRawPicture if even and pixels.has_short_way(encoding) else RawPicture
    return kind(height, width, encoding, step, data, bool(message.is_bigendian))
