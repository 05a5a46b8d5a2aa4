"""The parameter sets of H.264 and HEVC: what a decoder must know before the first picture.

In MP4 they lie once in the header (``avcC``, ``hvcC``; ISO/IEC 14496-15). A stream may repeat or
replace them among its pictures, as LeRobot's merging leaves it. What is joined behind a file that
replaced them would be decoded with the wrong ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Codec -> where the header says how long a length is, and how to tell a parameter set.
_FORMATS = {'h264': (4, 0, 0x1F, {7, 8, 13}), 'hevc': (21, 1, 0x3F, {32, 33, 34})}
_IDR = {'h264': {5}, 'hevc': {19, 20}}


class ParameterSets:
    """The parameter sets in the header of one video.

    Args:
        codec: FFmpeg's canonical name.
        header: The codec's configuration record, None if there is none.
    """

    def __init__(self, codec: str, header: bytes | None) -> None:
        self._header = bytes(header or b'')
        self._format = _FORMATS.get(codec)

    def are_in_force(self, packet: Any) -> bool:
        """Return whether a packet leaves them as they are; True for codecs without them."""
        if self._format is None:
            return True
        at, shift, mask, kinds = self._format
        if len(self._header) <= at or self._header[:1] != b'\x01':
            return False
        return all(
            unit in self._header
            for unit in _units(bytes(packet), (self._header[at] & 3) + 1)
            if unit and unit[0] >> shift & mask in kinds
        )


def _units(data: bytes, length_size: int) -> Iterator[bytes]:
    start = 0
    while start + length_size <= len(data):
        size = int.from_bytes(data[start : start + length_size], 'big')
        start += length_size
        yield data[start : start + size]
        start += size


def begins_anew(codec: str, header: bytes | None, packet: Any) -> bool:
    """Return whether no picture from a key frame on needs one before it.

    A key frame of H.264 and HEVC may be one of an open group; only an IDR picture is sure.

    Args:
        codec: FFmpeg's canonical name.
        header: The codec's configuration record, None if there is none.
        packet: A packet that is marked as a key frame.
    """
    if codec not in _FORMATS or not header or header[:1] != b'\x01':
        return codec not in _FORMATS
    at, shift, mask, _ = _FORMATS[codec]
    units = _units(bytes(packet), (header[at] & 3) + 1)
    return any(unit and unit[0] >> shift & mask in _IDR[codec] for unit in units)
