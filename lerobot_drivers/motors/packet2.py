"""Protocol 2.0 packets (Dynamixel): bytes in, bytes out, no I/O.

::

    FF FF FD 00 | id | length | instruction | parameters | CRC

``length`` counts what follows it, two bytes; the CRC is CRC-16 (polynomial 0x8005) of all before
it. Where instruction and parameters hold ``FF FF FD``, another ``FD`` is put behind it. A status
packet has the instruction 0x55 and an error byte in front of its parameters. Source: Robotis'
e-manual, DYNAMIXEL Protocol 2.0; frames published by others decode in the tests.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from lerobot_drivers.common.errors import BusCorruptError, BusError, BusTimeoutError

HEADER = b'\xff\xff\xfd\x00'
BROADCAST_ID = 0xFE
STATUS_OVERHEAD = 11
"""Bytes of a status packet around its parameters, nothing stuffed."""
SYNC_READ_OVERHEAD = 14
FAST_OVERHEAD, FAST_SHARE = 8, 4
"""Bytes of a fast sync-read's one status around the shares, and of a share around its data."""
RESULT_BITS, ALERT = 0x7F, 0x80
"""Of an error byte: why the motor refused, and whether its hardware is in error."""
_BEFORE_LENGTH, _BEFORE_BODY = 5, 7
_PATTERN, _STUFFED = b'\xff\xff\xfd', b'\xff\xff\xfd\xfd'
_CRC_SIZE = 2
_LONGEST = 1024


class Instruction(IntEnum):
    """What a packet asks of a motor."""

    PING = 0x01
    READ = 0x02
    WRITE = 0x03
    REG_WRITE = 0x04
    ACTION = 0x05
    REBOOT = 0x08
    STATUS = 0x55
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83
    FAST_SYNC_READ = 0x8A


@dataclass(frozen=True)
class Packet:
    """One packet, either way.

    Attributes:
        id: the motor's id.
        instruction: what is asked, or that it is a status.
        parameters: what follows; of a status without its error byte.
        code: a status' error byte, 0 else.
    """

    id: int
    instruction: int
    parameters: bytes = b''
    code: int = 0

    def encode(self) -> bytes:
        """Return the bytes on the wire."""
        error = bytes([self.code]) if self.instruction == Instruction.STATUS else b''
        body = bytes([self.instruction]) + error + self.parameters
        body = body.replace(_PATTERN, _STUFFED)
        frame = HEADER + struct.pack('<BH', self.id, len(body) + _CRC_SIZE) + body
        return frame + struct.pack('<H', crc(frame))


def crc(data: bytes) -> int:
    """Return the CRC-16 of all bytes before it; two of them at a time."""
    value, whole = 0, len(data) // 2
    for pair in struct.unpack_from(f'>{whole}H', data):
        value = _CRC_PAIRS[value ^ pair]
    return _next_crc(value, data[-1]) if len(data) % 2 else value


def ping(motor_id: int) -> bytes:
    """Return the request for a motor's model number and firmware, three bytes."""
    return Packet(motor_id, Instruction.PING).encode()


def reboot(motor_id: int) -> bytes:
    """Return the request to start anew, which clears hardware errors."""
    return Packet(motor_id, Instruction.REBOOT).encode()


def read(motor_id: int, address: int, length: int) -> bytes:
    """Return the request for ``length`` bytes from ``address``."""
    return Packet(motor_id, Instruction.READ, struct.pack('<HH', address, length)).encode()


def write(motor_id: int, address: int, data: bytes) -> bytes:
    """Return the request to write data at ``address``."""
    return Packet(motor_id, Instruction.WRITE, struct.pack('<H', address) + data).encode()


def sync_read(motor_ids: Sequence[int], address: int, length: int) -> bytes:
    """Return the request for the same bytes of several motors; they reply in turn."""
    parameters = struct.pack('<HH', address, length) + bytes(motor_ids)
    return Packet(BROADCAST_ID, Instruction.SYNC_READ, parameters).encode()


def fast_sync_read(motor_ids: Sequence[int], address: int, length: int) -> bytes:
    """Return the request for the same bytes of several motors, who make one status of them."""
    parameters = struct.pack('<HH', address, length) + bytes(motor_ids)
    return Packet(BROADCAST_ID, Instruction.FAST_SYNC_READ, parameters).encode()


def sync_write(address: int, data: Mapping[int, bytes]) -> bytes:
    """Return the request to write each motor its data at ``address``; none replies."""
    (length,) = {len(each) for each in data.values()}
    blocks = b''.join(bytes([motor_id]) + each for motor_id, each in data.items())
    parameters = struct.pack('<HH', address, length) + blocks
    return Packet(BROADCAST_ID, Instruction.SYNC_WRITE, parameters).encode()


