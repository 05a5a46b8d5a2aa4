"""Whether episodes can be appended to a dataset that exists already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import episodes, info, layout, schema, work_folder
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.info import DatasetInfo


def check(root: Path, expected: DatasetInfo, is_intact: bool = False) -> None:
    """Check that a dataset is what is expected; touches nothing.

    Args:
        root: The dataset.
        expected: What it is to be.
        is_intact: It is as we closed it: its numbering need not be looked at.

    Raises:
        DatasetFormatError: there is none, it differs, or its episodes are not contiguous.
    """
    document = _document(root, expected)
    problems = differences(document, expected)
    if problems:
        raise DatasetFormatError(f'{root} cannot be resumed: ' + '; '.join(problems))
    if is_intact:
        return
    try:
        rows: Sequence[EpisodeRow] = episodes.rows_of(
            root, expected.fps, document['features'], statistics=False
        )
    except DatasetFormatError:
        return  # interrupted or damaged: the repair that follows decides
    problem = gap(rows)
    if problem:
        raise DatasetFormatError(f'{root} cannot be resumed: {problem}; repair the dataset first')


def differences(document: Mapping[str, Any], expected: DatasetInfo) -> list[str]:
    """Return how a dataset differs from what is expected."""
    problems = []
    for key, wanted in (('fps', expected.fps), ('robot_type', expected.robot_type)):
        found = document.get(key)
        if found != wanted or isinstance(found, float):
            problems.append(f'its {key} is {found!r}, expected {wanted!r}')
    features = schema.normalized(document['features'])
    if set(schema.DEFAULT_FEATURES) - set(features):
        problems.append(f'it lacks {sorted(set(schema.DEFAULT_FEATURES) - set(features))}')
    found_user, wanted_user = schema.user_features(features), schema.normalized(expected.features)
    for key in sorted(set(found_user) | set(wanted_user)):
        if found_user.get(key) != wanted_user.get(key):
            problems.append(
                f'its feature {key!r} is {found_user.get(key)}, expected {wanted_user.get(key)}'
            )
    return problems


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


def remarks(document: Mapping[str, Any], wanted: DatasetInfo) -> list[str]:
    """Return what is allowed but worth telling about appending to this dataset."""
    remarks = []
    for key in schema.video_keys(document['features']):
        block = document['features'][key].get('info') or {}
        codec = block.get('video.codec', wanted.video.codec)
        if codec != wanted.video.codec:
            remarks.append(
                f'{key}: videos so far are {codec}, new ones {wanted.video.codec}; '
                'both can be read, but LeRobot cannot merge them into one file'
            )
    return remarks


def _document(root: Path, expected: DatasetInfo) -> Mapping[str, Any]:
    if not root.is_dir():
        raise DatasetFormatError(f'{root} does not exist; create the dataset instead of resuming')
    session = work_folder.read_session(root)
    if not (root / layout.INFO).exists() and (root / layout.RECORDING).exists():
        # Killed before its first episode, or even before it said what it was to be.
        return session[0] if session else info.new_document(expected)
    return info.read(root)
