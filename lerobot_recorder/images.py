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
from lerobot_recorder.image_headers import picture_size

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)

_CHANNELS = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1, '8UC1': 1, '8UC3': 3}
_CHANNELS |= {'yuv422_yuy2': 2, 'yuyv': 2, 'yuv422': 2, 'uyvy': 2}
_TO_RGB = {
    'bgr8': cv2.COLOR_BGR2RGB,
    '8UC3': cv2.COLOR_BGR2RGB,
    'rgba8': cv2.COLOR_RGBA2RGB,
    'bgra8': cv2.COLOR_BGRA2RGB,
    'mono8': cv2.COLOR_GRAY2RGB,
    '8UC1': cv2.COLOR_GRAY2RGB,
    'yuv422_yuy2': cv2.COLOR_YUV2RGB_YUY2,
    'yuyv': cv2.COLOR_YUV2RGB_YUY2,
    'yuv422': cv2.COLOR_YUV2RGB_UYVY,
    'uyvy': cv2.COLOR_YUV2RGB_UYVY,
}


@dataclass(frozen=True)
class RawPicture:
    """A ``sensor_msgs/Image``.

    Attributes:
        height: rows [px].
        width: columns [px].
        encoding: one of those this module knows.
        step: bytes from one row to the next.
        data: the pixels, shape (step * height,).
    """

    height: int
    width: int
    encoding: str
    step: int
    data: NDArray[np.uint8]

    def rgb(self) -> NDArray[np.uint8]:
        """Return the picture as RGB, shape (height, width, 3)."""
        channels = _CHANNELS[self.encoding]
        rows = self.data[: self.step * self.height].reshape(self.height, self.step)
        pixels = rows[:, : self.width * channels].reshape(self.height, self.width, channels)
        code = _TO_RGB.get(self.encoding)
        if code is None:
            return pixels
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), code), dtype=np.uint8)


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


def to_picture(message: Any, msgtype: str, topic: str) -> RawPicture | CompressedPicture:
    """Return an image message as a picture that decodes its pixels when asked.

    Args:
        message: an Image or CompressedImage, from rclpy or from a bag.
        msgtype: its type.
        topic: where it came from, for errors.

    Raises:
        StreamError: the encoding is not known, or the data are too short or no picture.
    """
    if msgtype == IMAGE:
        return _raw_picture(message, topic)
    if 'compressedDepth' in message.format:
        raise StreamError(f'{topic}: compressedDepth images cannot be recorded yet')
    data = np.asarray(message.data, dtype=np.uint8)
    size = picture_size(data.tobytes())
    if size is None:
        raise StreamError(f'{topic}: a compressed image holds no whole JPEG or PNG')
    return CompressedPicture(*size, data, topic)


def _raw_picture(message: Any, topic: str) -> RawPicture:
    channels = _CHANNELS.get(message.encoding)
    if channels is None:
        known = ', '.join(_CHANNELS)
        raise StreamError(
            f'{topic}: image encoding {message.encoding!r} cannot be recorded; known: {known}'
        )
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(message.data, dtype=np.uint8)
    if not height or not width or (channels == 2 and width % 2):
        raise StreamError(f'{topic}: an image cannot be {width}x{height} {message.encoding}')
    if step < width * channels or len(data) < step * height:
        raise StreamError(
            f'{topic}: an image of {width}x{height} {message.encoding} needs '
            f'{width * channels * height} bytes, found {len(data)} with step {step}'
        )
    return RawPicture(height, width, message.encoding, step, data)
