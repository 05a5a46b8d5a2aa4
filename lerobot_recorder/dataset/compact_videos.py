"""Joining videos by copying their packets: nothing is decoded, nothing encoded anew.

A file is looked at once before (what it is, where each frame lies, a checksum per packet) and
once after: the packets must be the same, each at its time. Times are whole numbers of frames.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset.layout import FileIndex
from lerobot_recorder.dataset.parameter_sets import ParameterSets
from lerobot_recorder.dataset.video_reader import SEEK_BACK, TOLERANCE_S, pix_fmt_of

PACKET_BYTES = 32
"""What the index of an MP4 takes for a packet, at most [bytes]."""
CONTAINER = {'movflags': 'faststart'}
NEVER_JOINED = 'never'


@dataclass(frozen=True)
class VideoFile:
    """One video and what decides whether it can be joined to another.

    Attributes:
        path: The file.
        file: Its number.
        frames: How many it has; they lie at 0, 1, 2 ... times 1/fps.
        size: What it takes in a joined file [bytes].
        kind: Codec, size, pixel format, parameter sets ...; only equal ones can be joined.
        first_dts, last_dts: Decoding times of its first and last packet [frames].
        checksums: Of its packets, in the order of the file.
    """

    path: Path
    file: FileIndex
    frames: int
    size: int
    kind: tuple[Any, ...]
    first_dts: int
    last_dts: int
    checksums: tuple[int, ...] = field(repr=False)

    def can_follow(self, other: VideoFile) -> bool:
        """Return whether this file can be joined behind another."""
        gap = self.first_dts + other.frames - other.last_dts
        return self.kind == other.kind and NEVER_JOINED not in self.kind and gap >= 1


@dataclass
class _Scan:
    """Where the packets of a video lie."""

    times: list[int] = field(default_factory=list)
    decoding: list[int] = field(default_factory=list)
    checksums: list[int] = field(default_factory=list)
    size: int = 0


def look_at(path: Path, file: FileIndex, fps: int) -> VideoFile:
    """Read a video through.

    Raises:
        DatasetFormatError: it is damaged, or its frames are not on the grid of 1/fps.
    """
    with open_video(path) as container:
        if not container.streams.video:
            raise DatasetFormatError(f'{path}: holds no video stream')
        stream = container.streams.video[0]
        kind = kind_of(container, stream)
        scan = _Scan()
        regular, own = True, ParameterSets(kind[0], stream.codec_context.extradata)
        for packet in packets_of(container, stream, path):
            shown, decoded = frame_at(packet.pts, stream, fps), frame_at(packet.dts, stream, fps)
            if shown is None:
                raise DatasetFormatError(f'{path}: a frame is off the grid of 1/{fps} s')
            regular = regular and decoded is not None and own.are_in_force(packet)
            scan.times.append(shown)
            scan.decoding.append(decoded or 0)
            scan.checksums.append(zlib.crc32(packet))
            scan.size += packet.size + PACKET_BYTES
    count = len(scan.times)
    if not count or sorted(scan.times) != list(range(count)):
        raise DatasetFormatError(f'{path}: its frames are not 0 to {max(count - 1, 0)}, each once')
    if not regular or sorted(set(scan.decoding)) != scan.decoding:
        kind = (*kind, NEVER_JOINED)
    checksums = tuple(scan.checksums)
    decoding = scan.decoding
    return VideoFile(path, file, count, scan.size, kind, decoding[0], decoding[-1], checksums)


def join(
    videos: Sequence[VideoFile], target: Path, fps: int, on_bytes: Callable[[int], None]
) -> None:
    """Write several videos into one file.

    Args:
        videos: At least one; each can follow the one before it.
        target: The file.
        fps: Pictures per second.
        on_bytes: Called with the number of bytes that were copied.

    Raises:
        DatasetFormatError: what was written is not what was read.
    """
    start = 0
    with av.open(str(target), 'w', container_options=CONTAINER) as container:
        stream: Any = None
        for video in videos:
            with open_video(video.path) as source:
                if stream is None:
                    stream = add_copy(container, source.streams.video[0])
                    stream.time_base = Fraction(1, fps)
                on_bytes(_copy(video, source, stream, start, fps))
            start += video.frames
    _verify(videos, target, fps)


def add_copy(container: Any, template: Any) -> Any:
    """Return a stream of the container that takes the template's packets as they are."""
    try:
        return container.add_stream_from_template(template, opaque=True)
    except TypeError:  # a PyAV that never looks for an encoder
        return container.add_stream_from_template(template)


