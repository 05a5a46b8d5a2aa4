"""The rows of one old episode: columns of exactly the declared types, tasks, times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.reading import guarded
from lerobot_recorder.dataset.video_reader import TOLERANCE_S
from lerobot_recorder.old_datasets.features import value_type
from lerobot_recorder.old_datasets.survey import OldDataset, OldEpisode

TIMES = 'old_timestamps'
"""Table of an episode's record that keeps times which v3.0 has no column for."""


@dataclass(frozen=True)
class OldRows:
    """One episode without its pictures.

    Attributes:
        columns: Feature of the new dataset -> its values.
        tasks: Sentence of each row.
        timestamps: What the old dataset said, if it was not frame_index / fps; shape (rows,) [s].
        notices: What was found and mended.
    """

    columns: dict[str, Any]
    tasks: list[str]
    timestamps: NDArray[np.float64] | None = None
    notices: list[str] = field(default_factory=list)


def read(dataset: OldDataset, episode: OldEpisode) -> OldRows:
    """Read the rows of an episode.

    Raises:
        DatasetFormatError: a column is not what it should be; says which and what it holds.
    """
    wanted = {
        key: feature
        for key, feature in dataset.features.items()
        if not schema.is_picture(feature.entry)
    }
    names = [feature.source for feature in wanted.values()]
    with guarded(episode.table), pq.ParquetFile(episode.table) as file:
        there = set(file.schema_arrow.names)
        numbering = [name for name in schema.DEFAULT_FEATURES if name in there]
        table = file.read(columns=[*names, *numbering], use_threads=False)
    notices: list[str] = []
    columns = {
        key: _column(table, episode, feature.source, feature.entry, notices)
        for key, feature in wanted.items()
    }
    _check_numbering(table, episode, notices)
    times = _odd_times(table, episode, dataset.fps, notices)
    return OldRows(columns, _tasks(table, dataset, episode), times, notices)


def _column(
    table: pa.Table,
    episode: OldEpisode,
    name: str,
    entry: schema.Feature,
    notices: list[str],
) -> Any:
    where = f'{episode.table} column {name!r}'
    column, declared = table[name], entry['dtype']
    if not schema.is_number(entry):
        if column.null_count:
            raise DatasetFormatError(f'{where}: {column.null_count} rows hold nothing')
        return [str(value) for value in column.to_pylist()]
    stored = value_type(column.type)
    if stored is None:
        raise DatasetFormatError(f'{where} holds {column.type}, info.json says {declared}')
    _check_lengths(column, where, entry)
    try:
        with guarded(where):
            values = schema.to_numpy(column, {**entry, 'dtype': str(stored)})
    except DatasetFormatError as error:
        raise error if where in str(error) else DatasetFormatError(f'{where}: {error}') from None
    if stored.kind == 'f' and not np.isfinite(values).all():
        at = tuple(np.argwhere(~np.isfinite(values))[0])
        raise DatasetFormatError(
            f'{where}: row {at[0]} holds {values[at]}, which LeRobot cannot keep'
        )
    return _cast(values, np.dtype(declared), where, name, notices)


def _check_lengths(column: pa.ChunkedArray, where: str, entry: schema.Feature) -> None:
    """Check that every row holds as many values as the shape says."""
    kind = getattr(column.type, 'storage_type', column.type)
    if not pa.types.is_list(kind) or len(entry['shape']) != 1:
        return
    lengths = pc.unique(pc.list_value_length(column.combine_chunks())).to_pylist()
    if lengths != list(entry['shape']):
        found = ' or '.join('nothing' if n is None else str(n) for n in lengths[:3])
        raise DatasetFormatError(
            f'{where} holds {found} values a row, expected {entry["shape"][0]} as in info.json'
        )


def _cast(
    values: NDArray[Any], declared: np.dtype[Any], where: str, name: str, notices: list[str]
) -> NDArray[Any]:
    if values.dtype == declared:
        return values
    with np.errstate(over='ignore', invalid='ignore'):
        cast = values.astype(declared)
    if declared.kind in 'iub' and not np.array_equal(cast, values):
        raise DatasetFormatError(
            f'{where} holds {values.dtype} that are no {declared}, as info.json says'
        )
    if declared.kind == 'f' and not np.isfinite(cast).all():
        raise DatasetFormatError(f'{where} holds numbers too large for {declared}')
    if declared.kind == 'f' and not np.array_equal(cast.astype(values.dtype), values):
        notices.append(
            f'{name} was stored as {values.dtype}, info.json says {declared}: rounded to that'
        )
    return cast


def _check_numbering(table: pa.Table, episode: OldEpisode, notices: list[str]) -> None:
    frames = _whole_numbers(table, 'frame_index', episode)
    if frames is None:
        notices.append('frame_index was missing')
    elif (np.diff(frames) <= 0).any():
        row = int(np.argmax(np.diff(frames) <= 0)) + 1
        raise DatasetFormatError(
            f'{episode.table}: its rows are not in order, row {row} has frame_index {frames[row]}'
        )
    elif not np.array_equal(frames, np.arange(len(frames))):
        notices.append('frame_index did not run from 0 without gaps: numbered anew')
    numbers = _whole_numbers(table, 'episode_index', episode)
    if numbers is not None and len(set(numbers)) > 1:
        found = sorted(set(numbers.tolist()))[:5]
        raise DatasetFormatError(f'{episode.table} holds rows of several episodes: {found}')


def _odd_times(
    table: pa.Table, episode: OldEpisode, fps: int, notices: list[str]
) -> NDArray[np.float64] | None:
    if 'timestamp' not in table.column_names:
        return None
    with guarded(f"{episode.table} column 'timestamp'"):
        times = schema.to_numpy(table['timestamp'], {'dtype': 'float64', 'shape': [1]})
    off = times - np.arange(len(times)) / fps
    if np.abs(off).max() <= TOLERANCE_S:
        return None
    if np.ptp(off) <= 2 * TOLERANCE_S:
        notices.append(
            f'timestamps began at {times[0]:.4g} s: they are frame_index / {fps} now, pictures '
            'belong to rows by their number'
        )
    else:
        notices.append(
            f'timestamps were not frame_index / {fps}: they are now; those of old are kept in '
            f'meta/ros/episodes/*.{TIMES}.parquet'
        )
    return np.asarray(times)


def _tasks(table: pa.Table, dataset: OldDataset, episode: OldEpisode) -> list[str]:
    numbers = _whole_numbers(table, 'task_index', episode)
    if numbers is None:
        return [dataset.tasks.sentence(None, episode.index)] * len(table)
    known = {n: dataset.tasks.sentence(n, episode.index) for n in set(numbers.tolist())}
    return [known[number] for number in numbers.tolist()]


def _whole_numbers(table: pa.Table, name: str, episode: OldEpisode) -> NDArray[Any] | None:
    if name not in table.column_names:
        return None
    column = table[name]
    if value_type(column.type) is None:
        raise DatasetFormatError(f'{episode.table} column {name!r} holds {column.type}')
    entry = schema.DEFAULT_FEATURES[name]
    values: NDArray[Any] = _column(table, episode, name, entry, [])
    return values
