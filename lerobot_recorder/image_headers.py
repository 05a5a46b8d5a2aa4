"""Sizes of compressed pictures, read from their headers without decoding them.

Sources: ITU-T T.81 annex B (JPEG markers and segments), the PNG specification, 5.2 and
11.2.2 (signature and IHDR chunk).
"""

from __future__ import annotations

from dataclasses import dataclass

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
PNG_END = b'IEND'
_DEEP_GREY = bytes((16, 0))
_TIFF = (b'II*\0', b'MM\0*')
JPEG_SIGNATURE = b'\xff\xd8'
JPEG_END = b'\xff\xd9'
_START_OF_SCAN = 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HUFFMAN = frozenset((0xC0, 0xC1, 0xC2))
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))


@dataclass(frozen=True)
class JpegKind:
    """What two JPEGs must share to be frames of one video.

    Attributes:
        height: rows [px].
        width: columns [px].
        factors: luma samples per chroma sample, (across, down); empty if there is no chroma.
    """

    height: int
    width: int
    factors: tuple[int, ...]


def jpeg_kind(data: bytes) -> JpegKind | None:
    """Return what kind of JPEG it is, None if it is none that every decoder of video takes.

    Those take 8 bits, Huffman coded, of one component or of three.
    """
    at = len(JPEG_SIGNATURE)
    while data.startswith(JPEG_SIGNATURE) and at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            return _kind(data[at : at + 19]) if marker in _HUFFMAN else None
        at += 2 + (0 if marker in _ALONE else _number(data[at + 2 : at + 4]))
    return None


def _kind(segment: bytes) -> JpegKind | None:
    components = segment[9] if len(segment) > 9 else 0
    if segment[4] != 8 or components not in (1, 3) or len(segment) < 10 + 3 * components:
        return None
    height, width = _number(segment[5:7]), _number(segment[7:9])
    if components == 1:
        return JpegKind(height, width, ())
    across = [segment[at] >> 4 for at in (11, 14, 17)]
    down = [segment[at] & 15 for at in (11, 14, 17)]
    if across[1:] != [1, 1] or down[1:] != [1, 1]:
        return None
    return JpegKind(height, width, (across[0], down[0]))


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) of a whole JPEG or PNG [px], None if it is not one.

    A picture that ends early is not one: decoders fill the rest with grey.
    """
    if data.startswith(PNG_SIGNATURE):
        return _png_size(data)
    return _jpeg_size(data) if data.startswith(JPEG_SIGNATURE) else None


def is_deep_grey(data: bytes) -> bool:
    """Return whether it is a PNG of one channel of 16 bits."""
    return data.startswith(PNG_SIGNATURE) and data[24:26] == _DEEP_GREY


def is_other_picture(data: bytes) -> bool:
    """Return whether it begins as a TIFF or WebP, whose size only a decoder knows."""
    return data.startswith(_TIFF) or (data.startswith(b'RIFF') and data[8:12] == b'WEBP')


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
            return size if data.rfind(JPEG_END, at) >= 0 else None
        else:
            if marker in _FRAMES:
                size = _nonzero(_number(data[at + 5 : at + 7]), _number(data[at + 7 : at + 9]))
            at += 2 + _number(data[at + 2 : at + 4])
    return None


def _number(field: bytes) -> int:
    return int.from_bytes(field, 'big')


def _nonzero(height: int, width: int) -> tuple[int, int] | None:
    return (height, width) if height and width else None
