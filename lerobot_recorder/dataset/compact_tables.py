"""Joining the data files and the files of meta/episodes; one row group per episode in data."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import layout, parquet_writer
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.layout import FileIndex

_GROUP_BYTES = 4096
"""What the footer takes for a row group, about [bytes]."""


@dataclass(frozen=True)
class DataFile:
    """One data file and what decides whether it can be joined to another.

    Attributes:
        path: The file.
        file: Its number.
        rows: The episodes in it, in order.
        size: What it takes in a joined file [bytes].
        columns: Its columns and their types.
    """

    path: Path
    file: FileIndex
    rows: Sequence[EpisodeRow]
    size: int
    columns: pa.Schema

    def can_follow(self, other: DataFile) -> bool:
        """Return whether this file can be joined behind another."""
        return bool(self.columns.equals(other.columns))


def look_at(path: Path, file: FileIndex, rows: Sequence[EpisodeRow], limit: int) -> DataFile:
    """Look at a data file.

    Args:
        path: The file.
        file: Its number.
        rows: The episodes in it, in order.
        limit: Larger files are not joined anyway [bytes].

    Raises:
        DatasetFormatError: it does not hold exactly these episodes, one after the other.
    """
    try:
        metadata, columns = pq.read_metadata(path), pq.read_schema(path)
        numbers = pq.read_table(path, columns=['episode_index'])['episode_index'].to_numpy()
        expected = np.repeat([row.index for row in rows], [row.length for row in rows])
        if not np.array_equal(numbers, expected):
            raise DatasetFormatError(f'{path}: its rows are not those of its episodes in order')
        size = path.stat().st_size
        if size < limit:
            size = _size(metadata, rows) or _size(_written(path, rows), rows) or size
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DatasetFormatError(f'{path} cannot be read: {error}') from None
    return DataFile(path, file, rows, size, columns.remove_metadata())


def join_data(files: Sequence[DataFile], target: Path) -> None:
    """Write several data files into one, and compare what was written with them.

    Raises:
        DatasetFormatError: what was written is not what was read.
    """
    _write_data([(file.path, file.rows) for file in files], target)
    reader = pq.ParquetFile(target)
    group = 0
    for file in files:
        table, start = pq.read_table(file.path), 0
        for row in file.rows:
            if not _same(reader.read_row_group(group), table.slice(start, row.length)):
                raise DatasetFormatError(f'{target}: its rows are not those of {file.path}')
            start, group = start + row.length, group + 1
    reader.close()


def episode_rows(
    table: pa.Table, rows: Sequence[EpisodeRow], fps: int, first: FileIndex
) -> pa.Table:
    """Return the table of meta/episodes with numbers and places as they are now.

    Args:
        table: The rows as they were.
        rows: The episodes where they lie now, as many.
        fps: Rows per second.
        first: Number of the file that the table will be.
    """
    new: dict[str, list[Any]] = {
        'episode_index': [row.index for row in rows],
        'dataset_from_index': [row.start for row in rows],
        'dataset_to_index': [row.stop for row in rows],
        'data/chunk_index': [row.data.chunk for row in rows],
        'data/file_index': [row.data.file for row in rows],
        'meta/episodes/chunk_index': [first.chunk] * len(rows),
        'meta/episodes/file_index': [first.file] * len(rows),
    }
    for key in rows[0].videos if rows else ():
        starts = [row.video_starts[key] for row in rows]
        stops = [row.video_starts[key] + row.length for row in rows]
        new[f'videos/{key}/chunk_index'] = [row.videos[key].chunk for row in rows]
        new[f'videos/{key}/file_index'] = [row.videos[key].file for row in rows]
        new[f'videos/{key}/from_timestamp'] = [start / fps for start in starts]
        new[f'videos/{key}/to_timestamp'] = [stop / fps for stop in stops]
    for name, values in new.items():
        at = table.schema.get_field_index(name)
        if at >= 0:
            field = table.schema.field(at)
            table = table.set_column(at, field, pa.array(values, type=field.type))
    return table


def write_episodes(
    root: Path, table: pa.Table, rows: Sequence[EpisodeRow], fps: int, limits: Mapping[str, int]
) -> list[str]:
    """Write meta/episodes into as few files as the limit allows.

    Args:
        root: The new dataset.
        table: All rows as they were.
        rows: The episodes where they lie now.
        fps: Rows per second.
        limits: `data` [bytes] and `chunk` [files].

    Returns:
        The files, relative to the root.
    """
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    files = min(buffer.tell() // limits['data'] + 1, len(table))
    bounds = np.linspace(0, len(table), files + 1).round().astype(int)
    number, written = layout.FIRST_FILE, []
    for start, stop in pairwise(bounds.tolist()):
        part = episode_rows(table.slice(start, stop - start), rows[start:stop], fps, number)
        written.append(layout.episodes_file(number))
        parquet_writer.write_table(part, root / written[-1])
        if not _same(pq.read_table(root / written[-1]), part):
            raise DatasetFormatError(f'{root / written[-1]}: what was written is not what is read')
        number = number.next(limits['chunk'])
    return written


def moved(
    row: EpisodeRow, data: FileIndex, videos: Mapping[str, tuple[FileIndex, int]]
) -> EpisodeRow:
    """Return where an episode lies after joining.

    Args:
        row: The episode.
        data: Its new data file.
        videos: Camera -> its new file, and at which frame of that its old file begins.
    """
    return replace(
        row,
        data=data,
        videos={key: file for key, (file, _) in videos.items()},
        video_starts={key: row.video_starts[key] + start for key, (_, start) in videos.items()},
    )


def _same(one: pa.Table, other: pa.Table) -> bool:
    """Return whether two tables hold the same; NaN is the same as NaN."""
    return all(
        one[name].equals(other[name])
        or repr(one[name].to_pylist()) == repr(other[name].to_pylist())
        for name in other.column_names
    )


def _size(metadata: Any, rows: Sequence[EpisodeRow]) -> int | None:
    """Return what the row groups take, None if they are not what joining would write."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    if [group.num_rows for group in groups] != [row.length for row in rows]:
        return None
    columns = [group.column(c) for group in groups for c in range(group.num_columns)]
    if any(column.compression != 'SNAPPY' for column in columns):
        return None
    taken = sum(int(column.total_compressed_size) for column in columns)
    return taken + _GROUP_BYTES * len(groups)


def _written(path: Path, rows: Sequence[EpisodeRow]) -> Any:
    buffer = io.BytesIO()
    _write_data([(path, rows)], buffer)
    return pq.read_metadata(buffer)


def _write_data(parts: Sequence[tuple[Path, Sequence[EpisodeRow]]], target: Any) -> None:
    writer = None
    for path, rows in parts:
        table, start = pq.read_table(path), 0
        if writer is None:
            columns = table.schema
            writer = pq.ParquetWriter(target, columns, version='2.6', compression='snappy')
        for row in rows:
            part = table.slice(start, row.length).replace_schema_metadata(columns.metadata)
            writer.write_table(part.cast(columns), row_group_size=row.length)
            start += row.length
    assert writer is not None
    writer.close()
