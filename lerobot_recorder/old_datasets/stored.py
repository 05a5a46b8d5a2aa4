"""What the files of an old dataset really hold: rows, columns, shapes, sizes of pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import video_reader
from lerobot_recorder.dataset.reading import ODD_CONTENT, guarded, told
from lerobot_recorder.old_datasets import images
from lerobot_recorder.old_datasets.features import Stored, value_type
from lerobot_recorder.old_datasets.files import OldFiles

T = TypeVar('T')


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
    whole = [t for t in tables.values() if usual <= set(t.columns.names) and t.length]
    columns, shapes = _first(lambda table: _columns(table, usual), whole)
    sizes = {k: size for k, videos in there.videos.items() if (size := _video_size(videos))}
    for key, entry in declared.items():
        if isinstance(entry, dict) and entry.get('dtype') == 'image' and key in columns:
            sizes[key] = _first(partial(_image_size, column=key), whole)
    return Stored(columns, shapes, sizes)


def _first(read: Callable[[OldTable], T], tables: Sequence[OldTable]) -> T:
    """Return what the first table tells that is not damaged.

    Raises:
        DatasetFormatError: there is none.
    """
    problem = 'no episode has rows, or not the columns that most have'
    for table in tables:
        try:
            with guarded(table.path):
                return read(table)
        except DatasetFormatError as error:
            problem = str(error)
    raise DatasetFormatError(problem)


def _columns(
    table: OldTable, usual: Collection[str]
) -> tuple[dict[str, pa.DataType], dict[str, tuple[int, ...]]]:
    names = [name for name in table.columns.names if name in usual]
    columns = {name: table.columns.field(name).type for name in names}
    return columns, _shapes(table, columns)


def _video_size(videos: Mapping[int, Path]) -> tuple[int, int] | None:
    for path in videos.values():
        try:
            facts = video_reader.probe(path)
        except DatasetFormatError:
            continue
        return facts.height, facts.width
    return None


def _image_size(table: OldTable, column: str) -> tuple[int, int]:
    return images.first_size(table.path, column)


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
