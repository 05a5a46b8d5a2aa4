"""Which files of a dataset are to be joined, and whether that is worth while."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, TypeVar

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import (
    compact_tables,
    compact_videos,
    info,
    layout,
    prefix,
    schema,
)
from lerobot_recorder.dataset.compact_tables import DataFile
from lerobot_recorder.dataset.compact_videos import VideoFile
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.limits import DEFAULTS, files_per_chunk
from lerobot_recorder.dataset.reading import guarded

_MIB = 2**20
_WORTHWHILE = 0.95
"""Two files are reason enough to begin if together they stay below this part of the limit; so
what was joined once is left alone the next time, whatever a footer takes."""

_AnyFile = TypeVar('_AnyFile', VideoFile, DataFile)


@dataclass(frozen=True)
class Plan:
    """Which files are to be joined.

    Attributes:
        root: The dataset.
        document: Its info.json.
        rows: Its episodes.
        data: Groups of data files, each to become one.
        videos: Camera -> groups of videos, each to become one.
        limits: `data`, `video` [bytes] and `chunk` [files].
        worthwhile: Whether anything is gained.
    """

    root: Path
    document: Mapping[str, Any]
    rows: Sequence[EpisodeRow]
    data: Sequence[Sequence[DataFile]]
    videos: Mapping[str, Sequence[Sequence[VideoFile]]]
    limits: Mapping[str, int]
    worthwhile: bool

    def replaced(self) -> set[str]:
        """Return the files that are not taken over as they are."""
        paths = [file.path for group in self.data for file in group]
        paths += [file.path for groups in self.videos.values() for g in groups for file in g]
        paths += layout.episodes_files(self.root)
        return {os.path.relpath(path, self.root) for path in paths}

    def bytes_to_copy(self) -> int:
        """Return the size of what is written anew [bytes]."""
        groups: list[Sequence[Any]] = [group for group in self.data if len(group) > 1]
        groups += [g for groups in self.videos.values() for g in groups if len(g) > 1]
        paths = [file.path for group in groups for file in group]
        paths += layout.episodes_files(self.root)
        return sum(int(path.stat().st_size) for path in paths)


def make_plan(root: Path) -> Plan:
    """Find out what can be joined; touches nothing.

    Raises:
        DatasetFormatError: it is no dataset, or not whole.
    """
    document = info.read(root)
    with guarded(root):
        return _plan(root, document)


def _plan(root: Path, document: Mapping[str, Any]) -> Plan:
    found = prefix.find(root, document)
    if found.problem:
        raise DatasetFormatError(
            f'{root} is not whole and was not touched: {found.problem}; repair it first'
        )
    check_totals(root, document, found.rows)
    _check_strays(root, document, found.rows)
    limits = file_limits(root, document)
    data = _look_at_data(root, found.rows, limits['data'])
    videos = {
        key: _look_at_videos(root, key, found.rows, int(document['fps']))
        for key in schema.video_keys(document['features'])
    }
    tables = [path.stat().st_size for path in layout.episodes_files(root)]
    few = any(a + b < limits['data'] * _WORTHWHILE for a, b in pairwise(tables))
    return Plan(
        root=root,
        document=document,
        rows=found.rows,
        data=grouped(data, limits['data']),
        videos={key: grouped(files, limits['video']) for key, files in videos.items()},
        limits=limits,
        worthwhile=few
        or gains(data, limits['data'])
        or any(gains(files, limits['video']) for files in videos.values()),
    )


def file_limits(root: Path, document: Mapping[str, Any]) -> dict[str, int]:
    """Return how large files and folders may become: `data`, `video` [bytes], `chunk` [files].

    Raises:
        DatasetFormatError: info.json says something odd.
    """
    keys = {
        'data': ('data_files_size_in_mb', _MIB),
        'video': ('video_files_size_in_mb', _MIB),
        'chunk': ('chunks_size', 1),
    }
    limits = {}
    for name, (key, unit) in keys.items():
        value = document.get(key, DEFAULTS[key])
        if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value < 2**40:
            raise DatasetFormatError(f'{root}: {key} is {value!r}, expected a number above 0')
        limits[name] = int(value * unit)
    return {**limits, 'chunk': files_per_chunk(document)}


def check_totals(root: Path, document: Mapping[str, Any], rows: Sequence[EpisodeRow]) -> None:
    """Check that info.json counts what is there.

    Raises:
        DatasetFormatError: it does not.
    """
    totals = {'total_episodes': len(rows), 'total_frames': sum(row.length for row in rows)}
    for key, value in totals.items():
        if document.get(key, 0) != value:
            raise DatasetFormatError(
                f'{root} was not touched: {layout.INFO} says {key} {document.get(key)}, '
                f'meta/episodes has {value}; repair it first'
            )


def _check_strays(root: Path, document: Mapping[str, Any], rows: Sequence[EpisodeRow]) -> None:
    """Refuse files that nobody refers to: their numbers may be wanted for joined ones."""
    used = {root / layout.data_file(row.data) for row in rows}
    there = set(layout.data_files(root))
    for key in schema.video_keys(document['features']):
        used |= {root / layout.video_file(key, row.videos[key]) for row in rows}
        there |= set(layout.video_files(root, key))
    stray = sorted(there - used)
    if stray:
        raise DatasetFormatError(
            f'{root} was not touched: no episode refers to {stray[0]}; repair it first'
        )


def _look_at_data(root: Path, rows: Sequence[EpisodeRow], limit: int) -> list[DataFile]:
    files = []
    for file, group in groupby(rows, key=lambda row: row.data):
        path = root / layout.data_file(file)
        files.append(compact_tables.look_at(path, file, list(group), limit))
    if [file.path for file in files] != layout.data_files(root):
        raise DatasetFormatError(f'{root}: its data files are not in the order of their episodes')
    return files


def _look_at_videos(root: Path, key: str, rows: Sequence[EpisodeRow], fps: int) -> list[VideoFile]:
    numbers = sorted({row.videos[key] for row in rows})
    return [
        compact_videos.look_at(root / layout.video_file(key, number), number, fps)
        for number in numbers
    ]


def grouped(files: Sequence[_AnyFile], limit: int) -> list[list[_AnyFile]]:
    """Return neighbours that become one file each: as many as stay below the limit [bytes]."""
    groups: list[list[_AnyFile]] = []
    for file in files:
        taken = sum(each.size for each in groups[-1]) if groups else 0
        if groups and taken + file.size < limit and _can_join(groups[-1], file):
            groups[-1].append(file)
        else:
            groups.append([file])
    return groups


def gains(files: Sequence[_AnyFile], limit: int) -> bool:
    """Return whether two neighbours are well below the limit together [bytes]."""
    return any(
        one.size + other.size < limit * _WORTHWHILE and _can_join([one], other)
        for one, other in pairwise(files)
    )


def _can_join(group: Sequence[_AnyFile], file: _AnyFile) -> bool:
    last: Any = group[-1]
    return bool(file.can_follow(last))
