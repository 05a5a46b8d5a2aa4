"""Serves a world's clients, a thread each, and ends when nobody is left."""

from __future__ import annotations

import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import cv2

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.errors import ConfigError, LerobotRosError
from lerobot_drivers.sim.camera_feed import CameraFeed
from lerobot_drivers.sim.channel import Message, receive_message, send_message
from lerobot_drivers.sim.runtime import socket_path, world_lock
from lerobot_drivers.sim.world_state import WorldState

FIRST_CLIENT_S = 20.0
_ACCEPT_S = 0.25
_SWITCH_INTERVAL_S = 0.001


class WorldServer:
    """One world on its socket.

    Args:
        name: the world's name.
        linger_s: how long it lives on after its last client [s].
    """

    def __init__(self, name: str, linger_s: float) -> None:
        self._linger_s = linger_s
        self._path = socket_path(name)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._path))
        self._listener.listen(16)
        self._listener.settimeout(_ACCEPT_S)
        self._world = WorldState(name, SystemClock())
        self._threads: list[threading.Thread] = []
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Serve until nobody is left or ``stop`` is called; leaves no file."""
        try:
            self._accept_clients()
        finally:
            self._close_door()
            self._hang_up()
            self._world.close()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def _accept_clients(self) -> None:
        deadline = time.monotonic() + FIRST_CLIENT_S
        while not self._stopping.is_set():
            if self._accept_one() or self._connections:
                deadline = time.monotonic() + self._linger_s
            elif time.monotonic() > deadline and self._leave():
                return

    def _leave(self) -> bool:
        """Close the door, unless somebody stands in it; who comes later starts a new world."""
        try:
            with world_lock(self._world.name, wait=False):
                if self._accept_one(wait_s=0.0):
                    return False
                self._close_door()
                return True
        except BlockingIOError:
            return False

    def _close_door(self) -> None:
        """Remove our socket, once: what lies there later is another world's."""
        if self._listener.fileno() >= 0:
            self._path.unlink(missing_ok=True)
            self._listener.close()

    def _accept_one(self, wait_s: float = _ACCEPT_S) -> bool:
        ready, _, _ = select.select([self._listener], [], [], wait_s)
        if not ready:
            return False
        connection, _ = self._listener.accept()
        connection.setblocking(True)
        with self._lock:
            self._connections.add(connection)
        name = f'client {connection.fileno()}'
        thread = threading.Thread(target=self._serve, args=(connection,), name=name, daemon=True)
        thread.start()
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        return True

    def _hang_up(self) -> None:
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(2.0)

    def _serve(self, connection: socket.socket) -> None:
        """Answer one client until it hangs up."""
        try:
            while (request := receive_message(connection)) is not None:
                if request.get('op') == 'attach_camera':
                    self._stream(connection, request)
                    return
                send_message(connection, self._answer(request))
        except OSError:
            return
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _answer(self, request: Message) -> Message:
        handlers: dict[str, Callable[[Message], Message]] = {
            'hello': lambda _: {},
            'attach_arm': self._attach_arm,
            'inject': self._inject,
            'truth': self._truth,
            'registers': lambda r: {'writes': self._world.arm(r['device']).writes()},
            'info': lambda _: {'info': self._world.info()},
        }
        try:
            return handlers[request['op']](request)
        except LerobotRosError as error:
            return _error(error)

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

    def _stream(self, connection: socket.socket, request: Message) -> None:
        """Turn a connection into a camera's stream of pictures."""
        size = (request['width'], request['height'])
        try:
            feed = CameraFeed(self._world, request['device'], size, request['fps'])
        except ConfigError as error:
            send_message(connection, _error(error))
            return
        feed.run(connection)


def _error(error: LerobotRosError) -> Message:
    return {'error': str(error), 'kind': 'config' if isinstance(error, ConfigError) else 'device'}


def run_server(server: WorldServer) -> None:
    """Serve until nobody is left, or SIGTERM or SIGINT comes."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    cv2.setNumThreads(1)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    server.run()
