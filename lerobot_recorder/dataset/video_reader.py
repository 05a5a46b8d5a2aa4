"""Looking into MP4 files: what they are, how many frames they have, their pictures."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetFormatError

RGB24 = 'rgb24'
#: LeRobot's limit for the distance of a picture from its row [s].
TOLERANCE_S = 1e-4
SEEK_BACK = (0, 4, 60, 2**31)
"""How far before a picture decoding begins, tried in turn [frames]: seeking goes by decoding
times, which lie before those of pictures."""


@dataclass(frozen=True)
class VideoFacts:
    """What a video really is.

    Attributes:
        height, width: Size [px].
        codec: FFmpeg's canonical name.
        pix_fmt: FFmpeg's pixel format.
        channels: Components of that format.
        fps: Average rate of the container.
        frames: Number of frames that the container's index knows, 0 if it has none.
        has_audio: Whether there is an audio stream.
    """

    height: int
    width: int
    codec: str
    pix_fmt: str
    channels: int
    fps: Fraction
    frames: int
    has_audio: bool


def probe(path: Path) -> VideoFacts:
    """Return what a video is, without reading its pictures.

    Raises:
        DatasetFormatError: it cannot be read or holds no video.
    """
    with _open(path) as container:
        if not container.streams.video:
            raise DatasetFormatError(f'{path}: holds no video stream')
        stream = container.streams.video[0]
        context = stream.codec_context
        pix_fmt = pix_fmt_of(context, path)
        return VideoFacts(
            height=context.height,
            width=context.width,
            codec=str(context.codec.canonical_name),
            pix_fmt=pix_fmt,
            channels=len(av.VideoFormat(pix_fmt).components),
            fps=Fraction(stream.average_rate or 0),
            frames=stream.frames,
            has_audio=bool(container.streams.audio),
        )


def pix_fmt_of(context: Any, path: Path) -> str:
    """Return FFmpeg's pixel format of an open video.

    Raises:
        DatasetFormatError: it tells none; asking PyAV 17 for its name would end the process.
    """
    if context is None or context.format is None:
        raise DatasetFormatError(f'{path} is damaged: it tells no pixel format')
    return str(context.format.name)


def frame_times(path: Path) -> NDArray[np.float64]:
    """Return the presentation times of all frames, sorted [s]; reads packets, decodes nothing.

    Raises:
        DatasetFormatError: it cannot be read to its end.
    """
    with _open(path) as container:
        stream = container.streams.video[0]
        try:
            ticks = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
        except av.FFmpegError as error:
            raise DatasetFormatError(f'{path} is damaged: {error}') from None
        times = np.sort(np.array(ticks, dtype=np.int64)) * float(stream.time_base or 0)
        return times.astype(np.float64)


def frames_on_grid(path: Path, fps: int) -> int:
    """Return how many frames a video has if each is at its time, else -1."""
    times = frame_times(path)
    off = np.abs(times - np.arange(len(times)) / fps)
    return len(times) if (off <= TOLERANCE_S).all() else -1


def frames(
    path: Path, start: int, count: int | None, fps: int, pix_fmt: str = RGB24
) -> Iterator[NDArray[Any]]:
    """Yield the pictures number `start` to `start + count - 1`.

    Args:
        path: The file.
        start: Number of the first picture.
        count: How many; None: up to the end.
        fps: Pictures per second.
        pix_fmt: What they are converted to.

    Yields:
        RGB, shape (height, width, 3); or what the other format is.

    Raises:
        DatasetFormatError: there are fewer, or one is not at its time.
    """
    wanted = start
    stop = None if count is None else start + count
    for number, frame in _decoded(path, start, fps, pix_fmt):
        if number < wanted:
            continue
        if number > wanted:
            raise DatasetFormatError(f'{path}: frame {wanted} is missing, found {number}')
        yield frame
        wanted += 1
        if wanted == stop:
            return
    if stop is not None:
        raise DatasetFormatError(f'{path}: ends at frame {wanted}, expected {stop}')


def frames_at(
    path: Path, numbers: Sequence[int], fps: int, pix_fmt: str = RGB24
) -> Iterator[NDArray[Any]]:
    """Yield some of the pictures; those between are decoded, but not converted.

    Args:
        path: The file.
        numbers: Which, rising.
        fps: Pictures per second.
        pix_fmt: What they are converted to.

    Raises:
        DatasetFormatError: one is missing or damaged.
    """
    wanted = list(numbers)
    for number, frame in _decoded(path, wanted[0], fps, pix_fmt, set(wanted)):
        if number > wanted[0]:
            break
        if number == wanted[0]:
            yield frame
            del wanted[0]
        if not wanted:
            return
    raise DatasetFormatError(f'{path}: frame {wanted[0]} is missing')


def packets(path: Path, start: int, count: int, fps: int) -> Iterator[bytes]:
    """Yield pictures as they lie in a video of which each stands for itself, such as JPEGs.

    Args:
        path: The file.
        start: Number of the first picture.
        count: How many.
        fps: Pictures per second.

    Raises:
        DatasetFormatError: there are fewer, or one is not at its time.
    """
    wanted, stop = start, start + count
    with _open(path) as container:
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, fps)
        container.seek(int(Fraction(start, fps) / base), stream=stream)
        try:
            for packet in container.demux(stream):
                if packet.pts is None or round(packet.pts * base * fps) < wanted:
                    continue
                if round(packet.pts * base * fps) > wanted:
                    break
                yield bytes(packet)
                wanted += 1
                if wanted == stop:
                    return
        except av.FFmpegError as error:
            raise DatasetFormatError(f'{path} is damaged: {error}') from None
    raise DatasetFormatError(f'{path}: frame {wanted} is missing, expected {stop} frames')


def info_block(facts: VideoFacts, fps: int, encoder: Mapping[str, Any]) -> dict[str, Any]:
    """Return a video feature's `info` entry.

    Args:
        facts: What the file is.
        fps: Pictures per second.
        encoder: Keys that say how it was encoded; empty if unknown.
    """
    return {
        'is_depth_map': False,
        'video.height': facts.height,
        'video.width': facts.width,
        'video.codec': facts.codec,
        'video.pix_fmt': facts.pix_fmt,
        'video.fps': fps,
        'video.channels': facts.channels,
        'has_audio': facts.has_audio,
        **encoder,
    }


def _decoded(
    path: Path, start: int, fps: int, pix_fmt: str, only: Collection[int] | None = None
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield pictures and their numbers from `start` on, or from somewhat before."""
    reformatter = VideoReformatter()
    for back in SEEK_BACK:
        with _open(path) as container:
            found = _from(path, container, max(start - back, 0), fps)
            first = next(found, None)
            if first is not None and first[0] > start and back < start:
                continue
            for number, frame in itertools.chain([first] if first else [], found):
                if only is None or number in only:
                    yield number, reformatter.reformat(frame, format=pix_fmt).to_ndarray()
            return


def _from(path: Path, container: Any, start: int, fps: int) -> Iterator[tuple[int, Any]]:
    stream = container.streams.video[0]
    base = stream.time_base or Fraction(1, fps)
    try:
        if start:
            container.seek(int(Fraction(start, fps) / base), stream=stream)
        for frame in container.decode(stream):
            if frame.pts is None:
                continue
            at = frame.pts * base * fps
            number = round(at)
            if abs(at - number) > TOLERANCE_S * fps:
                raise DatasetFormatError(
                    f'{path}: a frame at {float(frame.pts * base)} s is off the grid'
                )
            yield number, frame
    except av.FFmpegError as error:
        raise DatasetFormatError(f'{path} is damaged: {error}') from None


def _open(path: Path) -> Any:
    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise DatasetFormatError(f'{path} cannot be opened: {error}') from None
