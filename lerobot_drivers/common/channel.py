"""Messages between processes of one machine: length-prefixed JSON on a unix socket."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

Message = dict[str, Any]

_LENGTH = struct.Struct('<I')


def send_message(connection: socket.socket, message: Message) -> None:
    """Send one message.

    Raises:
        OSError: the other side has gone.
    """
    body = json.dumps(message, separators=(',', ':')).encode()
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive_message(connection: socket.socket) -> Message | None:
    """Return the next message, or None when the other side has hung up."""
    header = receive_exactly(connection, _LENGTH.size)
    if header is None:
        return None
    body = receive_exactly(connection, _LENGTH.unpack(header)[0])
    if body is None:
        return None
    message = json.loads(body)
    assert isinstance(message, dict)
    return message


def receive_exactly(connection: socket.socket, size: int) -> bytes | None:
    """Return that many bytes, or None when the other side hangs up before."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return bytes(data)
