"""Which cameras there are, and a picture of each, so that a person sees which is which."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.cameras import make_camera
from lerobot_drivers.cameras.opencv_camera import quietly_opened
from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.robots.config import CameraConfig
from lerobot_drivers.sim.client import SimClient

SIM_VIEWS = ('front', 'side', 'top', 'wrist')
"""Every simulated world has these."""
_SIM_SIZE, _USUAL_FPS = (640, 480), 30


@dataclass(frozen=True)
class FoundCamera:
    """A camera that pictures can be had from.

    Attributes:
        config: how it is opened, as it delivers by itself.
        format: how it delivers pixels, such as ``MJPG``.
    """

    config: CameraConfig
    format: str

    @property
    def place(self) -> str:
        """What to give as ``index_or_path``."""
        return str(self.config.index_or_path)

    @property
    def file_name(self) -> str:
        """Name of its picture; of a device's, as LeRobot names it."""
        kind, place = 'opencv', self.place
        if '://' in place:
            kind, place = place.split('://', 1)
        return f'{kind}_{place.replace("/", "_")}.png'

    def __str__(self) -> str:
        config = self.config
        return f'{self.place}: {config.width}x{config.height} at {config.fps}/s, {self.format}'


def device_cameras(folder: Path = Path('/dev')) -> tuple[list[FoundCamera], list[str]]:
    """Return the cameras of this machine, and the places where there is one that is not ours.

    Devices that give no pictures, such as the second one of many cameras, are left out.

    Args:
        folder: where devices are.
    """
    found, denied = [], []
    for path in sorted(folder.glob('video*'), key=lambda path: (len(path.name), path.name)):
        if not os.access(path, os.R_OK):
            denied.append(f'{path}: permission denied; sudo usermod -aG video $USER, then log in')
            continue
        camera = _device(path)
        if camera is not None:
            found.append(camera)
    return found, denied


def sim_cameras(world: str) -> list[FoundCamera]:
    """Return the cameras of a simulated world.

    Raises:
        ConfigError: no world can have that name.
        DeviceError: the world could not be started or reached.
    """
    with SimClient(world) as client:
        names = dict.fromkeys((*SIM_VIEWS, *client.info()['cameras']))
    width, height = _SIM_SIZE
    return [
        FoundCamera(
            CameraConfig(
                index_or_path=f'sim://{world}/{name}', width=width, height=height, fps=_USUAL_FPS
            ),
            'simulated',
        )
        for name in names
    ]


def last_picture(found: FoundCamera, seconds: float, clock: Clock) -> NDArray[np.uint8]:
    """Look through a camera for some time; return the last picture, RGB.

    Args:
        found: the camera.
        seconds: for how long [s].
        clock: what time it is.

    Raises:
        DeviceError: no picture came.
    """
    camera = make_camera(found.place, found.config, clock)
    camera.connect()
    try:
        end_ns = clock.monotonic_ns() + round(seconds * NS_PER_S)
        image = camera.read().image
        while clock.monotonic_ns() < end_ns:
            image = camera.read().image
        return image
    finally:
        camera.disconnect()


def save_picture(image: NDArray[np.uint8], path: Path) -> None:
    """Write a picture, RGB, as PNG; one that is there is replaced.

    Raises:
        DeviceError: it cannot be written.
    """
    _, data = cv2.imencode('.png', cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data.tobytes())
        temporary.replace(path)
    except OSError as error:
        raise DeviceError(f'cannot write {path}: {error.strerror}') from error
    finally:
        temporary.unlink(missing_ok=True)


def _device(path: Path) -> FoundCamera | None:
    is_device = stat.S_ISCHR(path.stat().st_mode)
    capture = quietly_opened(str(path), cv2.CAP_V4L2 if is_device else cv2.CAP_ANY)
    try:
        if not capture.isOpened():
            return None
        width = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        fps = round(capture.get(cv2.CAP_PROP_FPS))
        code = int(capture.get(cv2.CAP_PROP_FOURCC))
    finally:
        capture.release()
    if width < 1 or height < 1:
        return None
    letters = ''.join(chr(code >> 8 * place & 0xFF) for place in range(4))
    config = CameraConfig(
        index_or_path=str(path), width=width, height=height, fps=max(fps, 0) or _USUAL_FPS
    )
    return FoundCamera(config, letters if letters.isprintable() else 'unknown format')
