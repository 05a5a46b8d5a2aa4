"""Which segments are played, as a command line names them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.commands.episode_choice import numbers
from lerobot_recorder.play.segments import Segment, segments_at
from lerobot_recorder.to_bag.assumed_outline import Assumptions
from lerobot_recorder.to_bag.outlines import Wishes


def played_segments(path: Path, episodes: object, told: Mapping[str, Any]) -> list[Segment]:
    """Return what is to be played at a path.

    Args:
        path: a bag, a folder of bags or a dataset.
        episodes: which ones, by number; None for all.
        told: of a dataset that does not tell its topics: ``degrees``, ``start_s``.

    Raises:
        UsageError: there is no such episode.
        BagError: there is nothing to play.
        DatasetError: the dataset cannot be read.
    """
    default = Assumptions()
    start_s = told.get('start_s')
    start_ns = default.start_ns if start_s is None else round(float(start_s) * NS_PER_S)
    assumptions = Assumptions(start_ns, bool(told.get('degrees', False)))
    found = segments_at(path, Wishes(assumptions=assumptions))
    if episodes is None:
        return found
    return [found[number] for number in numbers(episodes, len(found), '--episodes')]
