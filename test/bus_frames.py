"""Requests as a host writes them, made here by hand."""

from __future__ import annotations


def packet(servo_id: int, instruction: int, *parameters: int) -> bytes:
    body = bytes([servo_id, len(parameters) + 2, instruction, *parameters])
    return b'\xff\xff' + body + bytes([~sum(body) & 0xFF])


def split(data: bytes) -> list[bytes]:
    """Cut status packets apart; each must begin with a header."""
    packets = []
    while data:
        assert data[:2] == b'\xff\xff', data
        packets.append(data[: data[3] + 4])
        data = data[data[3] + 4 :]
    return packets


def word(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8
