"""`<root>/.recording`: the episodes on their way in, and the lock that keeps a second writer out.

::

    .recording/lock             held while a writer or a repair has the dataset open
    .recording/session.json     what the dataset is, before it has an info.json
    .recording/mending          what is saved is being checked and mended
    .recording/episode-000007/  an episode, running or accepted: rows.arrow, one MP4 per camera;
                                see accepted.py and commit.py for the rest
    .recording/change-000008/   a change to an episode that was saved: its outcome, its end
    .recording/finished-000007/ what was saved or discarded, on its way out

The folder is there as long as the dataset is open. Found by someone who opens it, it means that
the one before was killed. LeRobot never looks there: it globs `data/` and `meta/episodes/` only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import itertools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import durable, layout
from lerobot_recorder.dataset.info import VideoConfig

_SESSION, _MENDING = 'session.json', 'mending'
EPISODE, _CHANGE, _FINISHED = 'episode-', 'change-', 'finished-'


class WorkFolder:
    """The hidden folder of one dataset, locked as long as this object is open.

    Args:
        root: The dataset's root; made if it is missing.

    Attributes:
        path: The folder.
        was_left: Whether a writer or a repair left it: the dataset was not closed properly.

    Raises:
        DatasetError: someone else has the dataset open.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = root / layout.RECORDING
        self._made = durable.make_folders(self.path)
        self.was_left = any((self.path / mark).exists() for mark in (_SESSION, _MENDING))
        self._lock = self._locked()
        for folder in self.path.glob(f'{_FINISHED}*'):
            durable.remove_tree(folder)
        self._numbers = itertools.count(max(map(_number, self.all_in_order()), default=-1) + 1)

    def write_session(self, document: Mapping[str, Any], video: VideoConfig) -> None:
        """Keep what the dataset is, for recovering an episode after a crash."""
        session = {'info': dict(document), 'video': dataclasses.asdict(video)}
        durable.write_bytes(self.path / _SESSION, json.dumps(session).encode())

    def mark_mending(self) -> None:
        """Tell whoever opens the dataset next that it has to be closed, whatever is found then."""
        durable.write_bytes(self.path / _MENDING, b'')

    def read_session(self) -> tuple[dict[str, Any], VideoConfig] | None:
        """Return what `write_session` kept, None if it never did."""
        return read_session(self._root)

    def episodes(self) -> list[Path]:
        """Return the working folders of all episodes on their way in, oldest first."""
        return sorted(self.path.glob(f'{EPISODE}[0-9]*'))

    def changes(self) -> list[Path]:
        """Return the working folders of changes on their way in, oldest first."""
        return sorted(self.path.glob(f'{_CHANGE}[0-9]*'))

    def all_in_order(self) -> list[Path]:
        """Return the working folders of episodes and changes, oldest first."""
        return sorted([*self.episodes(), *self.changes()], key=_number)

    def start_episode(self) -> Path:
        """Return a fresh folder for the next episode."""
        return self._start(EPISODE)

    def start_change(self) -> Path:
        """Return a fresh folder for a change to an episode that was saved."""
        return self._start(_CHANGE)

    def retire(self, folder: Path) -> Path:
        """Take an episode's folder out at once: it does not count any more.

        Args:
            folder: The working folder.

        Returns:
            Its new name, to be removed when there is time.
        """
        retired = folder.with_name(f'{_FINISHED}{_number(folder):06d}')
        os.replace(folder, retired)
        return retired

    def drop(self, folder: Path) -> None:
        """Take an episode's folder out for good, and remove it."""
        retired = self.retire(folder)
        # Before the next commit: a manifest that came back would undo what was saved after it.
        durable.sync_folder(self.path)
        with contextlib.suppress(OSError):  # whoever opens the dataset next tries again
            durable.remove_tree(retired)

    def close(self, clean: bool) -> None:
        """Give up the lock; may be called again.

        Args:
            clean: All is as it should be: remove the folder unless it holds an episode. Else
                leave it, which tells whoever opens the dataset next to mend it first.
        """
        if self._lock < 0:
            return
        try:
            if clean and not self.all_in_order():
                durable.remove_tree(self.path)
        finally:
            os.close(self._lock)
            self._lock = -1

    def remove_made(self) -> None:
        """Remove the folders that were made for this one, as far as they are empty."""
        for folder in reversed(self._made):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()

    def __enter__(self) -> WorkFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(clean=False)

    def _start(self, kind: str) -> Path:
        folder = self.path / f'{kind}{next(self._numbers):06d}'
        folder.mkdir()
        return folder

    def _locked(self) -> int:
        path = self.path / 'lock'
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have removed the file between our two calls.
            if os.fstat(lock).st_ino == path.stat().st_ino:
                return lock
        except OSError:
            pass
        os.close(lock)
        raise DatasetError(
            f'{self._root}: another process is recording into this dataset or mending it; '
            'wait until it has ended'
        )


def _number(folder: Path) -> int:
    return int(folder.name.rpartition('-')[2])


def read_session(root: Path) -> tuple[dict[str, Any], VideoConfig] | None:
    """Return info.json and video configuration that a writer kept, None if there are none."""
    path = root / layout.RECORDING / _SESSION
    if not path.exists():
        return None
    session = json.loads(path.read_text(encoding='utf-8'))
    return session['info'], VideoConfig(**session['video'])
