"""Values in a dataset that our own writer refuses, but others may have written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def set_value(root: Path, column: str, row: int, value: Any) -> None:
    """Put a value into a row of the first data file."""
    path = sorted((root / 'data').rglob('*.parquet'))[0]
    table = pq.read_table(path)
    values = table[column].to_pylist()
    values[row] = value
    at = table.column_names.index(column)
    field = table.schema.field(column)
    pq.write_table(table.set_column(at, field, pa.array(values, field.type)), path)
