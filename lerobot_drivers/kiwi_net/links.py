"""Both ends of the line between a LeKiwi and its client: two sockets of ZeroMQ.

Only the newest command counts (CONFLATE); of observations two wait at most.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any

from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.kiwi_net.messages import Dialect

LARGEST_COMMAND = 1 << 16
LARGEST_OBSERVATION = 1 << 24
"""More is hung up on [bytes]."""
_WAITING = 2


def require_zmq() -> ModuleType:
    """Return pyzmq.

    Raises:
        ConfigError: it is not there; the message names the extra that brings it.
    """
    if importlib.util.find_spec('zmq') is None:
        raise ConfigError(
            "a LeKiwi on a network needs pyzmq: pip install 'lerobot_ros[lekiwi]', or "
            'apt install python3-zmq beside a ROS 2 installation'
        )
    return importlib.import_module('zmq')


class HostLink:
    """The robot's end: it listens.

    Args:
        address: of this machine.
        command_port: where commands come in; 0 takes a free one.
        observation_port: where observations go out; 0 takes a free one.
        dialect: how these are written.

    Attributes:
        ports: of commands and of observations.

    Raises:
        ConfigError: a port cannot be had.
    """

    def __init__(
        self, address: str, command_port: int, observation_port: int, dialect: Dialect
    ) -> None:
        self._zmq = zmq = require_zmq()
        self._context = zmq.Context()
        self._commands = self._context.socket(zmq.PULL)
        self._commands.setsockopt(zmq.CONFLATE, 1)
        self._commands.setsockopt(zmq.MAXMSGSIZE, LARGEST_COMMAND)
        self._observations = self._context.socket(zmq.PUSH)
        if dialect is Dialect.JSON:
            self._observations.setsockopt(zmq.CONFLATE, 1)
        self._observations.setsockopt(zmq.SNDHWM, _WAITING)
        try:
            self.ports = (
                self._bound(self._commands, address, command_port),
                self._bound(self._observations, address, observation_port),
            )
        except BaseException:
            self.close()
            raise

    def command(self) -> bytes | None:
        """Return the newest command that came since the last call, if one did."""
        try:
            data: bytes = self._commands.recv(self._zmq.NOBLOCK)
        except self._zmq.Again:
            return None
        return data

    def send(self, frames: list[bytes]) -> bool:
        """Send an observation, if anybody takes it; return whether somebody did."""
        try:
            self._observations.send_multipart(frames, self._zmq.NOBLOCK)
        except self._zmq.Again:
            return False
        return True

    def close(self) -> None:
        """Listen no more."""
        self._context.destroy(linger=0)

    def _bound(self, socket: Any, address: str, port: int) -> int:
        host = f'[{address}]' if ':' in address else address
        socket.setsockopt(self._zmq.LINGER, 0)
        socket.setsockopt(self._zmq.IPV6, ':' in address)
        try:
            socket.bind(f'tcp://{host}:{port or "*"}')
        except self._zmq.ZMQError as error:
            raise ConfigError(f'cannot listen on {address}, port {port}: {error}') from error
        endpoint: bytes = socket.getsockopt(self._zmq.LAST_ENDPOINT)
        return int(endpoint.rstrip(b'\0').rpartition(b':')[2])


class ClientLink:
    """The other end: it calls.

    Args:
        address: of the robot.
        command_port: where it takes commands.
        observation_port: where it gives observations.
    """

    def __init__(self, address: str, command_port: int, observation_port: int) -> None:
        self._zmq = zmq = require_zmq()
        self._context = zmq.Context()
        self._commands = self._context.socket(zmq.PUSH)
        self._commands.setsockopt(zmq.CONFLATE, 1)
        # What nobody was there to obey must not be obeyed when somebody comes.
        self._commands.setsockopt(zmq.IMMEDIATE, 1)
        self._observations = self._context.socket(zmq.PULL)
        self._observations.setsockopt(zmq.RCVHWM, _WAITING)
        self._observations.setsockopt(zmq.MAXMSGSIZE, LARGEST_OBSERVATION)
        host = f'[{address}]' if ':' in address else address
        for socket, port in (
            (self._commands, command_port),
            (self._observations, observation_port),
        ):
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.IPV6, 1)
            try:
                socket.connect(f'tcp://{host}:{port}')
            except zmq.ZMQError as error:
                self.close()
                raise DeviceError(f'cannot call {address}, port {port}: {error}') from error

    def send(self, data: bytes) -> None:
        """Send a command in place of any that is not sent yet; nobody may be there to take it."""
        try:
            self._commands.send(data, self._zmq.NOBLOCK)
        except self._zmq.Again:
            return

    def newest(self, timeout_s: float) -> list[bytes] | None:
        """Return the newest observation, waiting for one that is new; None if none comes."""
        if not self._observations.poll(round(timeout_s * 1e3)):
            return None
        frames: list[bytes] = self._observations.recv_multipart()
        while self._observations.poll(0):
            frames = self._observations.recv_multipart()
        return frames

    def close(self, linger_s: float = 0.0) -> None:
        """Hang up, when what was sent last is gone or the time is over."""
        self._context.destroy(linger=round(linger_s * 1e3))