def _copy(video: VideoFile, source: Any, stream: Any, start: int, fps: int) -> int:
    origin = source.streams.video[0]
    copied = 0
    for packet in packets_of(source, origin, video.path):
        shown, decoded = frame_at(packet.pts, origin, fps), frame_at(packet.dts, origin, fps)
        assert shown is not None and decoded is not None
        packet.time_base = Fraction(1, fps)
        packet.pts, packet.dts, packet.duration = shown + start, decoded + start, 1
        packet.stream = stream
        copied += packet.size
        stream.container.mux(packet)
    return copied


def _verify(videos: Sequence[VideoFile], target: Path, fps: int) -> None:
    """Check that the joined file holds exactly the packets of its parts, and is decoded alike.

    Each seam is decoded across: what a decoder has learnt from one part must not spoil the next.
    """
    found = look_at(target, videos[0].file, fps)
    expected = [checksum for video in videos for checksum in video.checksums]
    if list(found.checksums) != expected:
        raise DatasetFormatError(f'{target}: its packets are not those it was made of')
    start = 0
    last: list[int] = []
    for video in videos:
        wanted = [*last, *pictures(video.path, 0, 1, fps)]
        if pictures(target, start - len(last), len(wanted), fps) != wanted:
            raise DatasetFormatError(
                f'{target}: frame {start} differs from frame 0 of {video.path}'
            )
        start += video.frames
        last = pictures(video.path, video.frames - 1, 1, fps)
    if pictures(target, start - 1, 1, fps) != last:
        raise DatasetFormatError(
            f'{target}: its last frame differs from that of {videos[-1].path}'
        )


def pictures(path: Path, first: int, count: int, fps: int) -> list[int]:
    """Return checksums of decoded pictures, in the pixel format of the file.

    Raises:
        DatasetFormatError: one cannot be decoded.
    """
    wanted = range(first, first + count)
    for back in SEEK_BACK:
        found = _decoded(path, max(first - back, 0), wanted, fps)
        if list(found) == list(wanted):
            return list(found.values())
    raise DatasetFormatError(f'{path}: frames {first} to {wanted[-1]} cannot be decoded')


def _decoded(path: Path, start: int, wanted: range, fps: int) -> dict[int, int]:
    found: dict[int, int] = {}
    with open_video(path) as container:
        stream = container.streams.video[0]
        container.seek(int(Fraction(start, fps) / stream.time_base), stream=stream)
        try:
            for frame in container.decode(stream):
                number = frame_at(frame.pts, stream, fps)
                if number is not None and number in wanted:
                    found[number] = _checksum(frame)
                if number is not None and number >= wanted[-1]:
                    return found
        except av.FFmpegError as error:
            raise DatasetFormatError(f'{path} is damaged: {error}') from None
    return found


def _checksum(frame: Any) -> int:
    try:
        return zlib.crc32(frame.to_ndarray().tobytes())
    except ValueError:  # a format that has no array; the same conversion on both sides
        return zlib.crc32(frame.to_ndarray(format='rgb24').tobytes())


def kind_of(container: Any, stream: Any) -> tuple[Any, ...]:
    """Return what two files must have in common to be joined."""
    context = stream.codec_context
    kind = (
        context.codec.canonical_name, context.width, context.height,
        pix_fmt_of(context, Path(container.name)), bytes(context.extradata or b''),
        str(context.codec_tag), str(context.color_range),
        str(context.colorspace), str(context.color_primaries), str(context.color_trc),
        str(context.sample_aspect_ratio or 1),
    )  # fmt: skip
    return kind if len(container.streams) == 1 else (*kind, NEVER_JOINED)


def packets_of(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    """Yield the packets of a stream that hold a picture."""
    try:
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None:
                yield packet
    except av.FFmpegError as error:
        raise DatasetFormatError(f'{path} is damaged: {error}') from None


def frame_at(ticks: int | None, stream: Any, fps: int) -> int | None:
    """Return which frame lies at a time, None if none does."""
    if ticks is None:
        return None
    at = ticks * stream.time_base * fps
    number = round(at)
    return number if abs(at - number) <= TOLERANCE_S * fps else None


def open_video(path: Path) -> Any:
    """Open a file."""
    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise DatasetFormatError(f'{path} cannot be opened: {error}') from None
