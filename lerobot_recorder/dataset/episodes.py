"""meta/episodes: one row per episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import layout, schema
from lerobot_recorder.dataset.layout import FileIndex
from lerobot_recorder.dataset.statistics import NAMES, Summary

#: Ours, only in datasets that we created.
EXTRA_COLUMNS = ('ros/uuid', 'ros/outcome', 'ros/defects')
_INTEGERS = (
    'episode_index', 'length', 'data/chunk_index', 'data/file_index',
    'dataset_from_index', 'dataset_to_index',
)  # fmt: skip


@dataclass(frozen=True)
class EpisodeRow:
    """Where an episode lies and what is in it.

    Attributes:
        index: Its number.
        start: Index of its first row in the whole dataset.
        length: Number of its rows.
        tasks: The sentences that occur in it, in order of appearance.
        data: Number of its data file.
        videos: Camera -> number of the video file.
        video_starts: Camera -> frame of that file which is the episode's first.
        statistics: Feature -> statistics.
        extra: Columns of our own.
    """

    index: int
    start: int
    length: int
    tasks: tuple[str, ...]
    data: FileIndex
    videos: Mapping[str, FileIndex] = field(default_factory=dict)
    video_starts: Mapping[str, int] = field(default_factory=dict)
    statistics: Mapping[str, Summary] = field(default_factory=dict)
    extra: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def stop(self) -> int:
        """Index behind its last row in the whole dataset."""
        return self.start + self.length


def columns_for(features: schema.Features, extra: bool) -> pa.Schema:
    """Return the columns as LeRobot writes them, in order.

    Args:
        features: All features of the dataset.
        extra: Whether to have `EXTRA_COLUMNS`.
    """
    number = pa.int64()
    fields: list[tuple[str, pa.DataType]] = [
        ('episode_index', number),
        ('tasks', pa.list_(pa.string())),
        ('length', number),
        ('data/chunk_index', number),
        ('data/file_index', number),
        ('dataset_from_index', number),
        ('dataset_to_index', number),
    ]
    for key in schema.video_keys(features):
        fields += [(f'videos/{key}/{name}', number) for name in ('chunk_index', 'file_index')]
        fields += [
            (f'videos/{key}/{name}', pa.float64()) for name in ('from_timestamp', 'to_timestamp')
        ]
    for key, feature in features.items():
        if feature['dtype'] not in ('string', 'language'):
            fields += [(f'stats/{key}/{name}', _statistic_type(feature, name)) for name in NAMES]
    if extra:
        fields += [(name, pa.string()) for name in EXTRA_COLUMNS]
    fields += [(f'meta/episodes/{name}', number) for name in ('chunk_index', 'file_index')]
    return pa.schema(fields)


def to_table(
    row: EpisodeRow, fps: int, features: schema.Features, columns: pa.Schema, file: FileIndex
) -> pa.Table:
    """Return one episode as a table with exactly the columns asked for; unknown ones are null."""
    values = _values(row, fps, features)
    values['meta/episodes/chunk_index'], values['meta/episodes/file_index'] = file
    for column in columns:
        if pa.types.is_null(column.type):  # LeRobot's merge of what nobody had filled in
            values[column.name] = None
    arrays = [pa.array([values.get(f.name)], type=f.type) for f in columns]
    return pa.Table.from_arrays(arrays, schema=columns.remove_metadata())


def read_table(root: Path, statistics: bool = True) -> pa.Table:
    """Return all rows of meta/episodes in the order of the files.

    Args:
        root: The dataset.
        statistics: Read the columns with statistics too, which are most of them.

    Raises:
        DatasetFormatError: no file, a damaged one, or files with different columns.
    """
    tables = []
    names: list[str] = []
    for path in layout.episodes_files(root):
        table, found = read_file(path, statistics)
        names = names or found
        odd = odd_columns(found, names)
        if odd:
            raise DatasetFormatError(
                f'{path} has not the columns of the files before it; differing: {odd[:5]}'
            )
        tables.append(table)
    if not tables:
        raise DatasetFormatError(f'{root}: meta/episodes holds no Parquet file')
    try:
        return pa.concat_tables(tables, promote_options='permissive')
    except pa.ArrowException as error:
        raise DatasetFormatError(f'{root}: files of meta/episodes do not fit: {error}') from None


def odd_columns(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return the columns that only one of two files has; ours go when LeRobot appends."""
    return sorted((set(names) ^ set(others)) - set(EXTRA_COLUMNS))


