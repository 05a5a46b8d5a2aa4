"""What buses of packets have in common: requests sent, replies found, echoes passed over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import BusCorruptError, BusTimeoutError
from lerobot_drivers.motors.motors_bus import MotorsBus, Reply

BITS_PER_BYTE = 10
MAX_NOISE = 512
"""Stray bytes in front of a reply that are put up with: late replies of others, above all."""


class Status(Protocol):
    """A motor's reply, taken apart."""

    @property
    def code(self) -> int:
        """Its error bits."""
        ...

    @property
    def parameters(self) -> bytes:
        """What it carries."""
        ...


class PacketProtocol(Protocol):
    """A wire protocol: bytes in, bytes out, no I/O; the module ``packet`` is one.

    Attributes:
        STATUS_OVERHEAD: bytes of a status packet around its parameters.
        SYNC_READ_OVERHEAD: bytes of a sync-read request around its ids.
    """

    STATUS_OVERHEAD: int
    SYNC_READ_OVERHEAD: int

    def ping(self, motor_id: int) -> bytes:
        """Return the request for a motor's bare status."""
        ...

    def read(self, motor_id: int, address: int, length: int) -> bytes:
        """Return the request for bytes of one motor."""
        ...

    def write(self, motor_id: int, address: int, data: bytes) -> bytes:
        """Return the request to write bytes of one motor."""
        ...

    def sync_read(self, motor_ids: Sequence[int], address: int, length: int) -> bytes:
        """Return the request for the same bytes of several motors."""
        ...

    def sync_write(self, address: int, data: Mapping[int, bytes]) -> bytes:
        """Return the request to write the same bytes of several motors."""
        ...

    def holds_any(self, received: bytes) -> bool:
        """Return whether a whole packet, of any motor, is in there."""
        ...

    def find_status(
        self, received: bytes, motor_id: int, length: int, start: int = 0
    ) -> tuple[Status, int]:
        """Find one motor's reply, and where the bytes behind it begin."""
        ...


class PacketBus(MotorsBus):
    """Servos behind one port that speak in packets.

    Attributes:
        protocol: the packets.
    """

    protocol: ClassVar[PacketProtocol]
    _echoes: bool | None = None
    """Whether the adapter sends back what is sent through it; None is not known yet."""

    def _ping(self, motor_id: int) -> Reply:
        return self._exchange(self.protocol.ping(motor_id), [motor_id], 0)[motor_id]

    def _read(self, motor_id: int, address: int, length: int) -> Reply:
        request = self.protocol.read(motor_id, address, length)
        return self._exchange(request, [motor_id], length)[motor_id]

    def _write(self, motor_id: int, address: int, data: bytes) -> Reply:
        request = self.protocol.write(motor_id, address, data)
        return self._exchange(request, [motor_id], 0)[motor_id]

    def _sync_read(self, ids: Sequence[int], address: int, length: int) -> dict[int, Reply]:
        return self._exchange(self.protocol.sync_read(ids, address, length), ids, length)

    def _wire_ns(self, motors: int, length: int) -> int:
        request = self.protocol.SYNC_READ_OVERHEAD + motors
        replies = motors * (length + self.protocol.STATUS_OVERHEAD)
        return (request + replies) * BITS_PER_BYTE * NS_PER_S // self.port.baudrate

    def _sync_write(self, address: int, data: Mapping[int, bytes]) -> None:
        self.port.flush_input()
        self.port.write(self.protocol.sync_write(address, data))

    def _exchange(self, request: bytes, ids: Sequence[int], length: int) -> dict[int, Reply]:
        size = len(ids) * (length + self.protocol.STATUS_OVERHEAD)

        def find(received: bytes) -> dict[int, Reply]:
            return self._replies(received, ids, length)

        return self._converse(request, ids, size, find)

    def _converse(
        self,
        request: bytes,
        ids: Sequence[int],
        size: int,
        find: Callable[[bytes], dict[int, Reply]],
    ) -> dict[int, Reply]:
        """Send a request; return what ``find`` makes of the bytes that come behind its echo."""

        def behind(received: bytes) -> dict[int, Reply]:
            return find(self._behind_echo(received, request))

        expected = size + len(request) if self._echoes else size
        received, replies = self._ask(request, expected, behind)
        if replies is None:
            rest = self._behind_echo(received, request)
            if len(rest) >= size:
                raise BusCorruptError(f'no reply of {self._labels(ids)} in {rest.hex(" ")}')
            return behind(received)
        if self._echoes is None:
            self._echoes = request in received
        return replies

    def _fence(self, motor_id: int, length: int) -> None:
        request = self.protocol.read(motor_id, 0, length)
        size = length + self.protocol.STATUS_OVERHEAD

        # Echoes need no care: as a status, none is of a fence's length. Nor do refusals, which
        # carry nothing: a fence is never refused, so they answer what was given up.
        def find(received: bytes) -> dict[int, Reply]:
            position = 0
            while True:
                status, position = self.protocol.find_status(received, motor_id, length, position)
                if len(status.parameters) == length:
                    return {motor_id: Reply(status.parameters, status.code)}

        received, replies = self._ask(request, size, find)
        if replies is None:
            is_status = len(received) <= self.protocol.STATUS_OVERHEAD
            if not is_status and not self.protocol.holds_any(received):
                said = f'no reply of {self._labels([motor_id])} in {received.hex(" ")}'
                raise BusCorruptError(said)
            raise BusTimeoutError(f'no reply from {self._labels([motor_id])}')
        self._echoes = bool(self._echoes) or request in received

    def _ask(
        self, request: bytes, size: int, find: Callable[[bytes], dict[int, Reply]]
    ) -> tuple[bytes, dict[int, Reply] | None]:
        """Send a request; return what came, and the replies found in it, if any."""
        self.port.flush_input()
        self.port.write(request)
        end_ns = self.clock.monotonic_ns() + round(self.settings.timeout_s * NS_PER_S)
        received, wanted = b'', size
        while True:
            chunk = self.port.read(wanted, self.settings.timeout_s)
            received += chunk
            with contextlib.suppress(BusTimeoutError):
                return received, find(received)
            over = len(received) > size + MAX_NOISE or self.clock.monotonic_ns() > end_ns
            if over or len(chunk) < wanted:
                return received, None
            # Something else came in front: late replies of others, noise, an echo.
            wanted = 1

    def _behind_echo(self, received: bytes, request: bytes) -> bytes:
        """Return what came behind the request's echo, or all when the adapter has none.

        Until the first fence tells, an echo is taken for one: a read's is like a status.
        """
        if self._echoes is False:
            return received
        _, echo, behind = received.partition(request)
        return behind if echo or self._echoes else received

    def _replies(self, received: bytes, ids: Sequence[int], length: int) -> dict[int, Reply]:
        position = 0
        replies, missing, damaged = {}, [], []
        for motor_id in ids:
            try:
                status, position = self.protocol.find_status(received, motor_id, length, position)
            except BusTimeoutError:
                missing.append(motor_id)
            except BusCorruptError:
                damaged.append(motor_id)
            else:
                replies[motor_id] = Reply(status.parameters, status.code)
        if damaged:
            raise BusCorruptError(f'damaged reply from {self._labels(damaged)}')
        if missing:
            raise BusTimeoutError(f'no reply, or only part of one, from {self._labels(missing)}')
        return replies
