"""Whether episodes can be appended to a dataset that exists already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetExistsError, DatasetFormatError
from lerobot_recorder.dataset import (
    episodes,
    folder_swap,
    info,
    layout,
    robot_facts,
    schema,
    work_folder,
)
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.reading import ODD_CONTENT, guarded


def refuse_existing(root: Path) -> None:
    """Check that a new dataset can be made here.

    Raises:
        DatasetExistsError: something lies there already.
    """
    if not root.exists() and folder_swap.old_folder(root).exists():
        raise DatasetExistsError(
            f'{root} is a dataset whose files were being joined or edited; '
            'resume or compact it to go on'
        )
    if not root.exists():
        return
    if not root.is_dir():
        raise DatasetExistsError(f'{root} is a file, expected a new folder')
    if (root / layout.RECORDING).exists():
        raise DatasetExistsError(
            f'{root} holds an interrupted or running recording; resume it to go on'
        )
    if not layout.is_free(root):
        raise DatasetExistsError(
            f'{root} exists already and is not empty; resume it or choose another folder'
        )


def check(root: Path, expected: DatasetInfo, is_intact: bool = False) -> None:
    """Check that a dataset is what is expected; touches nothing.

    Args:
        root: The dataset.
        expected: What it is to be.
        is_intact: It is as we closed it: its numbering need not be looked at.

    Raises:
        DatasetFormatError: there is none, it differs, or its episodes are not contiguous.
    """
    with guarded(root):
        document = _document(root, expected)
        problems = differences(document, expected) or _column_problems(root, document)
        if problems:
            raise DatasetFormatError(f'{root} cannot be resumed: ' + '; '.join(problems))
        rows = _rows(root, document, last_file=is_intact)
        if rows is None:
            return  # interrupted or damaged: the repair that follows decides
        problem = None if is_intact else gap(rows)
        if problem:
            raise DatasetFormatError(
                f'{root} cannot be resumed: {problem}; repair the dataset first'
            )
        missing = [] if is_intact else _missing_files(root, document, rows)
        problems = [*missing, *robot_facts.differences(root, rows, expected.facts)]
        if problems:
            raise DatasetFormatError(f'{root} cannot be resumed: ' + '; '.join(problems))


def differences(document: Mapping[str, Any], expected: DatasetInfo) -> list[str]:
    """Return how a dataset differs from what is expected."""
    problems = []
    for key, wanted in (('fps', expected.fps), ('robot_type', expected.robot_type)):
        found = document.get(key)
        if found != wanted or isinstance(found, float):
            problems.append(f'its {key} is {found!r}, this session has {wanted!r}')
    problems += expected.limits.differences(document)
    features = schema.normalized(document['features'])
    if set(schema.DEFAULT_FEATURES) - set(features):
        problems.append(f'it lacks {sorted(set(schema.DEFAULT_FEATURES) - set(features))}')
    return problems + feature_differences(
        schema.user_features(features), schema.normalized(expected.features)
    )


def gap(rows: Sequence[EpisodeRow]) -> str | None:
    """Return where the numbering of episodes or rows is broken, None if it is not."""
    start = 0
    for position, row in enumerate(rows):
        if row.index != position:
            return f'row {position} of meta/episodes is episode {row.index}, expected {position}'
        if row.start != start:
            return f'episode {position} starts at row {row.start}, expected {start}'
        start = row.stop
    return None


def remarks(root: Path, document: Mapping[str, Any], wanted: DatasetInfo) -> list[str]:
    """Return what is allowed but worth telling about appending to this dataset."""
    remarks = []
    for key in schema.video_keys(document['features']):
        if schema.is_depth(document['features'][key]):
            continue
        block = document['features'][key].get('info') or {}
        codec = block.get('video.codec', wanted.video.codec)
        if codec != wanted.video.codec:
            remarks.append(
                f'{key}: videos so far are {codec}, new ones {wanted.video.codec}; '
                'both can be read, but LeRobot cannot merge them into one file'
            )
    rows = _rows(root, document, last_file=True)
    return remarks + (robot_facts.remarks(root, rows, wanted.facts) if rows else [])


def feature_differences(found: schema.Features, wanted: schema.Features) -> list[str]:
    """Return how features of a dataset, normalized, differ from those of this session."""
    problems = []
    gone, new = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
    if gone:
        problems.append(f'it has features that this session has not: {gone}')
    if new:
        problems.append(f'this session has features that it has not: {new}')
    for key in sorted(set(found) & set(wanted)):
        for part in ('dtype', 'shape'):
            there, here = found[key][part], wanted[key][part]
            if there != here:
                problems.append(f'its {key} has {part} {there!r}, this session {here!r}')
        if not schema.is_picture(found[key]):
            problems += _name_differences(key, _flat(found[key]), _flat(wanted[key]))
    return problems


def _name_differences(key: str, there: Any, here: Any) -> list[str]:
    if there == here:
        return []
    if not isinstance(there, list) or not isinstance(here, list):
        return [f'its {key} has the names {there!r}, this session {here!r}']
    gone = [name for name in there if name not in here]
    new = [name for name in here if name not in there]
    if not gone and not new:
        return [f'its {key} has the order {there}, this session {here}']
    return [f'its {key} has {gone or "no"} where this session has {new or "no"} other names']


def _flat(feature: schema.Feature) -> Any:
    """Return names as a list, also where they lie under a heading such as `motors`."""
    names = feature.get('names')
    if isinstance(names, Mapping) and len(names) == 1:
        (names,) = names.values()
    return names


def _missing_files(
    root: Path, document: Mapping[str, Any], rows: Sequence[EpisodeRow]
) -> list[str]:
    """Return which files are not there, as in a download of a part; a repair would cut there."""
    if (root / layout.RECORDING).exists():
        return []  # interrupted while it was saved: the repair that follows brings them
    names = [layout.data_file(row.data) for row in rows]
    for key in schema.video_keys(document['features']):
        names += [layout.video_file(key, row.videos[key]) for row in rows]
    missing = [name for name in dict.fromkeys(names) if not (root / name).exists()]
    if not missing:
        return []
    return [f'{len(missing)} of its files are not there, such as {missing[0]}; download them']


def _column_problems(root: Path, document: Mapping[str, Any]) -> list[str]:
    """Return why a row of ours could not have the columns that meta/episodes has."""
    try:
        columns = pq.read_schema(layout.episodes_files(root)[0])
    except ODD_CONTENT:
        return []  # none, or a damaged one: the repair that follows decides
    known = {f.name: f.type for f in episodes.columns_for(document['features'], extra=True)}
    optional = ('stats/', 'ros/', 'tasks', 'meta/', 'videos/')
    missing = [n for n in known if n not in columns.names and not n.startswith(optional)]
    if missing:
        return [f'its meta/episodes has not the columns {missing}']
    problems = []
    for column in columns:
        is_unfilled = pa.types.is_null(column.type) and column.name in episodes.EXTRA_COLUMNS
        if column.name in known and not is_unfilled:
            try:
                pa.array([_sample(known[column.name])], type=column.type)
            except ODD_CONTENT:
                problems.append(
                    f'its column {column.name} of meta/episodes holds {column.type}, '
                    f'expected {known[column.name]}'
                )
    return problems


def _sample(kind: pa.DataType) -> Any:
    """Return a value of a column's type."""
    if pa.types.is_list(kind):
        return [_sample(kind.value_type)]
    return 'x' if pa.types.is_string(kind) else 1 if pa.types.is_integer(kind) else 0.5


def _rows(
    root: Path, document: Mapping[str, Any], last_file: bool = False
) -> Sequence[EpisodeRow] | None:
    """Return all episodes' rows, or those of the last file alone; None if they cannot be read."""
    fps, features = int(document['fps']), document['features']
    try:
        if not last_file:
            return episodes.rows_of(root, fps, features, statistics=False)
        table, _ = episodes.read_file(layout.episodes_files(root)[-1], statistics=False)
        return episodes.from_table(table, fps, features)
    except (*ODD_CONTENT, DatasetFormatError):
        return None


def _document(root: Path, expected: DatasetInfo) -> Mapping[str, Any]:
    if not root.is_dir():
        raise DatasetFormatError(f'{root} does not exist; create the dataset instead of resuming')
    session = work_folder.read_session(root)
    if not (root / layout.INFO).exists() and (root / layout.RECORDING).exists():
        # Killed before its first episode, or even before it said what it was to be.
        return session[0] if session else info.new_document(expected)
    return info.read(root)
