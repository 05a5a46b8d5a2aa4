"""The longest run of episodes, from the first on, that is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import episodes, layout, schema, tasks, video_reader
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.reading import ODD_CONTENT, guarded, told

_COLUMNS = ['episode_index', 'index', 'frame_index', 'task_index']


@dataclass(frozen=True)
class Prefix:
    """What of a dataset is whole.

    Attributes:
        rows: The whole episodes.
        problem: Why it does not go on behind them, None if these are all.
        whole_files: Tables that hold nothing else.
    """

    rows: Sequence[EpisodeRow]
    problem: str | None
    whole_files: frozenset[Path] = frozenset()


def find(root: Path, document: Mapping[str, Any]) -> Prefix:
    """Return the episodes up to the first that is not whole.

    Looks at the rows' numbering and at the number of frames in the videos; decodes nothing.

    Args:
        root: The dataset.
        document: Its info.json.
    """
    features, fps = document['features'], int(document['fps'])
    rows, problem = _readable_rows(root, fps, features)
    if not rows:
        return Prefix(rows, problem)
    with guarded(root / layout.TASKS):
        checker = _Checker(root, features, fps, len(tasks.read(root)))
    start = 0
    for position, row in enumerate(rows):
        found = checker.problem(row, position, start)
        if found:
            return Prefix(rows[:position], f'episode {position}: {found}')
        start = row.stop
    tables = () if problem else layout.episodes_files(root)
    return Prefix(rows, problem, frozenset([*checker.whole_files(), *tables]))


def _readable_rows(
    root: Path, fps: int, features: schema.Features
) -> tuple[list[EpisodeRow], str | None]:
    rows: list[EpisodeRow] = []
    columns: list[str] | None = None
    for path in layout.episodes_files(root):
        try:
            table, names = episodes.read_file(path, statistics=False)
            columns = columns or names
            if episodes.odd_columns(names, columns):
                return rows, f'{path} has other columns than the files before it'
            rows += episodes.from_table(table, fps, features)
        except (*ODD_CONTENT, DatasetFormatError) as error:
            return rows, f'{path}: {error}'
    return rows, None


@dataclass
class _Checker:
    root: Path
    features: schema.Features
    fps: int
    num_tasks: int
    _data: tuple[layout.FileIndex, dict[str, Any]] | None = None
    _frames: dict[Path, int] = field(default_factory=dict)
    _unclaimed: dict[Path, int] = field(default_factory=dict)

    def problem(self, row: EpisodeRow, position: int, start: int) -> str | None:
        """Return why an episode is not whole, None if it is."""
        if row.index != position or row.start != start or row.length < 1:
            return (
                f'its row says episode {row.index}, rows {row.start} to {row.stop}; '
                f'expected a start at {start}'
            )
        try:
            return self._data_problem(row) or self._video_problem(row)
        except (*ODD_CONTENT, DatasetFormatError) as error:
            return told(error)

    def whole_files(self) -> list[Path]:
        """Return the data files that hold rows of the episodes looked at, and no others."""
        return [path for path, rows in self._unclaimed.items() if rows == 0]

    def _data_problem(self, row: EpisodeRow) -> str | None:
        columns = self._columns(row.data)
        inside = columns['episode_index'] == row.index
        rows = int(inside.sum())
        if rows != row.length:
            return f'{layout.data_file(row.data)} holds {rows} of its {row.length} rows'
        count = np.arange(row.length)
        if not np.array_equal(columns['index'][inside], count + row.start):
            return f'index does not run from {row.start} to {row.stop - 1}'
        if not np.array_equal(columns['frame_index'][inside], count):
            return f'frame_index does not run from 0 to {row.length - 1}'
        if not np.isin(columns['task_index'][inside], np.arange(self.num_tasks)).all():
            return 'a task_index is not in tasks.parquet'
        self._unclaimed[self.root / layout.data_file(row.data)] -= rows
        return None

    def _video_problem(self, row: EpisodeRow) -> str | None:
        for key, file in row.videos.items():
            path = self.root / layout.video_file(key, file)
            needed = row.video_starts[key] + row.length
            if path not in self._frames:
                facts = video_reader.probe(path)
                self._frames[path] = facts.frames or len(video_reader.frame_times(path))
            if self._frames[path] < needed:
                return f'{path} holds {self._frames[path]} frames, needed are {needed}'
        return None

    def _columns(self, file: layout.FileIndex) -> dict[str, Any]:
        if self._data is None or self._data[0] != file:
            path = self.root / layout.data_file(file)
            stored = {key for key, f in self.features.items() if not schema.is_video(f)}
            with pq.ParquetFile(path) as parquet:
                missing = stored ^ set(parquet.schema_arrow.names)
                if missing:
                    raise DatasetFormatError(
                        f'{layout.data_file(file)}: columns {sorted(missing)} are missing or '
                        'unknown'
                    )
                table = parquet.read(columns=_COLUMNS, use_threads=False)
            self._unclaimed.setdefault(path, len(table))
            self._data = file, {k: schema.to_numpy(table[k], self.features[k]) for k in _COLUMNS}
        return self._data[1]
