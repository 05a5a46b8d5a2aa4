"""An episode of a dataset in rerun, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from lerobot_drivers.common.naming import DEFAULT_FEATURES
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.dataset_reader import EpisodeView
from lerobot_recorder.rerun_log import RerunLog


class Described(Protocol):
    """What is known of a dataset besides its episodes."""

    @property
    def fps(self) -> int:
        """Rows per second."""
        ...

    @property
    def features(self) -> schema.Features:
        """Feature entries."""
        ...

    @property
    def cameras(self) -> list[str]:
        """Names of the camera features."""
        ...


def log_episode(
    log: RerunLog,
    dataset: Described,
    episode: EpisodeView,
    progress: Callable[[int], object] = lambda _rows: None,
) -> int:
    """Log an episode; return its rows that have all their pictures.

    Args:
        log: where it goes.
        dataset: which the episode is of.
        episode: the episode.
        progress: told of each row that was logged.

    Raises:
        DatasetFormatError: a picture is missing or damaged.
    """
    cameras = {key: episode.frames(key) for key in dataset.cameras}
    numeric = {
        key: _names(key, dataset.features[key])
        for key, values in episode.rows.items()
        if key not in DEFAULT_FEATURES and np.issubdtype(np.asarray(values).dtype, np.number)
    }
    for row in range(episode.length):
        pictures = {key: next(found, None) for key, found in cameras.items()}
        if any(pixels is None for pixels in pictures.values()):
            return row
        log.at_frame(row, row / dataset.fps)
        for key, pixels in pictures.items():
            assert pixels is not None
            log.picture(key, pixels)
        for key, names in numeric.items():
            log.numbers(key, names, np.ravel(episode.rows[key][row]))
        progress(row + 1)
    return episode.length


def _names(key: str, feature: Any) -> list[str]:
    size = int(np.prod(schema.shape_of(feature), dtype=int))
    names = feature.get('names')
    if isinstance(names, list) and len(names) == size:
        return [str(name) for name in names]
    return [f'{key}_{number}' for number in range(size)]
