"""Statistics of the pictures of an episode that is saved, from those that LeRobot looks at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lerobot_recorder.dataset import layout, schema, video_reader
from lerobot_recorder.dataset.depth_writer import PIX_FMT, in_millimetres, levels
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.image_writer import decode_image
from lerobot_recorder.dataset.reading import parquet_table
from lerobot_recorder.dataset.statistics import PictureHistogram

_AT_LEAST, _AT_MOST, _POWER = 100, 10_000, 0.75


def sample(length: int) -> list[int]:
    """Return which frames of an episode LeRobot looks at, evenly spaced."""
    count = min(max(_AT_LEAST, min(int(length**_POWER), _AT_MOST)), length)
    return [int(n) for n in np.round(np.linspace(0, length - 1, count))]


def histogram(
    root: Path, row: EpisodeRow, key: str, feature: schema.Feature, fps: int
) -> PictureHistogram:
    """Decode some pictures of an episode and count their values.

    Raises:
        DatasetFormatError: one is missing or damaged.
    """
    found = PictureHistogram(levels(feature))
    numbers = sample(row.length)
    pictures = (
        _of_video(root, row, key, numbers, fps, schema.is_depth(feature))
        if schema.is_video(feature)
        else _of_images(root, row, key, numbers, schema.is_depth(feature))
    )
    for picture in pictures:
        found.add(picture)
    return found


def _of_video(
    root: Path, row: EpisodeRow, key: str, numbers: Sequence[int], fps: int, depth: bool
) -> Iterator[NDArray[Any]]:
    path, start = root / layout.video_file(key, row.videos[key]), row.video_starts[key]
    wanted = [start + number for number in numbers]
    yield from video_reader.frames_at(path, wanted, fps, PIX_FMT if depth else video_reader.RGB24)


def _of_images(
    root: Path, row: EpisodeRow, key: str, numbers: Sequence[int], depth: bool
) -> Iterator[NDArray[Any]]:
    table = parquet_table(root / layout.data_file(row.data))
    column = table.filter(pc.equal(table['episode_index'], row.index))[key]
    for image in column.take(pa.array(numbers)).to_pylist():
        pixels = decode_image(image['bytes'], depth)
        yield in_millimetres(pixels) if depth else pixels
