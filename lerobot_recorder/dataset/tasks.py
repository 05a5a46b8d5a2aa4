"""meta/tasks.parquet: the sentences that tell a policy what to do.

LeRobot reads the file with pandas and takes the sentence from the row *position* `task_index`, so
rows are in that order and the file carries the metadata that makes `task` the index
(reference: pandas' "Metadata" section of its developer documentation).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import layout, parquet_writer, reading

_NAMES = ('task', '__index_level_0__')


def to_table(tasks: Sequence[str]) -> pa.Table:
    """Return the file's content; the position of a task is its index."""
    table = pa.table(
        {
            'task_index': pa.array(range(len(tasks)), type=pa.int64()),
            'task': pa.array(tasks, type=pa.string()),
        }
    )
    return table.replace_schema_metadata({'pandas': json.dumps(_pandas_metadata())})


def write(path: Path, tasks: Sequence[str]) -> None:
    """Write the file."""
    parquet_writer.write_table(to_table(tasks), path)


def read(root: Path) -> list[str]:
    """Return the tasks in the order of their index.

    Raises:
        DatasetFormatError: the file is missing, damaged or not in order.
    """
    path = root / layout.TASKS
    try:
        table = reading.parquet_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DatasetFormatError(f'{path} cannot be read: {error}') from None
    problems = find_problems(table)
    if problems:
        raise DatasetFormatError(f'{path}: {problems[0]}')
    return [str(task) for task in table[column_name(table)].to_pylist()]


def column_name(table: pa.Table) -> str:
    """Return the name of the column that holds the sentences, '' if there is none."""
    return next((name for name in _NAMES if name in table.column_names), '')


def find_problems(table: pa.Table) -> list[str]:
    """Return what would give wrong sentences to whoever reads the table."""
    name = column_name(table)
    if not name or 'task_index' not in table.column_names:
        return [f'columns are {table.column_names}, expected task_index and task']
    problems = []
    indices = table['task_index'].to_pylist()
    if indices != list(range(len(indices))):
        problems.append(f'rows are in the order {indices[:10]}, expected 0, 1, 2 ...')
    sentences = table[name].to_pylist()
    if len(set(sentences)) != len(sentences) or None in sentences:
        problems.append('a task occurs twice or is null')
    return problems


def has_index(table: pa.Table) -> bool:
    """Return whether pandas will take the sentences as the index."""
    metadata = (table.schema.metadata or {}).get(b'pandas')
    if metadata is None:
        return False
    columns = json.loads(metadata).get('index_columns', [])
    return column_name(table) in columns


def _pandas_metadata() -> dict[str, Any]:
    def column(name: str | None, field: str, kind: str, storage: str) -> dict[str, Any]:
        return {
            'name': name,
            'field_name': field,
            'pandas_type': kind,
            'numpy_type': storage,
            'metadata': None,
        }

    names = {**column(None, 'None', 'unicode', 'object'), 'metadata': {'encoding': 'UTF-8'}}
    return {
        'index_columns': ['task'],
        'column_indexes': [{**names, 'field_name': None}],
        'columns': [
            column('task_index', 'task_index', 'int64', 'int64'),
            column('task', 'task', 'unicode', 'object'),
        ],
        'creator': {'library': 'pyarrow', 'version': pa.__version__},
        'pandas_version': '2.2.0',
    }
