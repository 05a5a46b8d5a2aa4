"""Rows of episodes on their way into the data files of a new dataset, a row group per episode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.layout import FileIndex


class DataWriter:
    """Writes episodes one behind the other into as few files as the limit allows.

    Args:
        root: The new dataset.
        limit: How large a file may become [bytes].
        chunk: How many files a folder takes.
    """

    def __init__(self, root: Path, limit: int, chunk: int) -> None:
        self._root, self._limit, self._chunk = root, limit, chunk
        self._number: FileIndex | None = None
        self._sink: Any = None
        self._writer: Any = None
        self._columns: pa.Schema | None = None
        self._rows = 0

    def append(self, table: pa.Table) -> FileIndex:
        """Write an episode; return the number of its file."""
        if self._columns is None or not self._takes(table):
            self._open(table.schema)
        assert self._columns is not None and self._number is not None
        table = table.replace_schema_metadata(self._columns.metadata)
        self._writer.write_table(table, row_group_size=max(len(table), 1))
        self._rows += len(table)
        return self._number

    def close(self) -> None:
        """End the last file; may be called again."""
        if self._writer is not None:
            self._writer.close()
            self._sink.close()
            self._writer = None

    def _takes(self, table: pa.Table) -> bool:
        """Return whether the file that is open takes an episode too, as LeRobot estimates it."""
        assert self._columns is not None
        if not table.schema.equals(self._columns):
            return False
        size = int(self._sink.tell())
        return size + size / max(self._rows, 1) * len(table) < self._limit

    def _open(self, columns: pa.Schema) -> None:
        self.close()
        number = self._number
        self._number = number.next(self._chunk) if number else layout.FIRST_FILE
        path = self._root / layout.data_file(self._number)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._columns, self._rows = columns, 0
        self._sink = pa.OSFile(str(path), 'wb')
        self._writer = pq.ParquetWriter(
            self._sink,
            columns,
            version='2.6',
            compression='snappy',
            # A dictionary would hold pages of images back in memory.
            use_dictionary=not any(pa.types.is_struct(kind) for kind in columns.types),
        )


def read_episodes(
    path: Path, there: Sequence[EpisodeRow], wanted: Sequence[EpisodeRow]
) -> Iterator[tuple[EpisodeRow, pa.Table]]:
    """Yield episodes out of a data file, row group by row group where each is an episode.

    Args:
        path: The file.
        there: All episodes in it, in order.
        wanted: Some of them, in order.

    Raises:
        DatasetFormatError: it does not hold their rows.
    """
    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        groups = {row.index: number for number, row in enumerate(there)}
        aligned = sizes == [row.length for row in there]
        # One small row group after the other: threads would cost more than they bring.
        whole = None if aligned else file.read(use_threads=False)
        for row in wanted:
            table = (
                file.read_row_group(groups[row.index], use_threads=False)
                if whole is None
                else whole
            )
            table = table.filter(pc.equal(table['episode_index'], row.index))
            if len(table) != row.length:
                raise DatasetFormatError(
                    f'{path}: {len(table)} rows of episode {row.index}, expected {row.length}'
                )
            yield row, table


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """Return a table with other values in a column of whole numbers, its type as it was."""
    at = table.schema.get_field_index(name)
    array = pa.array(np.asarray(values, dtype=np.int64)).cast(table.schema.field(at).type)
    return table.set_column(at, table.schema.field(at), array)
