"""A Reachy 2's own cameras, LeRobot's ``reachy2_camera`` type, through its SDK."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lerobot_drivers.cameras.camera import Camera, CameraFrame
from lerobot_drivers.cameras.rotation import rotate, unrotated_size
from lerobot_drivers.common.channel import Message
from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.robots.config import CameraConfig
from lerobot_drivers.robots.reachy2_link import REPLY_S, ReachyLink, sdk_python
from lerobot_drivers.sim.address import is_sim_address

if TYPE_CHECKING:
    from lerobot_drivers.sim.reachy2_client import SimReachy

HOST = 'localhost'
PORT = 50065
CONNECT_S = 20.0
_FIRST_PICTURE_S = 5.0
_OLDEST_NS = NS_PER_S


class Reachy2Camera(Camera):
    """An eye of its head or the colour camera in its chest.

    The stamp is the robot's time of the picture where its clock is in step with ours, else
    the time at which the picture came minus the configured latency.
    """

    def __init__(self, name: str, config: CameraConfig, clock: Clock) -> None:
        super().__init__(name, config)
        self._clock = clock
        self._python = sdk_python(config.sdk_python)
        self._link = ReachyLink(self._python, f'camera {name} ({config.place})')
        self._sim: SimReachy | None = None

    @property
    def is_connected(self) -> bool:
        """Whether pictures can be read."""
        return self._link.is_open

    def connect(self) -> None:
        """Reach the robot's video service, and wait for the first picture.

        Raises:
            DeviceError: the SDK is missing, the robot cannot be reached or has no such camera.
        """
        if self.is_connected:
            return
        try:
            self._link.open()
            self._link.ask(
                'look',
                CONNECT_S,
                host=self._host(),
                port=self.config.port or PORT,
                name=self.config.name,
                image_type=self.config.image_type,
                fps=self.config.fps,
            )
            self.read(_FIRST_PICTURE_S)
        except BaseException:
            self.disconnect()
            raise

    def read(self, timeout_s: float = 1.0) -> CameraFrame:
        """Return the next picture in the configured size.

        Raises:
            DeviceError: not connected, no picture came in time, or it is none.
        """
        reply = self._link.ask('frame', timeout_s + REPLY_S, patience_s=timeout_s)
        image = cv2.imdecode(
            np.frombuffer(base64.b64decode(reply['jpeg']), np.uint8), cv2.IMREAD_COLOR
        )
        if image is None:
            raise DeviceError(f'camera {self.name}: what came is no JPEG')
        size = unrotated_size(self.config)
        if image.shape[1::-1] != size:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if self.config.color_mode == 'rgb':
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return CameraFrame(
            rotate(np.asarray(image, np.uint8), self.config.rotation), _stamp(reply, self.config)
        )

    def disconnect(self) -> None:
        """Hang up; harmless when not connected."""
        self._link.close()
        if self._sim is not None:
            self._sim.close()
            self._sim = None

    def _host(self) -> str:
        host = self.config.ip_address or HOST
        if not is_sim_address(host):
            return host
        from lerobot_drivers.sim.reachy2_client import SimReachy

        self._sim = SimReachy(host, self._python)
        return self._sim.host


def _stamp(reply: Message, config: CameraConfig) -> int:
    """Return when a picture was exposed, as near as is known [ns]."""
    taken_ns, came_ns = int(reply['taken_ns']), int(reply['came_ns'])
    if 0 <= came_ns - taken_ns < _OLDEST_NS:
        return taken_ns
    return came_ns - round(config.latency_ms * 1e6)
