"""Cutting episodes out of a video between its packets: nothing is decoded but for a check.

A video can be cut where all packets before show earlier pictures than all packets behind, and a
piece can begin only with a key frame. Where an episode does not begin or end at such a place (as
in videos that LeRobot encoded anew in one go) the piece is longer: it begins at the key frame
before, and `Piece.start` says where in it the episode begins. Readers find it by its time.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset.compact_videos import (
    CONTAINER,
    add_copy,
    frame_at,
    open_video,
    packets_of,
    pictures,
)
from lerobot_recorder.dataset.parameter_sets import ParameterSets, begins_anew

Span = tuple[int, int]
"""First frame, and the one behind the last."""
_COMPARED = 3


@dataclass(frozen=True)
class Scan:
    """The packets of a video, in their order.

    Attributes:
        path: The file.
        fps: Pictures per second.
        times: Which frame each packet shows.
        decoding: When each is decoded [frames].
        checksums: Of their content.
        starts: Frames at which a piece can begin, rising.
        ends: Frames at which a piece can end, rising.
        is_uniform: Whether pieces can follow each other in one file.
        has_more: Whether there are other streams, which are not taken over.
    """

    path: Path
    fps: int
    times: Sequence[int]
    decoding: Sequence[int]
    checksums: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]
    is_uniform: bool
    has_more: bool

    def widened(self, span: Span) -> Span:
        """Return the smallest piece that can be cut out and holds the frames of a span.

        Raises:
            DatasetFormatError: there is none.
        """
        start = bisect_right(self.starts, span[0]) - 1
        end = bisect_left(self.ends, span[1])
        if start < 0 or end == len(self.ends):
            raise DatasetFormatError(
                f'{self.path}: frames {span[0]} to {span[1] - 1} cannot be cut out, no key frame '
                'comes before them; lerobot-ros transcode encodes the videos anew'
            )
        return self.starts[start], self.ends[end]


@dataclass(frozen=True)
class Piece:
    """Frames of a video that become a part of another.

    Attributes:
        span: The frames that are copied.
        start: Where in the new file the first of them lies.
    """

    span: Span
    start: int


def look_through(path: Path, fps: int) -> Scan:
    """Read a video's packets.

    Raises:
        DatasetFormatError: it is damaged, or its frames are not on the grid of 1/fps.
    """
    times: list[int] = []
    decoding: list[int] = []
    checksums: list[int] = []
    keys: list[bool] = []
    with open_video(path) as container:
        stream = container.streams.video[0]
        codec = str(stream.codec_context.codec.canonical_name)
        header = bytes(stream.codec_context.extradata or b'')
        own, is_uniform = ParameterSets(codec, header), True
        for packet in packets_of(container, stream, path):
            shown, decoded = (frame_at(ticks, stream, fps) for ticks in (packet.pts, packet.dts))
            if shown is None or decoded is None:
                raise DatasetFormatError(f'{path}: a frame is off the grid of 1/{fps} s')
            is_uniform = is_uniform and own.are_in_force(packet)
            times.append(shown)
            decoding.append(decoded)
            checksums.append(zlib.crc32(packet))
            keys.append(bool(packet.is_keyframe) and begins_anew(codec, header, packet))
        has_more = len(container.streams) > 1
    if sorted(times) != list(range(len(times))):
        raise DatasetFormatError(f'{path}: its frames are not 0 to {len(times) - 1}, each once')
    starts, ends = _cuts(times, keys)
    return Scan(path, fps, times, decoding, checksums, starts, ends, is_uniform, has_more)


def _cuts(times: Sequence[int], keys: Sequence[bool]) -> tuple[list[int], list[int]]:
    """Return the frames at which pieces can begin, and those at which they can end."""
    shown = np.array(times, dtype=np.int64)
    # A cut before packet n is clean if exactly the frames 0 to n - 1 come before it.
    reached = np.maximum.accumulate(shown) + 1
    clean = np.flatnonzero(np.concatenate([[True], reached == np.arange(1, len(shown) + 1)]))
    ends = [int(frame) for frame in clean]
    return [frame for frame in ends if frame < len(keys) and keys[frame]], ends


def plan(scan: Scan, spans: Sequence[Span]) -> list[list[Piece]]:
    """Return the files that episodes become, and the pieces of each.

    Args:
        scan: The video they lie in.
        spans: The frames of each, rising.
    """
    wide: list[Span] = []
    for start, stop in map(scan.widened, spans):
        if wide and start <= wide[-1][1]:
            wide[-1] = (wide[-1][0], max(stop, wide[-1][1]))
        else:
            wide.append((start, stop))
    files: list[list[Piece]] = []
    for span in wide:
        last = files[-1][-1] if files else None
        if last is not None and scan.is_uniform and _follows(scan, last.span, span):
            files[-1].append(Piece(span, last.start + last.span[1] - last.span[0]))
        else:
            files.append([Piece(span, 0)])
    return files


def _follows(scan: Scan, one: Span, other: Span) -> bool:
    """Return whether decoding times still rise when a piece comes behind another."""
    last = scan.decoding[one[1] - 1] - one[1]
    return scan.decoding[other[0]] - other[0] > last


def write(scan: Scan, pieces: Sequence[Piece], target: Path) -> None:
    """Write pieces of a video into a file, and check it.

    Raises:
        DatasetFormatError: what was written is not what was read.
    """
    with (
        av.open(str(target), 'w', container_options=CONTAINER) as container,
        open_video(scan.path) as source,
    ):
        origin = source.streams.video[0]
        stream = add_copy(container, origin)
        stream.time_base = Fraction(1, scan.fps)
        waiting = list(pieces)
        for number, packet in enumerate(packets_of(source, origin, scan.path)):
            while waiting and number >= waiting[0].span[1]:
                del waiting[0]
            if waiting and number >= waiting[0].span[0]:
                _mux(packet, stream, scan, number, waiting[0])
    _verify(scan, pieces, target)


def _mux(packet: Any, stream: Any, scan: Scan, number: int, piece: Piece) -> None:
    shift = piece.start - piece.span[0]
    packet.time_base = Fraction(1, scan.fps)
    packet.pts, packet.dts = scan.times[number] + shift, scan.decoding[number] + shift
    packet.duration = 1
    packet.stream = stream
    stream.container.mux(packet)


def _verify(scan: Scan, pieces: Sequence[Piece], target: Path) -> None:
    """Check that the packets are those of the source, and that both ends are decoded alike."""
    found = look_through(target, scan.fps)
    expected = [sum_ for piece in pieces for sum_ in scan.checksums[slice(*piece.span)]]
    if list(found.checksums) != expected:
        raise DatasetFormatError(f'{target}: its packets are not those it was made of')
    for piece in pieces:
        first, stop = piece.span
        count = min(_COMPARED, stop - first)
        for start in sorted({first, stop - count}):
            why = _difference(scan, start, count, target, start - first + piece.start)
            if why:
                raise DatasetFormatError(
                    f'{scan.path}: frames {start} to {start + count - 1} look different when they '
                    f'are cut out ({why}); lerobot-ros transcode encodes the videos anew'
                )


def _difference(scan: Scan, start: int, count: int, target: Path, at: int) -> str | None:
    wanted = pictures(scan.path, start, count, scan.fps)
    try:
        return None if pictures(target, at, count, scan.fps) == wanted else 'other pixels'
    except DatasetFormatError as error:
        return str(error)
