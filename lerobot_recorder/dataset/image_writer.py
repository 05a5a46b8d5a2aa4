"""One camera's pictures of one episode as PNG (depth as TIFF), for datasets without video.

While an episode is recorded its images lie one after the other in a single file, each behind its
length; when it is saved they go into the data Parquet.
"""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.depth_writer import in_millimetres, levels
from lerobot_recorder.dataset.image_column import read_column
from lerobot_recorder.dataset.picture_thread import PictureThread, Sink
from lerobot_recorder.dataset.statistics import PictureHistogram

_LENGTH = struct.Struct('<Q')
_PNG_SPEED = [cv2.IMWRITE_PNG_COMPRESSION, 1]
_TIFF_PLAIN = [cv2.IMWRITE_TIFF_COMPRESSION, 1]


class ImageSpool(Sink):
    """Appends pictures to a file in their order, compressed without loss by several threads.

    Args:
        path: The file.
        threads: How many compress.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._path, self._threads = path, threads
        self._file: BinaryIO | None = None
        self._waiting: deque[Future[bytes]] = deque()
        self._order = threading.Lock()
        self._failure: OSError | None = None

    def open(self) -> None:
        """Start the file."""
        self._pool = ThreadPoolExecutor(self._threads, f'compress {self._path.stem}')
        self._file = self._path.open('wb', buffering=0)

    def write(self, picture: Any, sampled: bool) -> NDArray[Any]:
        """Add a `Picture`; return its pixels."""
        rgb = np.asarray(picture.rgb())
        self._submit(_png, rgb)
        return rgb

    def close(self) -> None:
        """Write what is still being compressed and end the file."""
        if self._file is None:
            return
        try:
            while self._waiting:
                self._wait_for_oldest()
        finally:
            self._pool.shutdown()
            self._file.close()

    def _submit(self, compress: Callable[[NDArray[Any]], bytes], pixels: NDArray[Any]) -> None:
        future = self._pool.submit(compress, pixels)
        with self._order:
            self._waiting.append(future)
        future.add_done_callback(self._append_done)
        while len(self._waiting) > 2 * self._threads:
            self._wait_for_oldest()

    def _wait_for_oldest(self) -> None:
        with self._order:
            oldest = self._waiting[0] if self._waiting else None
        if oldest is not None:
            oldest.result()
            self._append_done()
        if self._failure is not None:
            raise self._failure

    def _append_done(self, _: Future[bytes] | None = None) -> None:
        """Append what is compressed, up to the first that is not; from whichever thread."""
        with self._order:
            while self._waiting and self._failure is None:
                oldest = self._waiting[0]
                if not oldest.done() or oldest.exception() is not None:
                    return
                self._write(self._waiting.popleft().result())

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        try:
            self._file.write(_LENGTH.pack(len(data)) + data)
        except OSError as error:
            self._failure = error


class DepthSpool(ImageSpool):
    """The same of depth, as TIFF: whole millimetres or metres as they came."""

    def write(self, picture: Any, sampled: bool) -> NDArray[Any]:
        """Add a `DepthPicture`; return its distances [mm]."""
        depth = picture.depth()
        self._submit(_tiff, depth)
        return in_millimetres(depth)


class ImageWriter(PictureThread):
    """Compresses a camera's pictures in threads of its own.

    Args:
        key: The camera's feature.
        feature: Its entry.
        path: The file that takes them.
        queue_size: Pictures that may wait.
        threads: How many threads compress.
    """

    def __init__(
        self,
        key: str,
        feature: Mapping[str, Any],
        path: Path,
        queue_size: int = 30,
        threads: int = 1,
    ) -> None:
        spool = DepthSpool if schema.is_depth(feature) else ImageSpool
        histogram = PictureHistogram(levels(feature))
        super().__init__(key, spool(path, threads), queue_size, histogram)
        self._path = path

    def images(self) -> pa.ChunkedArray:
        """Return all images as LeRobot stores them in Parquet, without reading them."""
        return read_column(self._path)


def _png(rgb: NDArray[np.uint8]) -> bytes:
    return _compressed('.png', cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), _PNG_SPEED)


def _tiff(depth: NDArray[Any]) -> bytes:
    return _compressed('.tiff', np.ascontiguousarray(depth), _TIFF_PLAIN)


def _compressed(suffix: str, pixels: NDArray[Any], options: list[int]) -> bytes:
    good, data = cv2.imencode(suffix, pixels, options)
    if not good:
        raise DatasetError(f'a picture could not be compressed as {suffix[1:].upper()}')
    return bytes(data.tobytes())


def decode_image(data: bytes, depth: bool = False) -> NDArray[Any]:
    """Return the pixels of an encoded picture.

    Returns:
        RGB, shape (height, width, 3); of depth uint16 [mm] or float32 [m], shape (height, width).

    Raises:
        DatasetError: it is no picture.
    """
    flags = cv2.IMREAD_UNCHANGED if depth else cv2.IMREAD_COLOR
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        found = None
    if found is None:
        raise DatasetError('an image cannot be decoded')
    return np.asarray(found if depth else cv2.cvtColor(found, cv2.COLOR_BGR2RGB))
