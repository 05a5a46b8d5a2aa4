"""One camera's pictures of one episode as PNG, for datasets without video.

While an episode is recorded its images lie one after the other in a single file, each behind its
length; when it is saved they go into the data Parquet.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.image_column import read_column
from lerobot_recorder.dataset.picture_thread import PictureThread, Sink

_LENGTH = struct.Struct('<Q')
_PNG_SPEED = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class ImageSpool(Sink):
    """Appends pictures to a file, compressed without loss."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Start the file."""
        self._file = self._path.open('wb', buffering=0)

    def write(self, rgb: NDArray[np.uint8]) -> None:
        """Add a picture, RGB, shape (height, width, 3)."""
        good, png = cv2.imencode('.png', cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), _PNG_SPEED)
        if not good or self._file is None:
            raise DatasetError(f'{self._path}: a picture could not be encoded as PNG')
        self._file.write(_LENGTH.pack(len(png)) + png.tobytes())

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            self._file.close()


class ImageWriter(PictureThread):
    """Compresses a camera's pictures in a thread of its own."""

    def __init__(self, key: str, path: Path, queue_size: int = 30) -> None:
        super().__init__(key, ImageSpool(path), queue_size)
        self._path = path

    def images(self) -> pa.ChunkedArray:
        """Return all images as LeRobot stores them in Parquet, without reading them."""
        return read_column(self._path)


def decode_image(png: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an encoded picture, RGB, shape (height, width, 3).

    Raises:
        DatasetError: it is no picture.
    """
    bgr = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DatasetError('an image in the Parquet file cannot be decoded')
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
