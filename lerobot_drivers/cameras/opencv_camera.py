"""Cameras and video files through OpenCV, LeRobot's ``opencv`` type."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.cameras.camera import Camera, CameraFrame
from lerobot_drivers.cameras.live_capture import LiveCapture
from lerobot_drivers.cameras.rotation import rotate, unrotated_size
from lerobot_drivers.cameras.video_file import VideoFile
from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.robots.config import CameraConfig

_FPS_TOLERANCE = 1.0
_FIRST_FRAME_S = 5.0
_SILENT = '-8'


class Source(Protocol):
    """An open device or file."""

    def read(self, timeout_s: float) -> tuple[NDArray[np.uint8], int]:
        """Return the next picture, BGR, and its time of exposure [ns]."""
        ...

    def close(self) -> None:
        """Release it."""
        ...


class OpenCVCamera(Camera):
    """A camera by index or device path, or a video file that plays at its own rate.

    The stamp of a live picture is the driver's time of its buffer where the backend
    tells (V4L2), else the return of the grab minus the configured latency.
    """

    def __init__(self, name: str, config: CameraConfig, clock: Clock) -> None:
        super().__init__(name, config)
        self._clock = clock
        self._source: Source | None = None

    @property
    def is_connected(self) -> bool:
        """Whether pictures can be read."""
        return self._source is not None

    def connect(self) -> None:
        """Open the device, ask for size and rate, and let it warm up.

        Raises:
            DeviceError: there is no such device or file, or it cannot do the
                configured size or rate.
        """
        if self._source is not None:
            return
        place = _place(self.config.index_or_path)
        path = Path(place) if isinstance(place, str) and '://' not in place else None
        if path is not None and not path.exists():
            raise DeviceError(f'camera {self.name}: {path} does not exist{_known_devices()}')
        if path is not None and path.is_file():
            self._source = self._open_file(path)
        else:
            self._source = self._open_device(place)
            self._warm_up()

    def read(self, timeout_s: float = 1.0) -> CameraFrame:
        """Return the next picture.

        Raises:
            DeviceError: not connected, no picture came in time, or the file has ended.
        """
        if self._source is None:
            raise DeviceError(f'camera {self.name} is not connected')
        image, stamp_ns = self._source.read(timeout_s)
        if self.config.color_mode == 'rgb':
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
        return CameraFrame(rotate(image, self.config.rotation), stamp_ns)

    def disconnect(self) -> None:
        """Release the device; harmless when not connected."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def _open_file(self, path: Path) -> Source:
        capture = quietly_opened(str(path), cv2.CAP_ANY)
        if not capture.isOpened():
            raise DeviceError(f'camera {self.name}: {path} cannot be opened as a video')
        self._check_format(capture)
        return VideoFile(capture, f'camera {self.name}: {path}', self._clock)

    def _open_device(self, place: int | str) -> Source:
        backend = cv2.CAP_ANY
        if isinstance(place, int) or place.startswith('/dev/') or self.config.backend == 'V4L2':
            backend = cv2.CAP_V4L2
        _check_permission(self.name, place)
        capture = quietly_opened(place, backend)
        if not capture.isOpened():
            raise DeviceError(
                f'camera {self.name}: no camera can be opened at {place!r}{_known_devices()}'
            )
        self._ask_format(capture)
        self._check_format(capture)
        latency_ns = round(self.config.latency_ms * 1e6)
        return LiveCapture(capture, f'camera {self.name}', self._clock, latency_ns)

    def _ask_format(self, capture: cv2.VideoCapture) -> None:
        width, height = unrotated_size(self.config)
        if self.config.fourcc is not None:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*self.config.fourcc))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_FPS, self.config.fps)

    def _check_format(self, capture: cv2.VideoCapture) -> None:
        """Compare what it delivers with what is configured; release it if they differ."""
        asked = unrotated_size(self.config)
        width = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        fps = capture.get(cv2.CAP_PROP_FPS)
        wrong = None
        if (width, height) != asked:
            wrong = f'pictures are {width}x{height}, not the configured {asked[0]}x{asked[1]}'
        elif fps > 0 and abs(fps - self.config.fps) > _FPS_TOLERANCE:
            wrong = f'its rate is {fps:g} fps, not the configured {self.config.fps}'
        if wrong is not None:
            capture.release()
            raise DeviceError(f'camera {self.name} ({self.config.index_or_path}): {wrong}')

    def _warm_up(self) -> None:
        """Read and discard; the first picture may take long."""
        assert self._source is not None
        end_ns = self._clock.monotonic_ns() + round(self.config.warmup_s * 1e9)
        try:
            self._source.read(_FIRST_FRAME_S)
            while self._clock.monotonic_ns() < end_ns:
                self._source.read(1.0)
        except DeviceError:
            self.disconnect()
            raise


def _place(index_or_path: int | str) -> int | str:
    text = str(index_or_path)
    return int(text) if text.isdigit() else text


def quietly_opened(place: int | str, backend: int) -> cv2.VideoCapture:
    """Open without OpenCV's and FFmpeg's words on stderr; what is wrong we say ourselves."""
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', _SILENT)
    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(place, backend)
    finally:
        logging.setLogLevel(level)


def _check_permission(name: str, place: int | str) -> None:
    path = Path(f'/dev/video{place}' if isinstance(place, int) else place)
    if not path.exists() or not stat.S_ISCHR(path.stat().st_mode):
        return
    try:
        path.open('rb', buffering=0).close()
    except PermissionError as error:
        raise DeviceError(
            f'camera {name}: no permission to read {path}; '
            'add yourself to the group video (sudo usermod -aG video $USER) and log in again'
        ) from error
    except OSError as error:
        raise DeviceError(f'camera {name}: {path}: {error.strerror}') from error


def _known_devices() -> str:
    found = sorted(str(path) for path in Path('/dev').glob('video*'))
    return f'; devices here: {", ".join(found)}' if found else '; no /dev/video* device is here'
