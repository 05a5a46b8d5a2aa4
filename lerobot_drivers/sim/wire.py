"""The servos' end of the Feetech wire protocol: requests in, status packets out.

Frames are ``FF FF | id | length | instruction | parameters | checksum``, a status has
an error byte in place of the instruction (Feetech's communication protocol manual;
the layout is Dynamixel 1.0's).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

BROADCAST_ID = 0xFE
HEADER = b'\xff\xff'

PING = 0x01
READ = 0x02
WRITE = 0x03
REG_WRITE = 0x04
ACTION = 0x05
SYNC_READ = 0x82
SYNC_WRITE = 0x83

_SHORTEST = 6
_LONGEST_BODY = 250


@dataclass(frozen=True)
class Request:
    """What a host asks of one servo or, with the broadcast id, of all.

    Attributes:
        id: the servo's id, or ``BROADCAST_ID``.
        instruction: what to do; the numbers are the same in both protocols.
        parameters: how.
        word: bytes of an address and of a length in the parameters.
        overhead: bytes around the parameters on the wire.
    """

    id: int
    instruction: int
    parameters: bytes
    word: int = 1
    overhead: int = _SHORTEST

    @property
    def size(self) -> int:
        """Bytes of it on the wire, nothing stuffed."""
        return self.overhead + len(self.parameters)

    @property
    def address(self) -> int:
        """The register it begins at."""
        return int.from_bytes(self.parameters[: self.word], 'little')

    @property
    def length(self) -> int:
        """How many bytes, of a read, a sync-read or a sync-write."""
        return int.from_bytes(self.parameters[self.word : 2 * self.word], 'little')

    @property
    def data(self) -> bytes:
        """What is behind the address: the bytes to write."""
        return self.parameters[self.word :]

    @property
    def items(self) -> bytes:
        """What is behind address and length: ids, and the data of a sync-write."""
        return self.parameters[2 * self.word :]


def checksum(body: bytes) -> int:
    """Return the checksum of id, length, instruction or error, and parameters."""
    return ~sum(body) & 0xFF


def encode_status(servo_id: int, error: int, parameters: bytes = b'') -> bytes:
    """Return a status packet as bytes on the wire."""
    body = bytes([servo_id, len(parameters) + 2, error]) + parameters
    return HEADER + body + bytes([checksum(body)])


class Parser(Protocol):
    """Finds requests in the bytes that a host sends."""

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests that are complete with these bytes."""
        ...


class Wire(Protocol):
    """The servos' end of a wire protocol."""

    def parser(self) -> Parser:
        """Return a parser of requests."""
        ...

    def encode_status(self, servo_id: int, error: int, parameters: bytes = b'') -> bytes:
        """Return a status packet as bytes on the wire."""
        ...


class RequestParser:
    """Finds requests in the bytes a host sends; what is no valid frame is skipped."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests that are complete with these bytes."""
        self._buffer += data
        requests = []
        while self._seek_header():
            length = self._buffer[3]
            if len(self._buffer) < length + 4:
                break
            body = bytes(self._buffer[2 : length + 3])
            if checksum(body) == self._buffer[length + 3]:
                requests.append(Request(body[0], body[2], body[3:]))
                del self._buffer[: length + 4]
            else:
                del self._buffer[:1]
        return requests

    def _seek_header(self) -> bool:
        """Drop bytes until a plausible frame begins; False when more are needed."""
        while True:
            start = self._buffer.find(HEADER)
            if start < 0:
                del self._buffer[: max(len(self._buffer) - 1, 0)]
                return False
            del self._buffer[:start]
            if len(self._buffer) < 4:
                return False
            if self._buffer[2] != 0xFF and 2 <= self._buffer[3] <= _LONGEST_BODY:
                return True
            del self._buffer[:1]


class FeetechWire:
    """The protocol above."""

    def parser(self) -> Parser:
        """Return a parser of requests."""
        return RequestParser()

    def encode_status(self, servo_id: int, error: int, parameters: bytes = b'') -> bytes:
        """Return a status packet as bytes on the wire."""
        return encode_status(servo_id, error, parameters)
