"""Pixels of ``sensor_msgs/Image`` in other orders: as RGB, as what video encoders take.

Source of the encodings: ``sensor_msgs/image_encodings.hpp``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.dataset import i420


@dataclass(frozen=True)
class Layout:
    """How the pixels of an encoding lie in memory.

    Attributes:
        channels: values per pixel; 1 for the planes of NV12, NV21 and NV24.
        wide: whether a value has 16 bits, of which pictures of 8 bits get the upper ones.
        to_rgb: OpenCV's conversion; None if it is RGB already.
        is_bgr: blue comes first, red first (False), or neither: to planes goes through RGB.
        planes: rows in memory for each two rows of the picture.
    """

    channels: int
    wide: bool = False
    to_rgb: int | None = None
    is_bgr: bool | None = None
    planes: int = 2

    def row_bytes(self, width: int) -> int:
        """Return the bytes of a row without padding."""
        return width * self.channels * (2 if self.wide else 1)

    def rows(self, height: int) -> int:
        """Return the rows in memory of a picture."""
        return height * self.planes // 2

    def can_be(self, height: int, width: int) -> bool:
        """Return whether a picture can have a size [px]: colours may be shared by two pixels."""
        shares_rows = self.planes == _SHARED
        is_paired = shares_rows or self.channels == 2
        return (
            height > 0
            and width > 0
            and not ((is_paired and width % 2) or (shares_rows and height % 2))
        )


def _yuv422(code: int) -> Layout:
    return Layout(2, to_rgb=code)


def _bayer(pattern: str, code: int) -> dict[str, Layout]:
    return {
        f'bayer_{pattern}8': Layout(1, to_rgb=code),
        f'bayer_{pattern}16': Layout(1, True, to_rgb=code),
    }


_SHARED, _FULL = 3, 6
"""Planes of a picture whose colours are shared by four pixels, and of one with all colours."""
_RGB = Layout(3, is_bgr=False)
_BGR = Layout(3, to_rgb=cv2.COLOR_BGR2RGB, is_bgr=True)
_RGBA = Layout(4, to_rgb=cv2.COLOR_RGBA2RGB, is_bgr=False)
_BGRA = Layout(4, to_rgb=cv2.COLOR_BGRA2RGB, is_bgr=True)
_MONO = Layout(1, to_rgb=cv2.COLOR_GRAY2RGB)
_YUYV, _UYVY = _yuv422(cv2.COLOR_YUV2RGB_YUY2), _yuv422(cv2.COLOR_YUV2RGB_UYVY)
_BGR16 = Layout(3, True, cv2.COLOR_BGR2RGB)
_BGRA16 = Layout(4, True, cv2.COLOR_BGRA2RGB)
LAYOUTS = {
    'rgb8': _RGB, 'bgr8': _BGR, '8UC3': _BGR, 'rgba8': _RGBA, 'bgra8': _BGRA, '8UC4': _BGRA,
    'mono8': _MONO, '8UC1': _MONO,
    'mono16': Layout(1, True, cv2.COLOR_GRAY2RGB), '16UC1': Layout(1, True, cv2.COLOR_GRAY2RGB),
    'rgb16': Layout(3, True), 'bgr16': _BGR16, '16UC3': _BGR16,
    'rgba16': Layout(4, True, cv2.COLOR_RGBA2RGB), 'bgra16': _BGRA16, '16UC4': _BGRA16,
    'yuv422_yuy2': _YUYV, 'yuyv': _YUYV, 'yuv422': _UYVY, 'uyvy': _UYVY,
    'nv12': Layout(1, to_rgb=cv2.COLOR_YUV2RGB_NV12, planes=_SHARED),
    'nv21': Layout(1, to_rgb=cv2.COLOR_YUV2RGB_NV21, planes=_SHARED),
    'nv24': Layout(1, to_rgb=cv2.COLOR_YUV2RGB_I420, planes=_FULL),
    # OpenCV names a pattern by its second row and column, ROS by its first.
    **_bayer('rggb', cv2.COLOR_BayerBG2RGB), **_bayer('bggr', cv2.COLOR_BayerRG2RGB),
    **_bayer('gbrg', cv2.COLOR_BayerGR2RGB), **_bayer('grbg', cv2.COLOR_BayerGB2RGB),
}  # fmt: skip
_DIRECT = {'nv12', 'nv21', 'mono8', '8UC1', 'mono16', '16UC1'}


def has_short_way(encoding: str) -> bool:
    """Return whether `to_i420` is cheaper than going through `to_rgb`."""
    return LAYOUTS[encoding].is_bgr is not None or encoding in _DIRECT


def to_rgb(pixels: NDArray[np.uint8], encoding: str) -> NDArray[np.uint8]:
    """Return pixels as RGB, shape (height, width, 3).

    Args:
        pixels: shape (height, width, channels), or (rows, width) of planes and one channel.
        encoding: one of `LAYOUTS`.
    """
    code = LAYOUTS[encoding].to_rgb
    if code is None:
        return pixels
    if LAYOUTS[encoding].planes == _FULL:
        return _of_full_planes(pixels, code)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), code), dtype=np.uint8)


def _of_full_planes(planes: NDArray[np.uint8], code: int) -> NDArray[np.uint8]:
    """Return a picture whose pixels have all colours as RGB.

    OpenCV knows only colours that four pixels share: here each pixel is made four, and one taken.

    Args:
        planes: luma and pairs of chroma, shape (3 * height, width).
        code: OpenCV's conversion of planes that share colours.
    """
    height, width = planes.shape[0] // 3, planes.shape[1]
    pairs = planes[height:].reshape(height, width, 2)
    large = planes[:height].repeat(2, axis=0).repeat(2, axis=1)
    chroma = pairs.transpose(2, 0, 1).reshape(height, 2 * width)
    rgb = cv2.cvtColor(np.concatenate([large, chroma]), code)
    return np.ascontiguousarray(rgb[::2, ::2], dtype=np.uint8)


def to_i420(pixels: NDArray[np.uint8], encoding: str) -> NDArray[np.uint8]:
    """Return pixels as BT.601 video range in planes, shape (height * 3 // 2, width).

    Args:
        pixels: as `to_rgb` takes them, both sizes of the picture even.
        encoding: one that `has_short_way`.
    """
    is_bgr = LAYOUTS[encoding].is_bgr
    if is_bgr is not None:
        return i420.to_i420(pixels, is_bgr)
    height, width = pixels.shape[:2]
    if LAYOUTS[encoding].planes == 2:
        planes = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
        cv2.LUT(np.ascontiguousarray(pixels.reshape(height, width)), _VIDEO_RANGE, planes[:height])
        return planes
    height = height * 2 // 3
    planes = np.empty((height * 3 // 2, width), dtype=np.uint8)
    planes[:height] = pixels[:height]
    pairs = np.ascontiguousarray(pixels[height:]).reshape(height // 2, width // 2, 2)
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    for place in range(2):
        cv2.extractChannel(pairs, place if encoding == 'nv12' else 1 - place, chroma[place])
    return planes


def sample(pixels: NDArray[np.uint8], encoding: str, step: int) -> NDArray[np.uint8]:
    """Return every `step`-th row and column of what `to_rgb` gives."""
    layout = LAYOUTS[encoding]
    if layout.planes == 2 and not encoding.startswith('bayer') and layout.channels != 2:
        return to_rgb(np.ascontiguousarray(pixels[::step, ::step]), encoding)
    return to_rgb(pixels, encoding)[::step, ::step]


def _video_range() -> NDArray[np.uint8]:
    """Return the luma that OpenCV gives to each grey."""
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    return np.asarray(cv2.cvtColor(np.repeat(grey, 2, axis=0), cv2.COLOR_RGB2YUV_I420)[0])


_VIDEO_RANGE = _video_range()
