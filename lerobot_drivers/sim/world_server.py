"""Serves the clients of a simulated world."""

from __future__ import annotations

import socket
import sys

import cv2

from lerobot_drivers.common.channel import Message, send_message
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.sim.camera_feed import CameraFeed
from lerobot_drivers.sim.service import Handlers, Service, refusal, run_service
from lerobot_drivers.sim.worlds import make_world

_SWITCH_INTERVAL_S = 0.001


class WorldServer(Service):
    """One world on its socket.

    Args:
        name: the world's name.
        linger_s: how long it lives on after its last client [s].
    """

    def __init__(self, name: str, linger_s: float) -> None:
        self._world = make_world(name, SystemClock())
        super().__init__(name, linger_s)

    def handlers(self) -> Handlers:
        """Return what answers a request, by its ``op``."""
        return {
            'attach_arm': self._attach_arm,
            'inject': self._inject,
            'truth': self._truth,
            'registers': lambda r: {'writes': self._world.arm(r['device']).writes()},
            'info': lambda _: {'info': self._world.info()},
            'task': lambda _: {'task': self._world.task()},
            'operator': lambda r: {'operator': self._world.ask_operator(r['device'], r['word'])},
        }

    def take_over(self, connection: socket.socket, request: Message) -> bool:
        """Turn a connection into a camera's stream of pictures, if it is to be one."""
        if request.get('op') != 'attach_camera':
            return False
        size = (request['width'], request['height'])
        try:
            feed = CameraFeed(self._world, request['device'], size, request['fps'])
        except LerobotRosError as error:
            send_message(connection, refusal(error))
            return True
        feed.run(connection)
        return True

    def close(self) -> None:
        """Unplug everything."""
        self._world.close()

    def _attach_arm(self, request: Message) -> Message:
        port, calibration = self._world.attach_arm(request['device'], request['model'])
        return {'port': port, 'calibration': calibration}

    def _inject(self, request: Message) -> Message:
        self._world.inject(request['device'], request['fault'], request['arguments'])
        return {}

    def _truth(self, request: Message) -> Message:
        now_ns = self._world.clock.now_ns()
        stamp_ns = now_ns if request['stamp_ns'] is None else min(request['stamp_ns'], now_ns)
        return {'truth': self._world.arm(request['device']).truth(stamp_ns)}


def run_server(server: WorldServer) -> None:
    """Serve until nobody is left, or SIGTERM or SIGINT comes."""
    cv2.setNumThreads(1)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    run_service(server)
