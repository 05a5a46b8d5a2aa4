"""Checks of the data files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import layout, schema
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.finding import Findings
from lerobot_recorder.dataset.image_writer import decode_image
from lerobot_recorder.dataset.video_reader import TOLERANCE_S

Columns = dict[str, NDArray[Any]]


def check(
    root: Path, document: Mapping[str, Any], rows: Sequence[EpisodeRow], findings: Findings
) -> Columns:
    """Check every column of every data file, and the numbering over all files.

    Returns:
        The five default columns in LeRobot's order of the rows, as far as they can be read.
    """
    features = document['features']
    used = {layout.data_file(row.data) for row in rows}
    parts: dict[str, list[NDArray[Any]]] = {key: [] for key in schema.DEFAULT_FEATURES}
    for path in layout.data_files(root):
        where = path.relative_to(root).as_posix()
        if where not in used:
            findings.error(where, 'no episode refers to it', 'no such file; its rows are loaded')
        for key, column in _check_file(path, where, features, findings).items():
            if key in parts:
                parts[key].append(column)
    for where in sorted(used):
        if not (root / where).exists():
            findings.error(where, 'missing', 'the file that episodes refer to')
    data = {key: np.concatenate(part) for key, part in parts.items() if part}
    if set(data) == set(parts) and len({len(column) for column in data.values()}) == 1:
        _check_numbering(data, rows, document['fps'], findings)
    return data


def check_tasks(
    rows: Sequence[EpisodeRow], data: Columns, sentences: Sequence[str], findings: Findings
) -> None:
    """Check that an episode's list of tasks is that of its rows."""
    if 'task_index' not in data or len(data['task_index']) != len(data['episode_index']):
        return
    for position, row in enumerate(rows):
        numbers = np.unique(data['task_index'][data['episode_index'] == position])
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(sentences):
            found = f'task_index {numbers.tolist()}'
            findings.error(f'episode {position}', found, f'0 to {len(sentences) - 1}')
        elif {sentences[number] for number in numbers} != set(row.tasks):
            found = f'tasks {list(row.tasks)}'
            expected = [sentences[number] for number in numbers]
            findings.error(f'episode {position}', found, f'{expected}, as in its rows')


def check_images(
    root: Path, document: Mapping[str, Any], findings: Findings, decode: bool
) -> None:
    """Check the pictures that lie in the data files."""
    keys = [k for k, f in document['features'].items() if f['dtype'] == 'image']
    for path in layout.data_files(root) if keys else []:
        where = path.relative_to(root).as_posix()
        for key in keys:
            problem = _image_problem(path, key, document['features'][key], decode)
            if problem:
                findings.error(f'{where} column {key!r}', problem, 'one picture per row')


def _check_file(path: Path, where: str, features: schema.Features, findings: Findings) -> Columns:
    stored = {key: feature for key, feature in features.items() if not schema.is_video(feature)}
    try:
        names = pq.read_schema(path).names
        readable = [k for k in names if k in stored and not schema.is_picture(stored[k])]
        table = pq.read_table(path, columns=readable)
    except (OSError, pa.ArrowException) as error:
        findings.error(where, f'cannot be read: {error}', 'a complete Parquet file')
        return {}
    if layout.file_index(path) is None:
        findings.error(where, 'a Parquet file with a name of its own', layout.DATA_PATH)
    for key in sorted(set(names) - set(stored)):
        findings.error(where, f'undeclared column {key!r}', 'none; LeRobot cannot load it')
    for key in sorted(set(stored) - set(names)):
        findings.error(where, f'no column {key!r}', 'it; LeRobot would give None')
    columns = {}
    for key in readable:
        column = _read_column(table[key], f'{where} column {key!r}', stored[key], findings)
        if column is not None:
            columns[key] = column
    return columns


def _read_column(
    column: pa.ChunkedArray, where: str, feature: schema.Feature, findings: Findings
) -> NDArray[Any] | None:
    if not schema.is_number(feature):
        if column.null_count:
            findings.error(where, f'{column.null_count} nulls', 'a value in every row')
        return None
    try:
        values = schema.to_numpy(column, feature)
    except (DatasetFormatError, pa.ArrowException, ValueError) as error:
        findings.error(where, error, f'{feature["dtype"]} of shape {feature["shape"]}')
        return None
    if values.dtype.kind == 'f' and not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        findings.error(where, f'{bad} values are not finite', 'numbers; LeRobot cannot keep NaN')
    return values


def _check_numbering(
    data: Columns, rows: Sequence[EpisodeRow], fps: int, findings: Findings
) -> None:
    total = len(data['index'])
    wrong = np.flatnonzero(data['index'] != np.arange(total))
    if len(wrong):
        found = f'index {data["index"][wrong[0]]} in row {wrong[0]}'
        findings.error('data', found, 'the row number over all files in the order of their names')
    for position, row in enumerate(rows):
        inside = slice(row.start, row.stop)
        for problem, expected in _episode_problems(data, position, row, inside, fps):
            findings.error(f'episode {position}', problem, expected)
    expected_total = sum(row.length for row in rows)
    if total != expected_total:
        findings.error('data', f'{total} rows', f'{expected_total}, as in meta/episodes')


def _episode_problems(
    data: Columns, position: int, row: EpisodeRow, inside: slice, fps: int
) -> list[tuple[str, str]]:
    count = np.arange(row.length)
    if len(data['index'][inside]) != row.length:
        return [(f'{len(data["index"][inside])} rows', f'{row.length}, as in meta/episodes')]
    problems = []
    if (data['episode_index'][inside] != position).any():
        problems.append(('rows of another episode among its own', f'episode_index {position}'))
    if (data['frame_index'][inside] != count).any():
        problems.append(('frame_index with gaps or repeats', f'0 to {row.length - 1}'))
    off = np.abs(data['timestamp'][inside] - count / fps)
    if (off > TOLERANCE_S).any():
        worst = f'timestamp off by {off.max() * 1e3:.1f} ms'
        problems.append((worst, 'frame_index / fps; LeRobot finds no picture there'))
    return problems


def _image_problem(path: Path, key: str, feature: schema.Feature, decode: bool) -> str | None:
    try:
        if key not in pq.read_schema(path).names:
            return None
        images = pq.read_table(path, columns=[key])[key].to_pylist()
    except (OSError, pa.ArrowException):
        return None
    for number, image in enumerate(images):
        if not image or not image.get('bytes'):
            return f'row {number} has no picture'
        if decode:
            try:
                found = decode_image(image['bytes'], schema.is_depth(feature)).shape
            except DatasetError as error:
                return f'row {number}: {error}'
            if (*found, 1)[:3] != schema.shape_of(feature):
                return f'row {number} is {found}'
    return None
