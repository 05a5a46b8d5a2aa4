"""A simulated thing's process on its socket: a thread per client, until nobody is left."""

from __future__ import annotations

import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType

from lerobot_drivers.common.channel import Message, receive_message, send_message
from lerobot_drivers.common.errors import ConfigError, LerobotRosError
from lerobot_drivers.sim.runtime import socket_path, world_lock

FIRST_CLIENT_S = 20.0
_ACCEPT_S = 0.25

Handlers = Mapping[str, Callable[[Message], Message]]


class Service:
    """Answers clients by what its class says in ``handlers`` and ``take_over``.

    Args:
        name: of the socket.
        linger_s: how long it lives on after its last client [s].
    """

    def __init__(self, name: str, linger_s: float) -> None:
        self.name = name
        self._linger_s = linger_s
        self._path = socket_path(name)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._path))
        self._listener.listen(16)
        self._listener.settimeout(_ACCEPT_S)
        self._threads: list[threading.Thread] = []
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def handlers(self) -> Handlers:
        """Return what answers a request, by its ``op``."""
        return {}

    def take_over(self, connection: socket.socket, request: Message) -> bool:
        """Serve a client to its end if the request begins a conversation of another kind."""
        return False

    def close(self) -> None:
        """Let go of what was served, when the last client has gone."""

    def run(self) -> None:
        """Serve until nobody is left or ``stop`` is called; leaves no file."""
        try:
            self._accept_clients()
        finally:
            self._close_door()
            self._hang_up()
            self.close()

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
        """Close the door, unless somebody stands in it; who comes later starts it anew."""
        try:
            with world_lock(self.name, wait=False):
                if self._accept_one(wait_s=0.0):
                    return False
                self._close_door()
                return True
        except BlockingIOError:
            return False

    def _close_door(self) -> None:
        """Remove our socket, once: what lies there later is another's."""
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
        handlers = {'hello': lambda _: {}, **self.handlers()}
        try:
            while (request := receive_message(connection)) is not None:
                if self.take_over(connection, request):
                    return
                send_message(connection, _answer(handlers, request))
        except OSError:
            return
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()


def refusal(error: LerobotRosError) -> Message:
    """Return an error as an answer."""
    return {'error': str(error), 'kind': 'config' if isinstance(error, ConfigError) else 'device'}


def run_service(service: Service) -> None:
    """Serve until nobody is left, or SIGTERM or SIGINT comes."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        service.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    service.run()


def _answer(handlers: Handlers, request: Message) -> Message:
    try:
        return handlers[request['op']](request)
    except LerobotRosError as error:
        return refusal(error)
