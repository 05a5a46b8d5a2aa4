"""`<root>/.recording`: the running episode, and the lock that keeps a second writer out.

::

    .recording/lock             held while a writer or a repair has the dataset open
    .recording/session.json     what the dataset is, before it has an info.json
    .recording/episode/         rows.arrow and one MP4 per camera; see commit.py for the rest
    .recording/finished/        an episode that was saved, on its way out

LeRobot never looks there: it globs `data/` and `meta/episodes/` only.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import durable, layout
from lerobot_recorder.dataset.info import VideoConfig

_SESSION = 'session.json'


class WorkFolder:
    """The hidden folder of one dataset, locked as long as this object is open.

    Args:
        root: The dataset's root; made if it is missing.

    Raises:
        DatasetError: someone else has the dataset open.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = root / layout.RECORDING
        self.episode = self.path / 'episode'
        self._finished = self.path / 'finished'
        self._made = durable.make_folders(self.path)
        self._lock = os.open(self.path / 'lock', os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise DatasetError(
                f'{root}: another process is recording into this dataset or mending it; '
                'wait until it has ended'
            ) from None
        durable.remove_tree(self._finished)

    def write_session(self, document: Mapping[str, Any], video: VideoConfig) -> None:
        """Keep what the dataset is, for recovering an episode after a crash."""
        session = {'info': dict(document), 'video': dataclasses.asdict(video)}
        durable.write_bytes(self.path / _SESSION, json.dumps(session).encode())

    def read_session(self) -> tuple[dict[str, Any], VideoConfig] | None:
        """Return what `write_session` kept, None if it never did."""
        return read_session(self._root)

    def start_episode(self) -> Path:
        """Return a fresh folder for the running episode."""
        durable.remove_tree(self.episode)
        self.episode.mkdir()
        return self.episode

    def drop_episode(self) -> None:
        """Remove the running episode; from the first moment on it does not count any more."""
        if self.episode.exists():
            os.replace(self.episode, self._finished)
            durable.remove_tree(self._finished)

    def close(self, keep_episode: bool = False) -> None:
        """Give up the lock and remove the folder.

        Args:
            keep_episode: Leave the folder, for a later repair.
        """
        if self._lock < 0:
            return
        if not (keep_episode and self.episode.exists()):
            durable.remove_tree(self.path)
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
        self.close(keep_episode=True)


def read_session(root: Path) -> tuple[dict[str, Any], VideoConfig] | None:
    """Return info.json and video configuration that a writer kept, None if there are none."""
    path = root / layout.RECORDING / _SESSION
    if not path.exists():
        return None
    session = json.loads(path.read_text(encoding='utf-8'))
    return session['info'], VideoConfig(**session['video'])
