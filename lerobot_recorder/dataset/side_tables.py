"""Tables beside the rows of an episode: true stamps, topics at their native rate.

While recording they grow as Arrow streams in the running episode's folder, of which all complete
batches survive a killed writer. With the episode they become Parquet files,
`meta/ros/episodes/<uuid>.<name>.parquet`, portion by portion: an hour of 1000 messages a second
never lies in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import layout

FRAMES = 'frames'
"""The table with a row for every row of the dataset: `frame_index`, `tick_ns`, stamps."""
FRAME = 'frame_index'
TICK = 'tick_ns'
STAMP = 'stamp_ns'

_SUFFIX = '.side.arrow'
_NAME = re.compile(r'[A-Za-z0-9_-]+')
_ROW_GROUP = 4096
"""Rows written at once: with more, an hour of a native table takes 100 MB while it is closed."""
_ROW_GROUP_BYTES = 1 << 24
"""Bytes written at once: a row may be a point cloud of megabytes."""


class SideTable:
    """One table, growing; rows that were appended are with the operating system.

    Args:
        path: Its file, which must not exist.
        schema: Its columns.

    Attributes:
        rows: How many it has.
        on_error: Told if the disk refuses; returns what is raised instead of an OSError.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.rows = 0
        self.on_error: Callable[[OSError], Exception] | None = None
        self._schema = schema
        self._file = pa.OSFile(str(path), 'wb')
        self._stream = pa.ipc.new_stream(self._file, schema)

    def append(self, batch: pa.RecordBatch) -> None:
        """Add rows.

        Raises:
            DatasetError: they have other columns, or the table is closed.
            OSError: the disk refuses.
        """
        if self._file.closed:
            raise DatasetError('a side table is closed: its episode has ended')
        if batch.schema != self._schema:
            raise DatasetError(
                f'a side table has the columns {self._schema.names}, found {batch.schema.names}'
            )
        try:
            self._stream.write_batch(batch)
        except OSError as error:
            raise (self.on_error(error) if self.on_error else error) from error
        self.rows += batch.num_rows

    def close(self) -> None:
        """End the table."""
        if not self._file.closed:
            self._stream.close()
            self._file.close()

    def abandon(self) -> None:
        """Close the file as it is."""
        self._file.close()


class SideTables:
    """The tables of one episode.

    Args:
        folder: The running episode's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, SideTable] = {}

    def add(self, name: str, schema: pa.Schema) -> SideTable:
        """Start a table.

        Raises:
            DatasetError: the name cannot be a part of a file's name, or is taken.
        """
        if not _NAME.fullmatch(name) or name in self._tables:
            raise DatasetError(
                f'side table {name!r} needs a name of its own of letters, digits, "-" and "_"'
            )
        self._tables[name] = SideTable(self._folder / f'{name}{_SUFFIX}', schema)
        return self._tables[name]

    def close(self) -> dict[str, Path]:
        """End all tables; return name -> file."""
        for table in self._tables.values():
            table.close()
        return {name: self._folder / f'{name}{_SUFFIX}' for name in self._tables}

    def abandon(self) -> None:
        """Close all files as they are."""
        for table in self._tables.values():
            table.abandon()


@dataclass(frozen=True)
class Cut:
    """What of the tables belongs to an episode that was cut short.

    Attributes:
        frames: Rows of the episode.
        until_ns: Last moment of the episode [ns]; None if nobody knows.
    """

    frames: int
    until_ns: int | None

    def apply(self, table: pa.Table) -> pa.Table:
        """Return the rows of a table that belong to the episode."""
        if FRAME in table.column_names:
            return table.filter(pc.less(table[FRAME], self.frames))
        if STAMP in table.column_names and self.until_ns is not None:
            return table.filter(pc.less_equal(table[STAMP], self.until_ns))
        return table


def find(folder: Path) -> dict[str, Path]:
    """Return the tables that an interrupted episode left, name -> file."""
    return {path.name.removesuffix(_SUFFIX): path for path in sorted(folder.glob(f'*{_SUFFIX}'))}


def cut_at(tables: Mapping[str, Path], frames: int) -> Cut:
    """Return where tables end if their episode has only so many rows.

    Args:
        tables: Name -> file; the true stamps among them tell the time of the last row.
        frames: Rows of the episode.
    """
    until_ns = None
    if FRAMES in tables:
        for table in _portions(tables[FRAMES]):
            kept = table.filter(pc.less(table[FRAME], frames))
            if len(kept):
                until_ns = max(until_ns or 0, pc.max(kept[TICK]).as_py())
    return Cut(frames, until_ns)


def to_parquet(
    folder: Path, tables: Mapping[str, Path], uuid: str, cut: Cut | None = None
) -> dict[str, str]:
    """Write the tables of a finished episode as Parquet files, for a commit.

    Args:
        folder: Where to.
        tables: Name -> file.
        uuid: The episode's name for good.
        cut: What of them belongs to the episode; None means all of it.

    Returns:
        Name in the folder -> path in the dataset.
    """
    files = {}
    for name, path in tables.items():
        schema = _schema(path)
        if schema is None:
            continue
        file = f'{uuid}.{name}.parquet'
        with pq.ParquetWriter(folder / file, schema, version='2.6') as writer:
            for portion in _portions(path):
                table = cut.apply(portion) if cut else portion
                if len(table):
                    writer.write_table(table, row_group_size=_rows_at_once(table))
        files[file] = f'{layout.RECORDS}/{file}'
    return files


def _schema(path: Path) -> pa.Schema | None:
    with pa.OSFile(str(path), 'rb') as file:
        try:
            return pa.ipc.open_stream(file).schema
        except (pa.ArrowException, OSError):
            return None


def _rows_at_once(table: pa.Table) -> int:
    """Return how many of its rows are written at once."""
    row_bytes = max(1, int(table.nbytes) // len(table))
    return min(_ROW_GROUP, max(1, _ROW_GROUP_BYTES // row_bytes))


def _portions(path: Path) -> Iterator[pa.Table]:
    """Yield the complete batches of a stream, many at a time."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in _batches(path):
        waiting.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _ROW_GROUP or size >= _ROW_GROUP_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path), 'rb') as file:
        try:
            yield from pa.ipc.open_stream(file)
        except (pa.ArrowException, OSError):
            return
