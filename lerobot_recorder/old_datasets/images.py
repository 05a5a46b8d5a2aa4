"""Pictures that lie in the Parquet file of an old episode: as bytes, or as names of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset.image_column import read_column, write_images
from lerobot_recorder.dataset.image_writer import decode_image
from lerobot_recorder.dataset.reading import guarded
from lerobot_recorder.dataset.statistics import PictureHistogram

_ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class ImageColumn:
    """One camera's pictures of one episode.

    Attributes:
        table: The episode's Parquet file.
        column: Its column.
        root: The old dataset, for pictures that are files.
        size: Height and width that every picture must have [px].
    """

    table: Path
    column: str
    root: Path
    size: tuple[int, int]


def bring(images: ImageColumn, spool: Path) -> pa.ChunkedArray:
    """Copy pictures as they are, without holding more than a few of them in memory.

    Args:
        images: Where they are.
        spool: A new file that takes them; it must stay as long as the column is used.

    Returns:
        The column of the new dataset.

    Raises:
        DatasetFormatError: one is missing.
    """
    write_images(spool, _pictures(images))
    return read_column(spool)


def sample(
    images: ImageColumn, column: pa.ChunkedArray, wanted: Sequence[int]
) -> PictureHistogram:
    """Decode some pictures.

    Args:
        images: Where they were.
        column: All of them.
        wanted: Which ones.

    Returns:
        Counts of their pixels' values.

    Raises:
        DatasetFormatError: one is damaged, or of another size.
    """
    histogram = PictureHistogram()
    for number in wanted:
        histogram.add(_pixels(images, number, column[number]['bytes'].as_py()))
    return histogram


def first_size(table: Path, column: str) -> tuple[int, int]:
    """Return height and width of the first picture [px].

    Raises:
        DatasetFormatError: there is none.
    """
    images = ImageColumn(table, column, table.parents[2], (0, 0))
    with guarded(f'{table} column {column!r}'):
        data = next(_pictures(images))
        height, width = decode_image(data).shape[:2]
    return height, width


def _pictures(images: ImageColumn) -> Iterator[bytes]:
    where = f'{images.table} column {images.column!r}'
    with guarded(where), pq.ParquetFile(images.table, pre_buffer=False) as file:
        number = 0
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[images.column], use_threads=False):
            for value in batch.column(0).to_pylist():
                data = _bytes_of(value, images)
                if not data:
                    raise DatasetFormatError(f'{where}: row {number} has no picture')
                yield data
                number += 1


def _bytes_of(value: Any, images: ImageColumn) -> bytes | None:
    if isinstance(value, bytes):
        return value
    path = value
    if isinstance(value, dict):
        if value.get('bytes'):
            return bytes(value['bytes'])
        path = value.get('path')
    if not isinstance(path, str):
        return None
    for place in (images.root / path, images.root / 'images' / path):
        if place.is_file():
            return place.read_bytes()
    return None


def _pixels(images: ImageColumn, number: int, data: bytes) -> Any:
    where = f'{images.table} column {images.column!r}: row {number}'
    try:
        pixels = decode_image(data)
    except DatasetError as error:
        raise DatasetFormatError(f'{where}: {error}') from None
    if pixels.shape[:2] != images.size:
        height, width = images.size
        found = f'{pixels.shape[1]}x{pixels.shape[0]}'
        raise DatasetFormatError(f'{where} is {found}, expected {width}x{height}')
    return pixels
