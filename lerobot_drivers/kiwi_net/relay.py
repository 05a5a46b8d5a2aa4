"""Pictures of a LeKiwi's host on their way to the cameras' own processes, within this machine.

A host gives each observation to one client alone, so whoever has it hands its pictures on,
through a socket in a folder that is this user's only.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.kiwi_net.links import LARGEST_OBSERVATION, require_zmq
from lerobot_drivers.sim.runtime import runtime_dir

_WAITING = 2
_STAMP_BYTES = 8


def relay_address(host: str) -> str:
    """Return where the pictures of a host, ``address:port``, are handed on."""
    return f'ipc://{runtime_dir() / f"kiwi-{zlib.crc32(host.encode()):08x}.sock"}'


class PictureRelay:
    """Hands pictures on to whoever listens; who is slow misses some.

    Args:
        host: whose pictures, ``address:port``.
    """

    def __init__(self, host: str) -> None:
        self._zmq = zmq = require_zmq()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.SNDHWM, _WAITING)
        try:
            self._socket.bind(relay_address(host))
        except zmq.ZMQError as error:
            self.close()
            raise DeviceError(f'pictures of {host} cannot be handed on: {error}') from error

    def publish(self, pictures: Mapping[str, bytes], stamp_ns: int) -> None:
        """Hand on pictures that came together."""
        stamp = stamp_ns.to_bytes(_STAMP_BYTES, 'little')
        for name, jpeg in pictures.items():
            if jpeg:
                self._socket.send_multipart([name.encode(), stamp, jpeg], self._zmq.NOBLOCK)

    def close(self) -> None:
        """Hand on no more."""
        self._context.destroy(linger=0)


class PictureLine:
    """One camera's end of that.

    Args:
        host: whose pictures, ``address:port``.
        camera: its name there.
    """

    def __init__(self, host: str, camera: str) -> None:
        zmq = require_zmq()
        self._camera = camera.encode()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, _WAITING)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_OBSERVATION)
        self._socket.setsockopt(zmq.SUBSCRIBE, self._camera)
        self._socket.connect(relay_address(host))

    def next(self, timeout_s: float) -> tuple[bytes, int] | None:
        """Return the next JPEG and when it came [ns]; None if none comes in time."""
        while self._socket.poll(round(timeout_s * 1e3)):
            name, stamp, jpeg = self._socket.recv_multipart()
            if name == self._camera:  # and not one whose name only begins alike
                return jpeg, int.from_bytes(stamp, 'little')
        return None

    def close(self) -> None:
        """Listen no more."""
        self._context.destroy(linger=0)
