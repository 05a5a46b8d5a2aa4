"""Sends one camera's pictures to one client, each late as a camera's are."""

from __future__ import annotations

import select
import socket

from lerobot_drivers.common.channel import send_message
from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.exposure import Exposure, Shutter, check_format
from lerobot_drivers.sim.picture_ring import PictureRing
from lerobot_drivers.sim.world_state import WorldState

_HOPELESS_NS = 150_000_000


class CameraFeed:
    """One stream: the world as it was at each exposure, drawn shortly before it is due.

    Args:
        world: what is seen.
        device: name of the camera.
        size: width and height [pixels].
        fps: pictures per second.

    Raises:
        ConfigError: size or rate are out of range, or the device is an arm.
        DeviceError: the world cannot be drawn here.
    """

    def __init__(self, world: WorldState, device: str, size: tuple[int, int], fps: int) -> None:
        width, height = size
        check_format(device, width, height, fps)
        self._world = world
        self._shape = (height, width, 3)
        self._habits = world.camera(device)
        self._device, self._fps = device, fps
        self._painter = world.painter(device, View.named(device, width, height))

    def run(self, connection: socket.socket) -> None:
        """Stream until the client hangs up.

        Raises:
            OSError: it hung up while something was being sent.
        """
        ring = PictureRing(connection, self._shape)
        try:
            send_message(connection, {'shape': self._shape})
            ring.offer()
            now_ns = self._world.clock.now_ns()
            shutter = Shutter(self._device, self._fps, self._habits, now_ns)
            while self._deliver(ring, connection, shutter.next()):
                pass
        finally:
            self._painter.close()
            ring.close()

    def _deliver(self, ring: PictureRing, client: socket.socket, exposure: Exposure) -> bool:
        """Deliver one picture at its time; False when the client has hung up."""
        if not self._wait_until(self._begin_ns(exposure), client):
            return False
        late_ns = self._world.clock.now_ns() - exposure.delivery_ns
        if self._habits.frozen or late_ns > _HOPELESS_NS:
            return True
        self._painter.draw(ring.begin(), exposure.stamp_ns)
        if not self._wait_until(exposure.delivery_ns, client):
            return False
        ring.publish(exposure.stamp_ns)
        return True

    def _begin_ns(self, exposure: Exposure) -> int:
        return max(exposure.stamp_ns, exposure.delivery_ns - self._painter.lead_ns)

    def _wait_until(self, time_ns: int, client: socket.socket) -> bool:
        """Wait; False when the client hangs up, which is all that it ever says."""
        wait_s = (time_ns - self._world.clock.now_ns()) / NS_PER_S
        gone, _, _ = select.select([client], [], [], max(wait_s, 0.0))
        return not gone
