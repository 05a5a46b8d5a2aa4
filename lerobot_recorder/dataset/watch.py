"""The episode that is being recorded, read beside its writer: nothing of it is touched.

Its rows come from the journal, its pictures from the videos as far as the encoders have written
them. Recording goes on meanwhile; what is returned is the episode up to now.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.dataset import info, journal, layout, schema
from lerobot_recorder.dataset.dataset_reader import EpisodeView
from lerobot_recorder.dataset.recover import pictures
from lerobot_recorder.dataset.work_folder import EPISODE, read_session


@dataclass(frozen=True)
class RunningDataset:
    """A dataset that somebody records into.

    Attributes:
        root: Its folder.
        fps: Rows per second.
        features: Feature entries, the five defaults included.
        episode: The newest episode, up to now.
    """

    root: Path
    fps: int
    features: schema.Features
    episode: EpisodeView

    @property
    def cameras(self) -> list[str]:
        """Names of the camera features."""
        return schema.picture_keys(self.features)


def running(root: Path) -> RunningDataset | None:
    """Return the newest episode of a dataset if it is not saved yet, None if all are.

    Raises:
        DatasetFormatError: what is there cannot be read.
    """
    folders = sorted((root / layout.RECORDING).glob(f'{EPISODE}[0-9]*'))
    session = read_session(root)
    if not folders or session is None:
        return None
    has_info = (root / layout.INFO).exists()
    document = info.read(root) if has_info else session[0]
    fps, features = int(document['fps']), document['features']
    user = schema.user_features(features)
    plain = {key: feature for key, feature in user.items() if not schema.is_picture(feature)}
    try:
        rows, tasks = journal.read_rows(folders[-1] / journal.ROWS, plain)
    except OSError:  # saved or dropped at this very moment
        return None
    length = len(tasks)
    if not length:
        return None
    rows['frame_index'] = np.arange(length)
    rows['timestamp'] = np.arange(length) / fps
    number = int(document.get('total_episodes', 0)) + len(folders) - 1
    view = EpisodeView(
        index=number,
        length=length,
        tasks=tuple(dict.fromkeys(tasks)),
        rows=rows,
        row_tasks=tuple(tasks),
        extra={},
        _source=_Written(folders[-1], fps, features),
    )
    return RunningDataset(root, fps, features, view)


@dataclass(frozen=True)
class _Written:
    """The pictures of an episode that are in its files by now."""

    folder: Path
    fps: int
    features: schema.Features

    def frames(self, camera: str, start: int, count: int) -> Iterator[NDArray[Any]]:
        """Yield pictures; fewer where the encoder is not so far yet."""
        found = pictures(self.folder, camera, self.features[camera], self.fps)
        return itertools.islice(found, start, start + count)

    def compressed(self, camera: str, count: int) -> None:
        """Return none: what is still being written is only looked at."""
