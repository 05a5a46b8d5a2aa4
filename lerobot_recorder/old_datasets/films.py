"""The videos of an old episode: their packets as they are, each at its time.

v2 has a file per episode and camera, as our own layout has. One whose pictures lie at 0, 1, 2 ...
times 1/fps is copied byte by byte. Where the times are others but the number of pictures is that
of the rows, the packets are copied and the times are set. Nothing is encoded anew.
"""

from __future__ import annotations

import shutil
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import video_reader
from lerobot_recorder.dataset.compact_videos import add_copy
from lerobot_recorder.dataset.reading import guarded

_MP4 = 'mp4'


@dataclass(frozen=True)
class _Packets:
    """What a demuxer tells of a video.

    Attributes:
        times: When each picture is shown, in the order of the file [ticks].
        container: FFmpeg's names of the container.
        checksums: Of the packets, in the order of the file.
    """

    times: list[int]
    container: str
    checksums: list[int]

    def can_be_cut(self, length: int) -> bool:
        """Return whether the packets that come first are those of the first pictures."""
        return sorted(self.numbers()[:length]) == list(range(length))

    def numbers(self) -> list[int]:
        """Return the number of each packet's picture."""
        rank = {time: number for number, time in enumerate(sorted(self.times))}
        return [rank[time] for time in self.times]


def bring(source: Path, target: Path, length: int, fps: int) -> list[str]:
    """Copy a video into the new dataset.

    Args:
        source: The old video.
        target: A new file.
        length: Number of the episode's rows; the video must have a picture for each.
        fps: Pictures per second.

    Returns:
        What had to be changed, a sentence each.

    Raises:
        DatasetFormatError: it is damaged or has fewer pictures.
        OSError: the disk refuses.
    """
    packets = _look(source)
    count = len(packets.times)
    if count < length:
        raise DatasetFormatError(f'{source} has {count} frames for {length} rows')
    changes = []
    surplus = count - length
    if surplus and not packets.can_be_cut(length):
        raise DatasetFormatError(
            f'{source} has {count} frames for {length} rows, and cannot be cut there without '
            'encoding it anew: its frames refer to later ones'
        )
    if surplus:
        changes.append('videos had frames behind the last row: cut off')
    on_grid = video_reader.frames_on_grid(source, fps) == count
    if not on_grid:
        changes.append(f'videos were off the grid of 1/{fps} s: frame k is at k/{fps} s now')
    if not surplus and on_grid and _MP4 in packets.container and _rate(source) == fps:
        shutil.copyfile(source, target)
        return changes
    _remux(source, target, packets.numbers()[:length], fps)
    _verify(source, target, packets.checksums[:length], fps)
    return changes


def _rate(path: Path) -> Fraction:
    return video_reader.probe(path).fps


def _look(path: Path) -> _Packets:
    times, checksums = [], []
    with guarded(path), av.open(str(path)) as container:
        for packet in _packets(container, path):
            times.append(packet.pts)
            checksums.append(zlib.crc32(packet))
        name = container.format.name
    if len(set(times)) != len(times):
        raise DatasetFormatError(f'{path}: two frames have the same time')
    return _Packets(times, name, checksums)


def _packets(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise DatasetFormatError(f'{path} holds no video stream')
    for packet in container.demux(container.streams.video[0]):
        if not packet.size:
            continue
        if packet.pts is None:
            raise DatasetFormatError(f'{path}: a frame has no time')
        yield packet


def _remux(source: Path, target: Path, numbers: list[int], fps: int) -> None:
    """Copy packets, the picture of each at its number; decoding times follow from the order."""
    lead = max(position - number for position, number in enumerate(numbers))
    with guarded(source), av.open(str(source)) as old, av.open(str(target), 'w', _MP4) as new:
        stream, frame = add_copy(new, old.streams.video[0]), Fraction(1, fps)
        stream.time_base = frame  # the container takes a finer one when it begins
        for (position, number), packet in zip(
            enumerate(numbers), _packets(old, source), strict=False
        ):
            packet.time_base = frame
            packet.pts, packet.dts, packet.duration = number, position - lead, 1
            packet.stream = stream
            new.mux(packet)


def _verify(source: Path, target: Path, checksums: list[int], fps: int) -> None:
    found = _look(target)
    on_grid = video_reader.frames_on_grid(target, fps) == len(checksums)
    if found.checksums != checksums or not on_grid or _rate(target) != fps:
        raise DatasetFormatError(f'{source}: its packets cannot be copied to a grid of 1/{fps} s')
