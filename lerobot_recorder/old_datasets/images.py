"""Pictures that lie in the Parquet file of an old episode: as bytes, or as names of files."""

from __future__ import annotations

from collections.abc import Iterator
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
from lerobot_recorder.old_datasets.pictures import positions

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


def bring(
    images: ImageColumn, spool: Path, length: int
) -> tuple[pa.ChunkedArray, PictureHistogram]:
    """Copy pictures as they are, without holding more than a few of them in memory.

    Args:
        images: Where they are.
        spool: A new file that takes them; it must stay as long as the column is used.
        length: How many there are.

    Returns:
        The column of the new dataset; and what the statistics need.

    Raises:
        DatasetFormatError: one is missing or damaged, or of another size.
    """
    histogram, wanted = PictureHistogram(), set(positions(length))

    def checked() -> Iterator[bytes]:
        for number, data in enumerate(_pictures(images)):
            if number in wanted:
                histogram.add(_pixels(images, number, data))
            yield data

    write_images(spool, checked())
    return read_column(spool), histogram


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
