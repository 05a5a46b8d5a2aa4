"""Protocol 2.0 frames as others write and read them, made here by hand.

The CRC is taken as a division of polynomials, unlike the driver's table and the emulator's
register.
"""

from __future__ import annotations

DIVISOR = 0x18005
STATUS = 0x55


def crc(data: bytes) -> int:
    remainder = int.from_bytes(data, 'big') << 16
    while remainder.bit_length() > 16:
        remainder ^= DIVISOR << remainder.bit_length() - 17
    return remainder


def frame(motor_id: int, body: bytes) -> bytes:
    """Return a frame around instruction and parameters, which are stuffed here byte by byte."""
    stuffed = bytearray()
    for byte in body:
        stuffed.append(byte)
        if stuffed[-3:] == b'\xff\xff\xfd':
            stuffed.append(0xFD)
    size = len(stuffed) + 2
    head = bytes([0xFF, 0xFF, 0xFD, 0, motor_id, size & 0xFF, size >> 8])
    check = crc(head + stuffed)
    return head + bytes(stuffed) + bytes([check & 0xFF, check >> 8])


def request(motor_id: int, instruction: int, *parameters: int) -> bytes:
    return frame(motor_id, bytes([instruction, *parameters]))


def status(motor_id: int, data: bytes = b'', error: int = 0) -> bytes:
    return frame(motor_id, bytes([STATUS, error]) + bytes(data))


def fast_status(shares: list[tuple[int, bytes, int]]) -> bytes:
    """Return the one status that motors write in turn: id, data and error of each."""
    size = 1 + sum(len(data) + 4 for _, data, _ in shares)
    made = bytes([0xFF, 0xFF, 0xFD, 0, 0xFE, size & 0xFF, size >> 8, STATUS])
    for motor_id, data, error in shares:
        made += bytes([error, motor_id]) + bytes(data)
        check = crc(made)
        made += bytes([check & 0xFF, check >> 8])
    return made


def parse(data: bytes) -> tuple[int, int, bytes]:
    """Return id, instruction and parameters of the one whole frame that this must be."""
    assert data[:4] == b'\xff\xff\xfd\x00' and len(data) == 7 + data[5] + 256 * data[6], data
    assert crc(data[:-2]) == data[-2] + 256 * data[-1], 'CRC'
    body = bytearray()
    rest = iter(data[7:-2])
    for byte in rest:
        body.append(byte)
        if body[-3:] == b'\xff\xff\xfd':
            assert next(rest) == 0xFD, 'stuffing'
    return data[4], body[0], bytes(body[1:])


def word(data: bytes, at: int = 0) -> int:
    return data[at] | data[at + 1] << 8
