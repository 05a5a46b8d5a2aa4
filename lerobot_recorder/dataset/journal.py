"""What of the running episode survives a crash: its rows as an Arrow stream, beside its videos.

Arrow's stream format needs no footer: of a file whose writer was killed, all complete batches can
be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lerobot_recorder.dataset import schema

# The first conversion of Python objects makes Arrow import pandas where that is installed, which
# takes more than a second: now, not while rows come.
pa.array([''], type=pa.string())

ROWS = 'rows.arrow'
TASK = 'task'


class Journal:
    """Appends rows of the running episode to a file.

    Args:
        path: The file, which must not exist.
        features: The user's features that are no cameras.
    """

    def __init__(self, path: Path, features: schema.Features) -> None:
        self._features = features
        fields = [(key, schema.arrow_type(feature)) for key, feature in features.items()]
        self._schema = pa.schema([*fields, (_task_column(features), pa.string())])
        self._file = pa.OSFile(str(path), 'wb')
        self._stream = pa.ipc.new_stream(self._file, self._schema)

    def append(self, columns: dict[str, NDArray[Any] | list[Any]], tasks: Sequence[str]) -> None:
        """Append rows; they are with the operating system when this returns.

        Args:
            columns: Feature -> values of these rows.
            tasks: Their sentences.
        """
        arrays = [schema.to_arrow(columns[k], f) for k, f in self._features.items()]
        arrays.append(pa.array(tasks, type=pa.string()))
        self._stream.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """End the stream."""
        self._stream.close()
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it is, which must work on a full disk too; may be called again."""
        self._file.close()


def read_rows(path: Path, features: schema.Features) -> tuple[dict[str, Any], list[str]]:
    """Return the rows of a journal up to the last complete batch.

    Args:
        path: The file.
        features: The user's features that are no cameras.

    Returns:
        Feature -> values, and the sentence of each row.
    """
    table = _read(path)
    if table is None:
        return {key: np.zeros((0, *schema.shape_of(f))) for key, f in features.items()}, []
    columns = {key: schema.to_numpy(table[key], f) for key, f in features.items()}
    return columns, table[_task_column(features)].to_pylist()


def _read(path: Path) -> pa.Table | None:
    if not path.exists():
        return None
    batches: list[pa.RecordBatch] = []
    with pa.OSFile(str(path), 'rb') as file:
        try:
            stream = pa.ipc.open_stream(file)
            for batch in stream:
                batches.append(batch)
        except (pa.ArrowException, OSError):
            pass
    return pa.Table.from_batches(batches) if batches else None


def _task_column(features: schema.Features) -> str:
    """Return a name for the sentences that no feature has."""
    name = TASK
    while name in features:
        name += '_'
    return name
