"""A camera of a LeKiwi that is reached by network: its pictures come with the joints.

So they come through the process of the robot, type ``lekiwi_client``, which must run.
"""

from __future__ import annotations

import cv2
import numpy as np

from lerobot_drivers.cameras.camera import Camera, CameraFrame
from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.kiwi_net.messages import image_of
from lerobot_drivers.kiwi_net.relay import PictureLine
from lerobot_drivers.robots.config import CameraConfig

FIRST_S = 15.0
"""The robot's process may take so long to come up and reach the host [s]."""


class LeKiwiCamera(Camera):
    """One of the host's cameras, by the name it has there.

    Stamps are those of arrival minus the configured latency: the host tells none.
    """

    def __init__(self, name: str, config: CameraConfig, clock: Clock) -> None:
        del clock
        super().__init__(name, config)
        self._host = str(config.index_or_path)
        self._line: PictureLine | None = None
        self._first: CameraFrame | None = None

    @property
    def is_connected(self) -> bool:
        """Whether pictures can be read."""
        return self._line is not None

    def connect(self) -> None:
        """Listen, and wait for the first picture.

        Raises:
            DeviceError: none comes, or one of another size than configured.
        """
        if self._line is not None:
            return
        self._line = PictureLine(self._host, self.name)
        try:
            self._first = self.read(FIRST_S)
        except BaseException:
            self.disconnect()
            raise

    def read(self, timeout_s: float = 1.0) -> CameraFrame:
        """Return the next picture; see ``Camera``."""
        if self._line is None:
            raise DeviceError(f'camera {self.name} is not connected')
        first, self._first = self._first, None
        if first is not None:
            return first
        found = self._line.next(timeout_s)
        if found is None:
            raise DeviceError(
                f'camera {self.name}: no picture of the LeKiwi host {self._host} within '
                f'{timeout_s:g} s; has it a camera of that name?'
            )
        jpeg, stamp_ns = found
        image = image_of(jpeg)
        self._check_size(image.shape)
        if self.config.color_mode == 'bgr':
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
        return CameraFrame(image, stamp_ns - round(self.config.latency_ms * NS_PER_S / 1e3))

    def disconnect(self) -> None:
        """Listen no more; harmless when not connected."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _check_size(self, shape: tuple[int, ...]) -> None:
        width, height = self.config.width, self.config.height
        if shape[:2] != (height, width):
            raise DeviceError(
                f'camera {self.name}: the LeKiwi host sends {shape[1]}x{shape[0]}, '
                f'configured is {width}x{height}'
            )