def decode(frame: bytes) -> Packet:
    """Take one whole packet apart.

    Raises:
        BusTimeoutError: it is cut short.
        BusCorruptError: header, length or CRC is wrong.
    """
    if frame[: len(HEADER)] != HEADER[: len(frame)]:
        raise BusCorruptError(f'no packet header in {frame.hex(" ") or "nothing"}')
    if len(frame) < _BEFORE_BODY or len(frame) < _size(frame):
        raise BusTimeoutError(f'packet cut short: {frame.hex(" ") or "nothing"}')
    if len(frame) != _size(frame) or len(frame) < _BEFORE_BODY + 1 + _CRC_SIZE:
        raise BusCorruptError(f'packet length is wrong: {frame.hex(" ")}')
    if crc(frame[:-_CRC_SIZE]) != int.from_bytes(frame[-_CRC_SIZE:], 'little'):
        raise BusCorruptError(f'wrong CRC in {frame.hex(" ")}')
    body = frame[_BEFORE_BODY:-_CRC_SIZE].replace(_STUFFED, _PATTERN)
    if body[0] != Instruction.STATUS:
        return Packet(frame[4], body[0], body[1:])
    if len(body) == 1:
        raise BusCorruptError(f'a status without its error byte: {frame.hex(" ")}')
    return Packet(frame[4], body[0], body[2:], body[1])


def holds_any(received: bytes) -> bool:
    """Return whether a whole packet, of any motor, is in there."""
    return any(True for _ in _packets(received))


def find_status(received: bytes, motor_id: int, length: int, start: int = 0) -> tuple[Packet, int]:
    """Find one motor's reply behind whatever an adapter echoed.

    Args:
        received: all bytes so far.
        motor_id: whose reply.
        length: how many parameters it must carry, unless it is a refusal.
        start: where to begin.

    Returns:
        The reply, and where the bytes behind it begin.

    Raises:
        BusTimeoutError: no whole reply of this motor and length is there.
        BusCorruptError: there is one, with a wrong CRC.
    """
    damaged = False
    found = received.find(HEADER, start)
    while found >= 0:
        frame = _frame(received, found)
        if frame is not None:
            try:
                packet = decode(frame)
            except BusError:
                damaged |= frame[4] == motor_id and len(frame) >= length + STATUS_OVERHEAD
            else:
                if _is_reply(packet, motor_id, length):
                    return packet, found + len(frame)
        found = received.find(HEADER, found + 1)
    if damaged:
        raise BusCorruptError(f'motor {motor_id}: wrong CRC in {received.hex(" ")}')
    raise BusTimeoutError(f'motor {motor_id}: no whole reply in {received.hex(" ") or "nothing"}')


def find_fast_status(received: bytes, motor_ids: Sequence[int], length: int) -> list[Packet]:
    """Find the status of a fast sync-read, and take the motors' shares of it apart.

    Each motor adds error, id, data and the CRC of all so far. Nothing in it is stuffed, as the
    first motor tells the length of all.

    Raises:
        BusTimeoutError: no whole status of these motors and this length is there.
        BusCorruptError: there is one, with a wrong CRC.
    """
    share = length + FAST_SHARE
    head = HEADER + struct.pack(
        '<BHB', BROADCAST_ID, len(motor_ids) * share + 1, Instruction.STATUS
    )
    size = len(head) + len(motor_ids) * share
    damaged = False
    start = received.find(head)
    while 0 <= start <= len(received) - size:
        frame = received[start : start + size]
        shares = [frame[at : at + share] for at in range(len(head), size, share)]
        is_whole = crc(frame[:-_CRC_SIZE]) == int.from_bytes(frame[-_CRC_SIZE:], 'little')
        if is_whole and [each[1] for each in shares] == list(motor_ids):
            return [
                Packet(each[1], Instruction.STATUS, each[2:-_CRC_SIZE], each[0]) for each in shares
            ]
        damaged |= not is_whole
        start = received.find(head, start + 1)
    said = f'motors {", ".join(map(str, motor_ids))}'
    if damaged:
        raise BusCorruptError(f'{said}: wrong CRC in {received.hex(" ")}')
    raise BusTimeoutError(f'{said}: no whole reply in {received.hex(" ") or "nothing"}')


def _is_reply(packet: Packet, motor_id: int, length: int) -> bool:
    if packet.id != motor_id or packet.instruction != Instruction.STATUS:
        return False
    is_refusal = bool(packet.code & RESULT_BITS) and not packet.parameters
    return len(packet.parameters) == length or is_refusal


def _packets(received: bytes) -> list[Packet]:
    found, packets = received.find(HEADER), []
    while found >= 0:
        frame = _frame(received, found)
        try:
            if frame is not None and (packet := decode(frame)).id < BROADCAST_ID:
                packets.append(packet)
        except BusError:
            pass
        found = received.find(HEADER, found + 1)
    return packets


def _frame(received: bytes, start: int) -> bytes | None:
    """Return the frame that begins somewhere, None if it is not whole."""
    if len(received) < start + _BEFORE_BODY:
        return None
    size = _size(received[start : start + _BEFORE_BODY])
    whole = size <= _LONGEST and len(received) >= start + size
    return received[start : start + size] if whole else None


def _size(frame: bytes) -> int:
    return _BEFORE_BODY + int.from_bytes(frame[_BEFORE_LENGTH:_BEFORE_BODY], 'little')


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 8
        for _ in range(8):
            value = (value << 1 ^ (0x8005 if value & 0x8000 else 0)) & 0xFFFF
        table.append(value)
    return tuple(table)


def _next_crc(value: int, byte: int) -> int:
    return (value << 8 & 0xFFFF) ^ _CRC_TABLE[(value >> 8) ^ byte]


_CRC_TABLE = _crc_table()
_CRC_PAIRS = array('H', (_next_crc(_next_crc(value, 0), 0) for value in range(1 << 16)))
