"""What v2.1 kept of an episode's pictures, and whether it can be believed.

LeRobot computed these from the pictures before they were encoded. They are kept where a look at
the pictures agrees with them; quantiles, which v2.1 had not, come from that look.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lerobot_recorder.dataset.statistics import PictureHistogram, Summary
from lerobot_recorder.old_datasets.pictures import FEW, positions

FILE = 'meta/episodes_stats.jsonl'
AGREES = 0.05
"""How far a mean may be from that of a few pictures, of 0 to 1."""

Known = Mapping[int, Mapping[str, Summary]]
"""Episode -> camera -> statistics."""


class KnownHistogram(PictureHistogram):
    """The values of some pictures, and the statistics of more that somebody else had.

    Args:
        seen: The values.
        known: The statistics, but for quantiles.
    """

    def __init__(self, seen: PictureHistogram, known: Summary) -> None:
        super().__init__(seen.levels)
        self._counts, self._known = seen.counts, known
        self.pictures = known.count

    def summary(self) -> Summary:
        """Return the statistics, quantiles from the values."""
        quantiles = super().summary().quantiles
        known = self._known
        return replace(known, quantiles=quantiles.clip(known.minimum, known.maximum))


def read(root: Path, cameras: Collection[str]) -> tuple[Known, list[str]]:
    """Return the statistics of pictures that make sense, and what does not.

    Args:
        root: The old dataset.
        cameras: Of which.
    """
    path = root / FILE
    found: dict[int, dict[str, Summary]] = {}
    try:
        with path.open(encoding='utf-8') as lines:
            for line in lines:
                if line.strip():
                    document = json.loads(line)
                    found[int(document['episode_index'])] = _summaries(document['stats'], cameras)
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {}, [f'{FILE} cannot be read ({error}): statistics of pictures are computed anew']
    return found, []


def settle(
    look: Callable[[Sequence[int]], PictureHistogram], length: int, known: Summary | None
) -> tuple[PictureHistogram, list[str]]:
    """Return what the statistics of an episode's pictures need.

    Args:
        look: Counts the values of the pictures with these numbers.
        length: How many pictures there are.
        known: What v2.1 kept of them.

    Returns:
        The histogram; and what is worth telling.
    """
    if known is None:
        return look(positions(length)), []
    seen = look(positions(length, FEW))
    if np.abs(known.mean - seen.summary().mean).max() <= AGREES:
        return KnownHistogram(seen, known), []
    return look(positions(length)), [
        'its statistics in episodes_stats.jsonl are not those of its pictures: computed anew'
    ]


def _summaries(stats: Mapping[str, Any], cameras: Collection[str]) -> dict[str, Summary]:
    return {
        key: summary
        for key in cameras
        if key in stats and (summary := _summary(stats[key])) is not None
    }


def _summary(lists: Any) -> Summary | None:
    try:
        found = Summary.from_lists(lists)
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    rows = (found.minimum, found.mean, found.maximum, found.std)
    if any(row.shape != (3,) or not np.isfinite(row).all() for row in rows):
        return None
    steps = np.diff([np.zeros(3), found.minimum, found.mean, found.maximum, np.ones(3)], axis=0)
    is_sound = (steps >= -1e-6).all() and (found.std >= 0).all() and found.count >= 1
    return found if is_sound else None
