"""Image messages as pictures: sizes at once, pixels only when they are wanted.

Sources of the encodings: ``sensor_msgs/image_encodings.hpp`` and the format strings of
``compressed_image_transport``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder import pixels
from lerobot_recorder.dataset.depth_codes import METRES, MILLIMETRES
from lerobot_recorder.dataset.statistics import decimation
from lerobot_recorder.depth_images import (
    DEPTH_ENCODINGS,
    CompressedDepth,
    DepthImage,
    EncodedDepth,
    compressed_depth,
    says_depth,
)
from lerobot_recorder.image_headers import (
    JPEG_SIGNATURE,
    is_deep_grey,
    is_other_picture,
    picture_size,
)

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
_NUMBERS = re.compile(r'(8|16|32|64)[USF]C\d*')
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
    """A ``sensor_msgs/CompressedImage`` holding a JPEG, PNG, TIFF or WebP.

    Its colours are those that any viewer shows, whatever its format says of their order.

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
        """Return the JPEG as it came, None if it is none."""
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


Pictures = RawPicture | CompressedPicture | DepthImage | CompressedDepth | EncodedDepth


def to_picture(message: Any, msgtype: str, topic: str, is_depth: bool | None = None) -> Pictures:
    """Return an image message as a picture that decodes its pixels when asked.

    Args:
        message: an Image or CompressedImage, from rclpy or from a bag.
        msgtype: its type.
        topic: where it came from, for errors.
        is_depth: whether one channel of 16 bits is depth, and not grey; None leaves it to the
            encoding, and where that is mono16 to the topic's name.

    Raises:
        StreamError: the encoding is not known, the data are too short or no picture, or a bag's
            own definition of the type lacks a field.
    """
    try:
        return _to_picture(message, msgtype, topic, is_depth)
    except AttributeError as error:
        raise StreamError(f'{topic}: its {msgtype} is not the usual one: {error}') from error


def _to_picture(message: Any, msgtype: str, topic: str, is_depth: bool | None) -> Pictures:
    if msgtype == IMAGE:
        return _raw_picture(message, topic, is_depth)
    data = np.asarray(message.data, dtype=np.uint8)
    text, whole = getattr(message, 'format', ''), data.tobytes()
    if 'compressedDepth' in text:
        return compressed_depth(text, whole, topic)
    size = picture_size(whole)
    deep_is_depth = _is_depth(text.partition(';')[0].strip(), topic, is_depth)
    if size is None and is_other_picture(whole):
        return _other_picture(data, topic, deep_is_depth)
    if size is None:
        raise StreamError(
            f'{topic}: a compressed image holds no whole JPEG, PNG, TIFF or WebP; '
            f'its format is {text!r}'
        )
    if deep_is_depth and is_deep_grey(whole):
        return EncodedDepth(*size, MILLIMETRES, data, topic)
    return CompressedPicture(*size, data, topic)


def _is_depth(encoding: str, topic: str, is_depth: bool | None) -> bool:
    """Return whether one channel of 16 bits is depth."""
    if is_depth is not None:
        return is_depth
    return encoding == '16UC1' or says_depth(topic)


def _other_picture(
    data: NDArray[np.uint8], topic: str, is_depth: bool
) -> CompressedPicture | EncodedDepth:
    """Return a picture whose size is known when it is decoded."""
    found = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if found is None:
        raise StreamError(f'{topic}: a compressed image cannot be decoded')
    height, width = found.shape[:2]
    if found.dtype == np.float32 and found.ndim == 2:
        return EncodedDepth(height, width, METRES, data, topic)
    if found.dtype == np.uint16 and found.ndim == 2 and is_depth:
        return EncodedDepth(height, width, MILLIMETRES, data, topic)
    if found.dtype not in (np.uint8, np.uint16):
        raise StreamError(f'{topic}: a compressed image of {found.dtype} is no picture')
    return CompressedPicture(height, width, data, topic)


def _raw_picture(message: Any, topic: str, is_depth: bool | None) -> RawPicture | DepthImage:
    encoding = message.encoding
    deep = encoding != 'mono16' or _is_depth(encoding, topic, is_depth)
    as_depth = encoding in _DEPTH_LAYOUTS and deep and is_depth is not False
    layout = (_DEPTH_LAYOUTS if as_depth else pixels.LAYOUTS).get(encoding)
    if layout is None:
        raise StreamError(f'{topic}: {_why_none(encoding, topic)}')
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(message.data, dtype=np.uint8)
    if not layout.can_be(height, width):
        raise StreamError(f'{topic}: an image cannot be {width}x{height} {encoding}')
    row, rows = layout.row_bytes(width), layout.rows(height)
    if step < row or len(data) < step * rows:
        raise StreamError(
            f'{topic}: an image of {width}x{height} {encoding} needs '
            f'{row * rows} bytes, found {len(data)} with step {step}'
        )
    if as_depth:
        return DepthImage(height, width, encoding, step, data, bool(message.is_bigendian))
    even = height % 2 == width % 2 == 0
    kind = PlanarRawPicture if even and pixels.has_short_way(encoding) else RawPicture
    return kind(height, width, encoding, step, data, bool(message.is_bigendian))


def _why_none(encoding: str, topic: str) -> str:
    """Return why an encoding is no picture, and what to do."""
    known = ', '.join(dict.fromkeys((*pixels.LAYOUTS, *_DEPTH_LAYOUTS)))
    if _NUMBERS.fullmatch(encoding):
        return (
            f'image encoding {encoding!r} are numbers, not colours or distances: let its node '
            'publish one of bgr8, mono8, 16UC1 (mm) or 32FC1 (m), or keep the messages as they '
            f'are with native: {{NAME: {{topic: {topic}}}}}'
        )
    return f'image encoding {encoding!r} cannot be recorded; known: {known}'
