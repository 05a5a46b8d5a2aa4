"""Compressions of chunks, messages and files; no more is unpacked than was declared."""

from __future__ import annotations

import bz2
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped]

from lerobot_recorder.bags.losses import DamageError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LARGEST = 1 << 30
"""A chunk or message that claims more is damaged [bytes]."""
PIECE = 1 << 17
_MOST = 1 << 24
"""A file is unpacked in pieces no larger than this [bytes]."""
_MAGIC = {b'\x28\xb5\x2f\xfd': 'zstd', b'\x04\x22\x4d\x18': 'lz4'}
_FAULTS = (zstd.ZstdError, RuntimeError, OSError, EOFError, ValueError, MemoryError)


class Decoder(Protocol):
    """What the three libraries have in common."""

    @property
    def eof(self) -> bool:
        """Whether a frame has ended."""

    @property
    def unused_data(self) -> bytes | None:
        """What came behind the frame."""

    @property
    def needs_input(self) -> bool:
        """Whether it has given all it could."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return what the next bytes hold."""


_DECODERS: dict[str, Callable[[], Decoder]] = {
    'zstd': zstd.ZstdDecompressor,
    'lz4': LZ4FrameDecompressor,
    'bz2': bz2.BZ2Decompressor,
}


def decoder(name: str) -> Decoder:
    """Return a fresh decoder.

    Raises:
        DamageError: nobody knows this compression.
    """
    if name not in _DECODERS:
        raise DamageError(f'a compression {name!r}; known are {", ".join(sorted(_DECODERS))}')
    return _DECODERS[name]()


def compression_of(data: bytes) -> str:
    """Return with what bytes are compressed, empty if with nothing.

    No CDR message begins like that: its first two bytes are below 0x000c.
    """
    return _MAGIC.get(data[:4], '')


def unpack(data: bytes, name: str, size: int | None = None) -> bytes:
    """Return what compressed bytes hold.

    Args:
        data: the bytes, of one or more frames.
        name: ``zstd``, ``lz4`` or ``bz2``.
        size: how much it has to be, None if nobody said [bytes].

    Raises:
        DamageError: they hold something else.
    """
    if size is not None and size > LARGEST:
        raise DamageError(f'a claim of {size} bytes, more than the {LARGEST} that are believed')
    left = (LARGEST if size is None else size) + 1
    parts: list[bytes] = []
    ended = False
    while data and left > 0:
        frame = decoder(name)
        try:
            parts.append(frame.decompress(data, left))
        except _FAULTS as error:
            raise DamageError(f'{name} data that cannot be unpacked') from error
        left -= len(parts[-1])
        ended = frame.eof
        data = (frame.unused_data or b'') if ended else b''
    found = parts[0] if len(parts) == 1 else b''.join(parts)
    if len(found) != size and (size is not None or not ended):
        raise DamageError(f'{name} data of {len(found)} bytes, not of {size or "a whole frame"}')
    return found


def unpack_start(data: bytes, name: str, size: int) -> bytes:
    """Return what the beginning of compressed bytes holds, as far as it can be unpacked."""
    frame, parts, left = decoder(name), list[bytes](), min(size, LARGEST)
    for at in range(0, len(data), PIECE):
        if left <= 0 or frame.eof:
            break
        try:
            parts.append(frame.decompress(data[at : at + PIECE], left))
        except _FAULTS:
            break
        left -= len(parts[-1])
    return b''.join(parts)


def unpacked(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield what pieces of a compressed file hold, never much at once.

    Raises:
        DamageError: they are not what they should be, or end too early.
    """
    frame, is_open = decoder(name), True
    for piece in pieces:
        rest = piece
        while rest or not (frame.needs_input or frame.eof):
            if frame.eof:
                frame = decoder(name)
            try:
                yield frame.decompress(rest, _MOST)
            except _FAULTS as error:
                raise DamageError(f'{name} data that cannot be unpacked') from error
            is_open = not frame.eof
            rest = b'' if is_open else frame.unused_data or b''
    if is_open:
        raise DamageError(f'{name} data that end too early')