def read_file(path: Path, statistics: bool = True) -> tuple[pa.Table, list[str]]:
    """Return the rows of one file of meta/episodes, and the names of all its columns.

    Args:
        path: The file.
        statistics: Read the columns with statistics too, which are most of them.

    Raises:
        DatasetFormatError: it is damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            wanted = [name for name in names if statistics or not name.startswith('stats/')]
            # One small file after the other: threads would cost more than they bring.
            return file.read(columns=wanted, use_threads=False), names
    except (OSError, pa.ArrowException) as error:
        raise DatasetFormatError(f'{path} cannot be read: {error}') from None


def from_table(table: pa.Table, fps: int, features: schema.Features) -> list[EpisodeRow]:
    """Return the rows of a table.

    Raises:
        DatasetFormatError: a column that says where an episode lies is missing or null.
    """
    cameras = schema.video_keys(features)
    needed = {*_INTEGERS, *(f'videos/{key}/chunk_index' for key in cameras)}
    missing = sorted(needed - set(table.column_names))
    if missing:
        raise DatasetFormatError(f'meta/episodes: columns {missing} are missing')
    try:
        return [_from_values(values, fps, features) for values in table.to_pylist()]
    except (KeyError, TypeError) as error:
        raise DatasetFormatError(f'meta/episodes: a value is missing or null ({error})') from None


def _from_values(values: Mapping[str, Any], fps: int, features: schema.Features) -> EpisodeRow:
    cameras = schema.video_keys(features)
    statistics = {
        key: Summary.from_lists({name: values.get(f'stats/{key}/{name}') for name in NAMES})
        for key in features
        if values.get(f'stats/{key}/count') is not None
    }
    return EpisodeRow(
        index=int(values['episode_index']),
        start=int(values['dataset_from_index']),
        length=int(values['length']),
        tasks=tuple(values.get('tasks') or ()),
        data=FileIndex(int(values['data/chunk_index']), int(values['data/file_index'])),
        videos={
            key: FileIndex(
                int(values[f'videos/{key}/chunk_index']), int(values[f'videos/{key}/file_index'])
            )
            for key in cameras
        },
        video_starts={
            key: round(float(values[f'videos/{key}/from_timestamp']) * fps) for key in cameras
        },
        statistics=statistics,
        extra={name: values[name] for name in EXTRA_COLUMNS if name in values},
    )


def _values(row: EpisodeRow, fps: int, features: schema.Features) -> dict[str, Any]:
    values: dict[str, Any] = {
        'episode_index': row.index,
        'tasks': list(row.tasks),
        'length': row.length,
        'data/chunk_index': row.data.chunk,
        'data/file_index': row.data.file,
        'dataset_from_index': row.start,
        'dataset_to_index': row.stop,
        **row.extra,
    }
    for key, file in row.videos.items():
        start = row.video_starts.get(key, 0)
        values[f'videos/{key}/chunk_index'], values[f'videos/{key}/file_index'] = file
        values[f'videos/{key}/from_timestamp'] = start / fps
        values[f'videos/{key}/to_timestamp'] = (start + row.length) / fps
    for key, summary in row.statistics.items():
        lists = summary.to_lists(schema.is_picture(features[key]))
        values.update({f'stats/{key}/{name}': lists[name] for name in NAMES})
    return values


def _statistic_type(feature: schema.Feature, name: str) -> pa.DataType:
    if name == 'count':
        return pa.list_(pa.int64())
    if schema.is_picture(feature):
        return pa.list_(pa.list_(pa.list_(pa.float64())))
    return pa.list_(pa.float64())


def rows_of(
    root: Path, fps: int, features: schema.Features, statistics: bool = True
) -> Sequence[EpisodeRow]:
    """Read all episodes' rows.

    Args:
        root: The dataset.
        fps: Rows per second.
        features: All features of the dataset.
        statistics: Read the episodes' statistics too.

    Raises:
        DatasetFormatError: they cannot be read.
    """
    return from_table(read_table(root, statistics), fps, features)
