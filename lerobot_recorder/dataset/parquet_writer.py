"""Parquet files as LeRobot writes them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_recorder.dataset import durable

ROW_GROUP = 8192
"""Rows written at once: all of an hour at once would take 70 MB more."""


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table as one row group.

    Args:
        table: The rows; SNAPPY, format 2.6, with statistics.
        path: The file; not yet a name under which readers look for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        path,
        version='2.6',
        compression='snappy',
        row_group_size=ROW_GROUP,
        # A dictionary would hold pages of images back in memory.
        use_dictionary=not any(pa.types.is_struct(kind) for kind in table.schema.types),
    )


def replace_table(table: pa.Table, path: Path) -> None:
    """Replace a Parquet file: at any moment it is all old or all new."""
    temporary = path.with_name(f'.{path.name}.tmp')
    write_table(table, temporary)
    durable.sync_file(temporary)
    durable.move(temporary, path)
