"""What the files of an old dataset really hold: rows, columns, shapes, sizes of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import video_reader
from lerobot_recorder.dataset.reading import ODD_CONTENT, told
from lerobot_recorder.old_datasets import images
from lerobot_recorder.old_datasets.features import Stored, value_type
from lerobot_recorder.old_datasets.files import OldFiles


@dataclass(frozen=True)
class OldTable:
    """The footer of an episode's Parquet file.

    Attributes:
        path: The file.
        length: Number of its rows.
        columns: Its columns.
    """

    path: Path
    length: int
    columns: pa.Schema


def tables(
    there: OldFiles, numbers: Sequence[int], problems: dict[int, str]
) -> dict[int, OldTable]:
    """Return the tables that can be read; of the others, say why not.

    Raises:
        DatasetFormatError: none can.
    """
    found = {}
    for number in numbers:
        path = there.tables[number]
        try:
            with pq.ParquetFile(path) as file:
                found[number] = OldTable(path, file.metadata.num_rows, file.schema_arrow)
        except ODD_CONTENT as error:
            problems[number] = f'{path} cannot be read: {told(error)}'
    if not found:
        raise DatasetFormatError(next(iter(problems.values())))
    return found


def look(
    declared: Mapping[str, Any],
    tables: Mapping[int, OldTable],
    there: OldFiles,
) -> Stored:
    """Return what the files hold, by the first whole one; a column that few have is an oddity.

    Args:
        declared: `features` of the old info.json.
        tables: Episode -> its table.
        there: All files.

    Raises:
        DatasetFormatError: there are no rows.
    """
    counts: dict[str, int] = {}
    for table in tables.values():
        for name in table.columns.names:
            counts[name] = counts.get(name, 0) + 1
    usual = {name for name, count in counts.items() if 2 * count > len(tables)}
    first = next((t for t in tables.values() if usual <= set(t.columns.names) and t.length), None)
    if first is None:
        raise DatasetFormatError('no episode has rows, or all the columns that most have')
    columns = {
        name: first.columns.field(name).type for name in first.columns.names if name in usual
    }
    sizes = {k: size for k, videos in there.videos.items() if (size := _video_size(videos))}
    for key, entry in declared.items():
        if isinstance(entry, dict) and entry.get('dtype') == 'image' and key in columns:
            sizes[key] = images.first_size(first.path, key)
    return Stored(columns, _shapes(first, columns), sizes)


def _video_size(videos: Mapping[int, Path]) -> tuple[int, int] | None:
    for path in videos.values():
        try:
            facts = video_reader.probe(path)
        except DatasetFormatError:
            continue
        return facts.height, facts.width
    return None


def _shapes(table: OldTable, columns: Mapping[str, pa.DataType]) -> dict[str, tuple[int, ...]]:
    numeric = [name for name, kind in columns.items() if value_type(kind) is not None]
    with pq.ParquetFile(table.path) as file:
        row = next(file.iter_batches(batch_size=1, columns=numeric)).to_pylist()[0]
    return {name: shape for name in numeric if (shape := _shape(row[name])) is not None}


def _shape(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return None if value is None else ()
    inner = _shape(value[0]) if value else None
    return None if inner is None else (len(value), *inner)
