"""meta/episodes of a new dataset: the rows as they were, with what renumbering changes in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from lerobot_recorder.dataset import episodes, schema, statistics
from lerobot_recorder.dataset.edits.source import Source
from lerobot_recorder.dataset.episodes import EXTRA_COLUMNS, EpisodeRow
from lerobot_recorder.dataset.statistics import NAMES, Summary


class Numbered:
    """The rows of episodes of one dataset.

    Args:
        source: The dataset.
        features: The features of the new one.
    """

    def __init__(self, source: Source, features: schema.Features) -> None:
        self._source, self._features = source, features
        self._missing = _without_statistics(source.table, features)
        self._taken: list[int] = []
        self._tasks: list[list[str]] = []
        self._summaries: dict[str, list[Summary]] = {}

    def add(
        self, row: EpisodeRow, was: int, columns: Mapping[str, NDArray[Any]], table: pa.Table
    ) -> None:
        """Add an episode.

        Args:
            row: The episode.
            was: Its number in the dataset that it comes from.
            columns: What is numbered anew, as it is now.
            table: Its rows.
        """
        self._taken.append(was)
        self._tasks.append(list(row.tasks))
        values = dict(columns)
        for key in self._missing:
            if key not in values:
                values[key] = schema.to_numpy(table[key], self._features[key])
        for key, column in values.items():
            self._summaries.setdefault(key, []).append(statistics.summarize(column))

    def table(self) -> pa.Table:
        """Return the rows; where the episodes lie is still as it was."""
        table = self._source.table.take(self._taken).replace_schema_metadata(None)
        table = _with(table, 'tasks', pa.array(self._tasks, pa.list_(pa.string())))
        for key, summaries in self._summaries.items():
            lists = [summary.to_lists(picture=False) for summary in summaries]
            for name in NAMES:
                kind = pa.list_(pa.int64() if name == 'count' else pa.float64())
                values = pa.array([one[name] for one in lists], kind)
                table = _with(table, f'stats/{key}/{name}', values)
        return table


def joined(parts: Sequence[pa.Table], features: schema.Features) -> pa.Table:
    """Return the rows of several datasets as one table; a column that one lacks is null there."""
    names = {name for part in parts for name in part.column_names}
    wanted = episodes.columns_for(features, extra=bool(names & set(EXTRA_COLUMNS)))
    kinds = {column.name: column.type for column in wanted}
    more = sorted(names - set(kinds))
    whole = pa.concat_tables(
        [_cast(part, kinds, more) for part in parts], promote_options='permissive'
    )
    return whole.select([*kinds, *more])


def _cast(part: pa.Table, kinds: Mapping[str, pa.DataType], more: Sequence[str]) -> pa.Table:
    columns = {}
    for name, kind in kinds.items():
        if name in part.column_names:
            columns[name] = _of_type(part[name], kind)
        else:
            columns[name] = pa.nulls(len(part), kind)
    columns |= {name: part[name] for name in more if name in part.column_names}
    return pa.table(columns)


def _of_type(column: pa.ChunkedArray, kind: pa.DataType) -> Any:
    try:
        return column if column.type == kind else column.cast(kind)
    except pa.ArrowException:  # nested otherwise, as some merges leave it
        return pa.array(column.to_pylist(), type=kind)


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.append_column(name, values) if at < 0 else table.set_column(at, name, values)


def _without_statistics(table: pa.Table, features: schema.Features) -> list[str]:
    """Return the numeric features of which an episode has no statistics."""
    return [
        key
        for key in schema.number_keys(features)
        if any(
            name not in table.column_names or table[name].null_count
            for name in (f'stats/{key}/{part}' for part in NAMES)
        )
    ]
