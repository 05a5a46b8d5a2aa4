"""Pictures from a world to one client: shared memory for the pixels, a socket for the news.

The world draws into a ring of slots and sends which slot holds which picture. A slot
begins with the number of its picture, so that a reader who was too slow notices.
The memory has no name: nothing stays behind when both sides are gone.
"""

from __future__ import annotations

import mmap
import os
import socket
import struct
import time
from contextlib import suppress
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.channel import Message
from lerobot_drivers.common.errors import DeviceError

SLOTS = 6
_HEADER = 64
_NUMBER = struct.Struct('<Q')
_NEWS = struct.Struct('<IQq')


class PictureRing:
    """The world's side: slots to draw into, and a socket to tell of them."""

    def __init__(self, connection: socket.socket, shape: tuple[int, int, int]) -> None:
        self._connection = connection
        self._shape = shape
        self._slot_size = _HEADER + int(np.prod(shape))
        self._number = 0
        self._memory_fd = os.memfd_create('lerobot_ros_pictures', os.MFD_CLOEXEC)
        os.ftruncate(self._memory_fd, SLOTS * self._slot_size)
        self._memory = mmap.mmap(self._memory_fd, SLOTS * self._slot_size)

    def offer(self) -> None:
        """Hand the memory to the client; it follows the reply to its request."""
        socket.send_fds(self._connection, [b'm'], [self._memory_fd])

    def begin(self) -> NDArray[np.uint8]:
        """Return the next slot to draw into; what it held is lost from now on."""
        self._number += 1
        offset = self._offset()
        _NUMBER.pack_into(self._memory, offset, 0)
        pixels = np.frombuffer(self._memory, np.uint8, int(np.prod(self._shape)), offset + _HEADER)
        return pixels.reshape(self._shape)

    def publish(self, stamp_ns: int) -> None:
        """Tell the client of the picture drawn last; dropped when it does not listen.

        Raises:
            OSError: the client has gone.
        """
        _NUMBER.pack_into(self._memory, self._offset(), self._number)
        news = _NEWS.pack(self._number % SLOTS, self._number, stamp_ns)
        with suppress(BlockingIOError):
            self._connection.send(news, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def close(self) -> None:
        """Free the memory on this side; drawn slots must not be used any more."""
        os.close(self._memory_fd)
        self._connection.close()

    def _offset(self) -> int:
        return self._number % SLOTS * self._slot_size


class CameraStream:
    """The client's side: each picture once, in order, with its time of exposure."""

    def __init__(
        self, connection: socket.socket, name: str, shape: tuple[int, int, int], memory_fd: int
    ) -> None:
        self.shape = shape
        self._connection: socket.socket | None = connection
        self._name = name
        self._slot_size = _HEADER + int(np.prod(shape))
        self._memory = mmap.mmap(memory_fd, SLOTS * self._slot_size, prot=mmap.PROT_READ)
        self._pending = bytearray()

    @classmethod
    def receive(cls, connection: socket.socket, name: str, reply: Message) -> CameraStream:
        """Take over the connection on which a world has accepted a stream.

        Raises:
            DeviceError: the world has gone.
        """
        try:
            _, fds, _, _ = socket.recv_fds(connection, 1, 1)
        except OSError as error:
            raise DeviceError(f'simulated camera {name} does not answer: {error}') from error
        if not fds:
            raise DeviceError(f'simulated camera {name}: its world has ended')
        try:
            height, width, channels = reply['shape']
            return cls(connection, name, (height, width, channels), fds[0])
        finally:
            os.close(fds[0])

    def read(self, timeout_s: float = 1.0) -> tuple[NDArray[np.uint8], int]:
        """Return the next picture and its time of exposure [ns since the epoch].

        Args:
            timeout_s: longest wait [s].

        Raises:
            DeviceError: no picture came in time, or the world has gone.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            slot, number, stamp_ns = self._next_news(deadline, timeout_s)
            image = self._copy(slot, number)
            if image is not None:
                return image, stamp_ns

    def close(self) -> None:
        """Stop the stream; harmless when done already."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._memory.close()

    def __enter__(self) -> CameraStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _next_news(self, deadline: float, timeout_s: float) -> tuple[int, int, int]:
        if self._connection is None:
            raise DeviceError(f'simulated camera {self._name} is closed')
        while len(self._pending) < _NEWS.size:
            self._connection.settimeout(max(deadline - time.monotonic(), 1e-3))
            try:
                piece = self._connection.recv(_NEWS.size - len(self._pending))
            except TimeoutError:
                raise DeviceError(
                    f'simulated camera {self._name}: no picture within {timeout_s:g} s'
                ) from None
            except OSError as error:
                raise DeviceError(f'simulated camera {self._name} failed: {error}') from error
            if not piece:
                raise DeviceError(f'simulated camera {self._name}: its world has ended')
            self._pending += piece
        news = _NEWS.unpack(self._pending)
        self._pending.clear()
        return news

    def _copy(self, slot: int, number: int) -> NDArray[np.uint8] | None:
        """Return the picture, or None when the world has drawn over it meanwhile."""
        offset = slot * self._slot_size
        if _NUMBER.unpack_from(self._memory, offset)[0] != number:
            return None
        size = int(np.prod(self.shape))
        image = np.frombuffer(self._memory, np.uint8, size, offset + _HEADER).copy()
        if _NUMBER.unpack_from(self._memory, offset)[0] != number:
            return None
        return np.asarray(image.reshape(self.shape))
