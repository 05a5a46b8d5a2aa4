"""Sizes of compressed pictures, read from their headers without decoding them.

Sources: ITU-T T.81 annex B (JPEG markers and segments), the PNG specification, 5.2 and
11.2.2 (signature and IHDR chunk).
"""

from __future__ import annotations

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
PNG_END = b'IEND'
JPEG_SIGNATURE = b'\xff\xd8'
JPEG_END = b'\xff\xd9'
_START_OF_SCAN = 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) of a whole JPEG or PNG [px], None if it is not one.

    A picture that ends early is not one: decoders fill the rest with grey.
    """
    if data.startswith(PNG_SIGNATURE):
        return _png_size(data)
    return _jpeg_size(data) if data.startswith(JPEG_SIGNATURE) else None


def _png_size(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b'IHDR' or data.rfind(PNG_END) < 0:
        return None
    return _nonzero(_number(data[20:24]), _number(data[16:20]))


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at, size = len(JPEG_SIGNATURE), None
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker == _START_OF_SCAN:
            return size if data.find(JPEG_END, at) >= 0 else None
        else:
            if marker in _FRAMES:
                size = _nonzero(_number(data[at + 5 : at + 7]), _number(data[at + 7 : at + 9]))
            at += 2 + _number(data[at + 2 : at + 4])
    return None


def _number(field: bytes) -> int:
    return int.from_bytes(field, 'big')


def _nonzero(height: int, width: int) -> tuple[int, int] | None:
    return (height, width) if height and width else None
