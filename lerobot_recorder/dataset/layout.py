"""Where things lie in a v3.0 dataset.

::

    <root>/meta/info.json  stats.json  tasks.parquet
    <root>/meta/episodes/chunk-000/file-000.parquet
    <root>/meta/ros/episodes/<uuid>.json                 ours, LeRobot never looks there
    <root>/meta/ros/files/<kind>-<hash>.<ending>         named by those, each kept once
    <root>/data/chunk-000/file-000.parquet
    <root>/videos/<key>/chunk-000/file-000.mp4
    <root>/meta/ros/seal.json  statistics.npz            as it was closed, see seal.py
    <root>/meta/ros/deleted.json                         names of episodes that were deleted
    <root>/.recording/                                   episodes on their way in, and the lock
    <root>/.quarantine/                                  what a repair took out
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

CODEBASE_VERSION = 'v3.0'
CHUNKS_SIZE = 1000
DATA_PATH = 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'
VIDEO_PATH = 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4'
EPISODES = 'meta/episodes'
EPISODES_PATH = EPISODES + '/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'
INFO = 'meta/info.json'
STATS = 'meta/stats.json'
TASKS = 'meta/tasks.parquet'
RECORDS = 'meta/ros/episodes'
SHARED_FILES = 'meta/ros/files'
RECORDING = '.recording'
QUARANTINE = '.quarantine'

_FILE = re.compile(r'chunk-(\d{3,})/file-(\d{3,})\.(?:parquet|mp4)$')


class FileIndex(NamedTuple):
    """Number of a file: chunk folder and file in it."""

    chunk: int
    file: int

    def next(self, chunks_size: int = CHUNKS_SIZE) -> FileIndex:
        """Return the number after this one."""
        if self.file >= chunks_size - 1:
            return FileIndex(self.chunk + 1, 0)
        return FileIndex(self.chunk, self.file + 1)


FIRST_FILE = FileIndex(0, 0)


def is_free(root: Path) -> bool:
    """Return whether a new dataset can be made in a folder; what a repair took out may stay."""
    return all(path.name == QUARANTINE for path in root.iterdir())


def data_file(index: FileIndex) -> str:
    """Return the path of a data file, relative to the root."""
    return DATA_PATH.format(chunk_index=index.chunk, file_index=index.file)


def episodes_file(index: FileIndex) -> str:
    """Return the path of an episodes file, relative to the root."""
    return EPISODES_PATH.format(chunk_index=index.chunk, file_index=index.file)


def video_file(key: str, index: FileIndex) -> str:
    """Return the path of a camera's video, relative to the root."""
    return VIDEO_PATH.format(video_key=key, chunk_index=index.chunk, file_index=index.file)


def data_files(root: Path) -> list[Path]:
    """Return the data files in the order in which LeRobot concatenates them."""
    return sorted((root / 'data').glob('*/*.parquet'))


def episodes_files(root: Path) -> list[Path]:
    """Return the episodes files in the order in which LeRobot concatenates them."""
    return sorted((root / EPISODES).glob('*/*.parquet'))


def video_files(root: Path, key: str) -> list[Path]:
    """Return a camera's videos, sorted."""
    return sorted((root / 'videos' / key).glob('*/*.mp4'))


def file_index(path: Path) -> FileIndex | None:
    """Return the number in a file's path, None if it follows no template."""
    match = _FILE.search(path.as_posix())
    return FileIndex(int(match[1]), int(match[2])) if match else None


def last_index(paths: Iterable[Path]) -> FileIndex | None:
    """Return the highest number of all files given, None if none has one."""
    numbers = [number for number in map(file_index, paths) if number is not None]
    return max(numbers, default=None)
