"""The servos' end of the Dynamixel wire protocol 2.0: requests in, status packets out.

Frames are ``FF FF FD 00 | id | length | instruction | parameters | CRC``, a status has instruction
55 and an error byte first (Robotis' e-manual, DYNAMIXEL Protocol 2.0).
"""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.sim.wire import BROADCAST_ID, Parser, Request

HEADER = b'\xff\xff\xfd\x00'
REBOOT = 0x08
STATUS = 0x55
FAST_SYNC_READ = 0x8A
BULK_READ = 0x92
BULK_WRITE = 0x93
FAST_BULK_READ = 0x9A

_OVERHEAD = 10
_HEAD, _TAIL = 7, 2
_FAST_OVERHEAD = 4
_LONGEST_BODY = 512
_ESCAPED, _PLAIN = b'\xff\xff\xfd\xfd', b'\xff\xff\xfd'


def _shifted(byte: int) -> int:
    """Return what the CRC-16 (x^16 + x^15 + x^2 + 1) makes of one byte, bit by bit."""
    register = byte << 8
    for _ in range(8):
        carry = register & 0x8000
        register = register << 1 & 0xFFFF
        if carry:
            register ^= 0x8005
    return register


_SHIFTED = [_shifted(byte) for byte in range(256)]


def checksum(frame: bytes, register: int = 0) -> int:
    """Return the CRC-16 of bytes behind those whose CRC-16 is given."""
    for byte in frame:
        register = register << 8 & 0xFF00 ^ _SHIFTED[register >> 8 ^ byte]
    return register


def encode_status(servo_id: int, error: int, parameters: bytes = b'') -> bytes:
    """Return a status packet as bytes on the wire."""
    body = bytes([STATUS, error, *parameters]).replace(_PLAIN, _ESCAPED)
    frame = HEADER + bytes([servo_id]) + (len(body) + _TAIL).to_bytes(2, 'little') + body
    return frame + checksum(frame).to_bytes(2, 'little')


class FastStatus:
    """One status packet that servos write in turn, each behind those before it.

    Each writes error, id and data, and the CRC of all that is on the wire so far. Nothing is
    stuffed: the first one writes the length of all.

    Args:
        sizes: how many bytes each servo will tell.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        length = 1 + sum(size + _FAST_OVERHEAD for size in sizes)
        self._head = HEADER + bytes([BROADCAST_ID]) + length.to_bytes(2, 'little')
        self._head += bytes([STATUS])
        self._register = 0

    def encode(self, servo_id: int, error: int, parameters: bytes = b'') -> bytes:
        """Return what the next servo puts on the wire."""
        share = self._head + bytes([error, servo_id]) + parameters
        register = checksum(share, self._register)
        share += register.to_bytes(2, 'little')
        self._head, self._register = b'', checksum(share[-2:], register)
        return share


class RequestParser2:
    """Finds requests in the bytes a host sends; what is no valid frame is skipped."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests that are complete with these bytes."""
        self._buffer += data
        requests = []
        while self._seek_header():
            end = _HEAD + int.from_bytes(self._buffer[5:7], 'little')
            if len(self._buffer) < end:
                break
            frame = bytes(self._buffer[:end])
            if checksum(frame[:-_TAIL]) == int.from_bytes(frame[-_TAIL:], 'little'):
                body = frame[_HEAD:-_TAIL].replace(_ESCAPED, _PLAIN)
                requests.append(Request(frame[4], body[0], body[1:], 2, _OVERHEAD))
                del self._buffer[:end]
            else:
                del self._buffer[:1]
        return requests

    def _seek_header(self) -> bool:
        """Drop bytes until a plausible frame begins; False when more are needed."""
        while True:
            start = self._buffer.find(HEADER)
            if start < 0:
                del self._buffer[: max(len(self._buffer) - 3, 0)]
                return False
            del self._buffer[:start]
            if len(self._buffer) < _HEAD:
                return False
            if 3 <= int.from_bytes(self._buffer[5:7], 'little') <= _LONGEST_BODY:
                return True
            del self._buffer[:1]


class DynamixelWire:
    """The protocol above."""

    def parser(self) -> Parser:
        """Return a parser of requests."""
        return RequestParser2()

    def encode_status(self, servo_id: int, error: int, parameters: bytes = b'') -> bytes:
        """Return a status packet as bytes on the wire."""
        return encode_status(servo_id, error, parameters)
