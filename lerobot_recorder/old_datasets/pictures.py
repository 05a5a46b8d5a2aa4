"""What the statistics need of the pictures of an episode that is copied: some of them.

Where v2.1 kept statistics of the pictures, a few are looked at, to check those and for the
quantiles. Else as many as LeRobot looks at (`compute_stats.py`, `sample_indices`): `length **
0.75`, at least 100. They are evenly spaced. Where there are key frames enough, those next to them
are taken, which are decoded alone: the videos that LeRobot encodes have one every second frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset.reading import guarded
from lerobot_recorder.dataset.statistics import PictureHistogram

FEW, _AT_LEAST, _AT_MOST = 24, 100, 10_000
RGB24 = 'rgb24'


def positions(length: int, count: int | None = None) -> list[int]:
    """Return which of so many pictures are looked at, rising.

    Args:
        length: How many there are.
        count: How many are looked at, at most; None for as many as LeRobot looks at.
    """
    usual = min(max(int(length**0.75), _AT_LEAST), _AT_MOST)
    taken = usual if count is None else count
    if length <= taken:
        return list(range(length))
    return sorted({round(at) for at in np.linspace(0, length - 1, taken)})


def sample(path: Path, wanted: Sequence[int]) -> PictureHistogram:
    """Decode some pictures of a video.

    Args:
        path: The video.
        wanted: Which ones, or their neighbours; rising.

    Returns:
        Counts of their pixels' values.

    Raises:
        DatasetFormatError: they cannot be decoded.
    """
    histogram = PictureHistogram()
    reformatter = VideoReformatter()
    with guarded(path), av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1  # episodes are the parallelism
        packets = [packet for packet in container.demux(stream) if packet.size]
        for frame in _frames(stream.codec_context, packets, wanted):
            pixels: Any = reformatter.reformat(frame, format=RGB24).to_ndarray()
            histogram.add(pixels)
    if histogram.pictures < len(wanted):
        raise DatasetFormatError(
            f'{path} is damaged: {histogram.pictures} of {len(wanted)} pictures could be decoded'
        )
    return histogram


def _frames(context: Any, packets: Sequence[Any], wanted: Sequence[int]) -> Iterator[Any]:
    times = np.sort([packet.pts for packet in packets])
    keys = [packet for packet in packets if packet.is_keyframe]
    if len(keys) >= len(wanted):
        taken = _nearest(np.array([packet.pts for packet in keys]), times[list(wanted)])
        yield from _decoded(context, [keys[number] for number in taken])
        return
    looked_at = {int(times[number]) for number in wanted}
    for frame in _decoded(context, packets):
        if frame.pts in looked_at:
            yield frame


def _nearest(keys: NDArray[np.int64], times: NDArray[np.int64]) -> list[int]:
    """Return as many different key frames as there are times, near to them."""
    taken: list[int] = []
    for count, time in enumerate(times):
        left = len(times) - count  # so many are still to be found behind it
        first, last = (taken[-1] + 1 if taken else 0), len(keys) - left
        near = int(np.abs(keys[first : last + 1] - time).argmin()) + first
        taken.append(near)
    return taken


def _decoded(context: Any, packets: Sequence[Any]) -> Iterator[Any]:
    for packet in packets:
        yield from context.decode(packet)
    yield from context.decode(None)
