"""Protocol 1 packets (Feetech SCS/STS, Dynamixel 1.0): bytes in, bytes out, no I/O.

::

    FF FF | id | length | instruction or error | parameters | checksum

``length`` counts what follows it; the checksum is the complement of the sum of all
between header and checksum. Sources: Feetech's protocol manual; frames published by
others decode in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from lerobot_drivers.common.errors import BusCorruptError, BusError, BusTimeoutError

HEADER = b'\xff\xff'
BROADCAST_ID = 0xFE
STATUS_OVERHEAD = 6
"""Bytes of a status packet around its parameters."""
SYNC_READ_OVERHEAD = 8


class Instruction(IntEnum):
    """What a packet asks of a motor."""

    PING = 0x01
    READ = 0x02
    WRITE = 0x03
    REG_WRITE = 0x04
    ACTION = 0x05
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83


class StatusError(IntFlag):
    """What a motor complains about in each of its replies (Feetech)."""

    VOLTAGE = 1
    SENSOR = 2
    OVERHEAT = 4
    OVERCURRENT = 8
    OVERLOAD = 32


@dataclass(frozen=True)
class Packet:
    """One packet, either way.

    Attributes:
        id: the motor's id.
        code: the instruction, or the error bits of a status packet.
        parameters: what follows.
    """

    id: int
    code: int
    parameters: bytes = b''

    def encode(self) -> bytes:
        """Return the bytes on the wire."""
        body = bytes([self.id, len(self.parameters) + 2, self.code]) + self.parameters
        return HEADER + body + bytes([checksum(body)])


def checksum(body: bytes) -> int:
    """Return the checksum of all bytes between header and checksum."""
    return ~sum(body) & 0xFF


def ping(motor_id: int) -> bytes:
    """Return the request for a motor's bare status."""
    return Packet(motor_id, Instruction.PING).encode()


def read(motor_id: int, address: int, length: int) -> bytes:
    """Return the request for ``length`` bytes from ``address``."""
    return Packet(motor_id, Instruction.READ, bytes([address, length])).encode()


def write(motor_id: int, address: int, data: bytes) -> bytes:
    """Return the request to write data at ``address``."""
    return Packet(motor_id, Instruction.WRITE, bytes([address]) + data).encode()


def sync_read(motor_ids: Sequence[int], address: int, length: int) -> bytes:
    """Return the request for the same bytes of several motors; they reply in turn."""
    parameters = bytes([address, length, *motor_ids])
    return Packet(BROADCAST_ID, Instruction.SYNC_READ, parameters).encode()


def sync_write(address: int, data: Mapping[int, bytes]) -> bytes:
    """Return the request to write each motor its data at ``address``; none replies."""
    (length,) = {len(each) for each in data.values()}
    blocks = b''.join(bytes([motor_id]) + each for motor_id, each in data.items())
    parameters = bytes([address, length]) + blocks
    return Packet(BROADCAST_ID, Instruction.SYNC_WRITE, parameters).encode()


def decode(frame: bytes) -> Packet:
    """Take one whole packet apart.

    Raises:
        BusTimeoutError: it is cut short.
        BusCorruptError: header, length or checksum is wrong.
    """
    if frame[: len(HEADER)] != HEADER[: len(frame)]:
        raise BusCorruptError(f'no packet header in {frame.hex(" ") or "nothing"}')
    if len(frame) < STATUS_OVERHEAD or len(frame) < frame[3] + 4:
        raise BusTimeoutError(f'packet cut short: {frame.hex(" ") or "nothing"}')
    if len(frame) != frame[3] + 4 or frame[3] < 2:
        raise BusCorruptError(f'packet length is not {frame[3]}: {frame.hex(" ")}')
    if checksum(frame[2:-1]) != frame[-1]:
        raise BusCorruptError(f'wrong checksum in {frame.hex(" ")}')
    return Packet(frame[2], frame[4], frame[5:-1])


def holds_any(received: bytes) -> bool:
    """Return whether a whole packet, of any motor, is in there."""
    return any(
        _is_whole(received[start : start + length + 4])
        for start, length in enumerate(received[3:])
    )


def _is_whole(frame: bytes) -> bool:
    try:
        return decode(frame).id < BROADCAST_ID
    except BusError:
        return False


def find_status(received: bytes, motor_id: int, length: int, start: int = 0) -> tuple[Packet, int]:
    """Find one motor's reply behind whatever an adapter echoed.

    Args:
        received: all bytes so far.
        motor_id: whose reply.
        length: how many parameters it must carry.
        start: where to begin.

    Returns:
        The reply, and where the bytes behind it begin.

    Raises:
        BusTimeoutError: no whole reply of this motor and length is there.
        BusCorruptError: there is one, with a wrong checksum.
    """
    size = length + STATUS_OVERHEAD
    wanted = HEADER + bytes([motor_id, length + 2])
    damaged = False
    found = received.find(wanted, start)
    while 0 <= found <= len(received) - size:
        frame = received[found : found + size]
        if checksum(frame[2:-1]) == frame[-1]:
            return decode(frame), found + size
        damaged = True
        found = received.find(wanted, found + 1)
    if damaged:
        raise BusCorruptError(f'motor {motor_id}: wrong checksum in {received.hex(" ")}')
    raise BusTimeoutError(f'motor {motor_id}: no whole reply in {received.hex(" ") or "nothing"}')
