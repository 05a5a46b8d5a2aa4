"""The episodes so far, read from the dataset's folder: never written, and in the background."""

from __future__ import annotations

import json
import shutil
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import LerobotRosError
from lerobot_recorder.dashboard.thumbnail import thumbnail
from lerobot_recorder.dataset import layout, schema
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.disk_room import nearest_folder

WIDTH = 240
"""Of an episode's picture [px]."""
KEPT_THUMBNAILS = 500
CAMERAS_SHOWN = 2
LOW_MINUTES, LOW_BYTES = 10, 1 << 30
SOON_MINUTES = 60


@dataclass(frozen=True)
class Shelf:
    """A dataset as it was when it was last looked at.

    Attributes:
        root: its folder.
        stamp: of its info.json; another one means another content.
        reader: None if there is nothing to read yet.
        size: of all its files [bytes].
        problem: why it cannot be read, for the operator.
    """

    root: Path | None = None
    stamp: tuple[int, int] = (0, 0)
    reader: DatasetReader | None = None
    size: int = 0
    problem: str = ''

    @property
    def rows(self) -> tuple[EpisodeRow, ...]:
        """All episodes."""
        return tuple(self.reader.rows_of_episodes()) if self.reader else ()

    @property
    def seconds(self) -> float:
        """What was recorded in all [s]."""
        return sum(row.length for row in self.rows) / self.reader.fps if self.reader else 0.0


class Library:
    """What lies in a dataset. `refresh` and `thumbnail` are called by one background thread."""

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._disk: dict[str, Any] = {}
        self._thumbnails: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    def refresh(self, root: str) -> None:
        """Look at a folder again; cheap if nothing has changed.

        Args:
            root: the dataset's folder, empty while unknown.
        """
        if not root:
            self._shelf, self._disk = Shelf(), {}
            return
        folder = Path(root)
        stamp = _stamp(folder)
        if folder != self._shelf.root or stamp != self._shelf.stamp:
            self._shelf = _look(folder, stamp)
        self._disk = _disk(folder, self._shelf)

    def view(self) -> dict[str, Any]:
        """Return the dataset and its disk as a browser gets them."""
        shelf = self._shelf
        return {
            'root': str(shelf.root or ''),
            'episodes': len(shelf.rows),
            'seconds': round(shelf.seconds, 1),
            'bytes': shelf.size,
            'revision': '-'.join(map(str, shelf.stamp)),
            'problem': shelf.problem,
            'disk': self._disk,
        }

    def page(self, before: int | None, count: int) -> list[dict[str, Any]]:
        """Return episodes, newest first.

        Args:
            before: only those with a lower number.
            count: how many at most.
        """
        shelf = self._shelf
        if shelf.reader is None:
            return []
        stop = len(shelf.rows) if before is None else max(0, min(before, len(shelf.rows)))
        chosen = reversed(shelf.rows[max(0, stop - count) : stop])
        return [_card(row, shelf.reader) for row in chosen]

    def thumbnail(self, index: int, camera: str) -> bytes | None:
        """Return the picture in the middle of an episode, None if there is none such.

        Raises:
            DatasetError: it cannot be read.
        """
        reader = self._shelf.reader
        if reader is None or not 0 <= index < reader.num_episodes or camera not in reader.cameras:
            return None
        row = reader.rows_of_episodes()[index]
        key = (str(reader.root), index, _key(row), camera)
        if key not in self._thumbnails:
            picture = reader.episode(index).frame(camera, row.length // 2)
            self._thumbnails[key] = thumbnail(picture, WIDTH)
            if len(self._thumbnails) > KEPT_THUMBNAILS:
                self._thumbnails.popitem(last=False)
        return self._thumbnails[key]


def _stamp(folder: Path) -> tuple[int, int]:
    """Return what changes whenever info.json, the last file of every change, is replaced."""
    try:
        found = (folder / layout.INFO).stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)


def _look(folder: Path, stamp: tuple[int, int]) -> Shelf:
    if not any(stamp):
        why = '' if folder.parent.is_dir() else f'{folder} is not on this machine'
        return Shelf(folder, stamp, problem=why)
    try:
        info = json.loads((folder / layout.INFO).read_text(encoding='utf-8'))
        empty = not info.get('total_episodes')
        reader = None if empty else DatasetReader(folder, statistics=False)
    except (LerobotRosError, OSError, ValueError, AttributeError) as error:
        return Shelf(folder, stamp, problem=str(error))
    return Shelf(folder, stamp, reader, _size(folder))


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob('*'):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # moved on meanwhile
            continue
    return total


def _disk(folder: Path, shelf: Shelf) -> dict[str, Any]:
    """Return what is free, and for how long that lasts at the rate so far."""
    try:
        usage = shutil.disk_usage(nearest_folder(folder))
    except OSError:
        return {}
    per_minute = shelf.size / shelf.seconds * 60 if shelf.seconds else 0.0
    minutes = usage.free / per_minute if per_minute else None
    level = 'ok'
    if usage.free < LOW_BYTES or (minutes is not None and minutes < LOW_MINUTES):
        level = 'error'
    elif minutes is not None and minutes < SOON_MINUTES:
        level = 'warn'
    left = None if minutes is None else int(minutes)
    return {'free': usage.free >> 20 << 20, 'total': usage.total, 'minutes': left, 'level': level}


def _card(row: EpisodeRow, reader: DatasetReader) -> dict[str, Any]:
    cameras = [key for key in reader.cameras if not schema.is_depth(reader.features[key])]
    return {
        'index': row.index,
        'seconds': round(row.length / reader.fps, 1),
        'tasks': list(row.tasks),
        'outcome': row.extra.get('ros/outcome'),
        'defects': _defects(row.extra.get('ros/defects')),
        'key': _key(row),
        'cameras': (cameras or reader.cameras)[:CAMERAS_SHOWN],
    }


def _key(row: EpisodeRow) -> str:
    """Return what tells an episode from one that takes its number later."""
    return str(row.extra.get('ros/uuid') or f'{row.start}-{row.length}')


def _defects(text: str | None) -> dict[str, int]:
    try:
        found = json.loads(text or '{}')
    except ValueError:
        return {}
    return {str(k): int(v) for k, v in found.items()} if isinstance(found, dict) else {}
