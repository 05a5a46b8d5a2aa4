"""A camera of a simulated world; stamps are true times of exposure."""

from __future__ import annotations

import cv2
import numpy as np

from lerobot_drivers.cameras.camera import Camera, CameraFrame
from lerobot_drivers.cameras.rotation import rotate, unrotated_size
from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.robots.config import CameraConfig
from lerobot_drivers.sim.address import SimAddress
from lerobot_drivers.sim.client import CameraStream, SimClient


class SimCamera(Camera):
    """A simulated camera, addressed ``sim://WORLD/CAMERA``."""

    def __init__(self, name: str, config: CameraConfig, clock: Clock) -> None:
        super().__init__(name, config)
        self._address = SimAddress.parse(str(config.index_or_path))
        self._stream: CameraStream | None = None

    @property
    def is_connected(self) -> bool:
        """Whether pictures can be read."""
        return self._stream is not None

    def connect(self) -> None:
        """Enter the world and wait for the first picture.

        Raises:
            ConfigError: the world's cameras cannot have that size or rate.
            DeviceError: the world cannot be reached.
        """
        if self._stream is not None:
            return
        width, height = unrotated_size(self.config)
        with SimClient(self._address.world) as client:
            self._stream = client.attach_camera(
                self._address.device, width, height, self.config.fps
            )

    def read(self, timeout_s: float = 1.0) -> CameraFrame:
        """Return the next picture, stamped with its exposure.

        Raises:
            DeviceError: not connected, or no picture came in time.
        """
        if self._stream is None:
            raise DeviceError(f'camera {self.name} is not connected')
        image, stamp_ns = self._stream.read(timeout_s)
        if self.config.color_mode == 'bgr':
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
        return CameraFrame(rotate(image, self.config.rotation), stamp_ns)

    def disconnect(self) -> None:
        """Leave the world; harmless when not connected."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
