"""What became of a bag."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lerobot_recorder.conversion.bag_look import BagLook
from lerobot_recorder.conversion.span import Skipped


@dataclass(frozen=True)
class ConvertedEpisode:
    """An episode that is durable.

    Attributes:
        index: its number in the dataset.
        uuid: its name for good.
        frames: its rows.
        duration_s: time they cover [s].
        start_ns: its first row [ns].
        task: what the robot was told.
        outcome: success, failure, ``incomplete`` if a sensor was lost, else None.
        verdict: what it is worth, in a word and why.
        defects: kind -> how often, none of it zero.
        streams: stream -> its figures.
        ended: why it ended before its time, None if it did not.
    """

    index: int
    uuid: str
    frames: int
    duration_s: float
    start_ns: int
    task: str
    outcome: str | None
    verdict: str
    defects: dict[str, int]
    streams: dict[str, dict[str, Any]]
    ended: str | None = None


@dataclass(frozen=True)
class Converted:
    """What became of a bag.

    Attributes:
        bag: the bag.
        root: the dataset.
        look: what was in the bag.
        episodes: what was made of it, in order.
        skipped: which parts were not.
        encoding: how pictures are encoded and why, empty without video.
        notices: what else is worth telling, one line each.
    """

    bag: Path
    root: Path
    look: BagLook
    episodes: tuple[ConvertedEpisode, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    encoding: str = ''
    notices: tuple[str, ...] = field(default_factory=tuple)

    @property
    def frames(self) -> int:
        """Rows of all episodes."""
        return sum(episode.frames for episode in self.episodes)

    @property
    def duration_s(self) -> float:
        """Time they cover [s]."""
        return sum(episode.duration_s for episode in self.episodes)

    @property
    def defects(self) -> dict[str, int]:
        """Kind -> how often in all episodes."""
        total: dict[str, int] = {}
        for episode in self.episodes:
            for kind, number in episode.defects.items():
                total[kind] = total.get(kind, 0) + number
        return total

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            'bag': str(self.bag),
            'dataset': str(self.root),
            'before': self.look.document(),
            'episodes': [asdict(episode) for episode in self.episodes],
            'skipped': [
                {
                    'start_ns': one.span.start_ns,
                    'end_ns': one.span.end_ns,
                    'reason': one.reason,
                    'is_done': one.is_done,
                }
                for one in self.skipped
            ],
            'frames': self.frames,
            'duration_s': self.duration_s,
            'bag_duration_s': self.look.duration_s,
            'encoding': self.encoding,
            'notices': list(self.notices),
        }
