"""What a v2.0 or v2.1 dataset says of itself: info.json and the lists beside it.

Reference: LeRobot up to 0.3, `lerobot/common/datasets/utils.py` (CODEBASE_VERSION v2.0, v2.1).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import layout

EPISODES, TASKS = 'meta/episodes.jsonl', 'meta/tasks.jsonl'
KNOWN = (
    layout.INFO, layout.STATS, EPISODES, TASKS, 'meta/episodes_stats.jsonl',
)  # fmt: skip
"""Files of meta/ that the new dataset has in its own way."""
V1_FOLDER = 'meta_data'
"""Where v1.x kept info.json."""


@dataclass(frozen=True)
class OldMeta:
    """The description of an old dataset.

    Attributes:
        version: `v2.0` or `v2.1`.
        document: info.json.
        identity: Checksum of info.json, which tells this dataset from others.
        sentences: Tasks by their index.
        listed: Lines of episodes.jsonl by the episode's number.
        notices: What was odd, a sentence each.
    """

    version: str
    document: dict[str, Any]
    identity: str
    sentences: dict[int, str]
    listed: dict[int, dict[str, Any]]
    notices: tuple[str, ...]


def is_dataset(folder: Path) -> bool:
    """Return whether a folder is a LeRobot dataset of any version, and no bag."""
    return (folder / layout.INFO).is_file() or (folder / V1_FOLDER / 'info.json').is_file()


def read(root: Path) -> OldMeta:
    """Read the description of an old dataset.

    Raises:
        DatasetFormatError: it is of another version, or a file cannot be read; says which line.
    """
    path = root / layout.INFO
    if not path.is_file() and (root / V1_FOLDER).is_dir():
        raise _other_version(root, 'v1.x', 'convert it to v2 with LeRobot 0.1 first')
    try:
        content = path.read_bytes()
        document = json.loads(content)
    except (OSError, ValueError) as error:
        raise DatasetFormatError(f'{path} cannot be read: {error}') from None
    if not isinstance(document, dict) or not isinstance(document.get('features'), dict):
        raise DatasetFormatError(f'{path}: found no features, expected those of a v2 dataset')
    version, notices = _version(root, document)
    return OldMeta(
        version,
        document,
        hashlib.sha256(content).hexdigest(),
        _sentences(root / TASKS),
        _listed(root / EPISODES),
        notices,
    )


def _version(root: Path, document: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    found = document.get('codebase_version')
    if found is None and any(root.glob('data/*/episode_*.parquet')):
        return 'v2.0', ('info.json names no codebase_version; read as v2.0, by its files',)
    version = str(found)
    if version.startswith('v2.'):
        return version, ()
    if version.startswith('v3.'):
        raise _other_version(
            root,
            version,
            'there is nothing to convert; validate checks it, compact joins its files',
        )
    remedy = 'convert it to v2 with LeRobot 0.1 first'
    raise _other_version(root, version, remedy if version.startswith('v1.') else 'what is it?')


def _other_version(root: Path, version: str, remedy: str) -> DatasetFormatError:
    return DatasetFormatError(
        f'{root} is a LeRobot dataset of {version}, convert takes v2.0 and v2.1: {remedy}'
    )


def _sentences(path: Path) -> dict[int, str]:
    sentences = {}
    for where, line in _lines(path):
        index, task = _number(line.get('task_index')), line.get('task')
        if index is None or not isinstance(task, str):
            raise DatasetFormatError(f'{where}: found {line}, expected task_index and task')
        sentences[index] = task
    return sentences


def _listed(path: Path) -> dict[int, dict[str, Any]]:
    listed = {}
    for where, line in _lines(path):
        index = _number(line.get('episode_index'))
        if index is None:
            raise DatasetFormatError(f'{where}: found no episode_index, expected a whole number')
        listed[index] = line
    return listed


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where a line is, and what it holds; nothing if there is no such file."""
    try:
        text = path.read_text(encoding='utf-8') if path.exists() else ''
    except (OSError, ValueError) as error:
        raise DatasetFormatError(f'{path} cannot be read: {error}') from None
    for number, line in enumerate(text.split('\n'), start=1):
        if not line.strip():
            continue
        where = f'{path}, line {number}'
        try:
            found = json.loads(line)
        except ValueError as error:
            raise DatasetFormatError(f'{where}: is no JSON ({error})') from None
        if not isinstance(found, dict):
            raise DatasetFormatError(f'{where}: found {found!r}, expected an object')
        yield where, found


def _number(value: Any) -> int | None:
    is_whole = (
        isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    )
    return int(value) if is_whole and value >= 0 else None
