"""Settings of how a long bag is cut into episodes (``--episodes.*``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from lerobot_drivers.common.config import STRICT_KEYS


class By(str, Enum):
    """What tells where an episode begins and ends."""

    BAG = 'bag'
    MARKER = 'marker'
    SERVICE = 'service'
    TASK = 'task'
    GAPS = 'gaps'
    FILE = 'file'


class Times(str, Enum):
    """What the times of a file count from."""

    AUTO = 'auto'
    EPOCH = 'epoch'
    BAG = 'bag'


class Word(str, Enum):
    """What a marker says."""

    START = 'start'
    STOP = 'stop'
    TOGGLE = 'toggle'
    SUCCESS = 'success'
    FAILURE = 'failure'
    DISCARD = 'discard'


@dataclass(frozen=True, kw_only=True)
class EpisodesConfig:
    """How a bag is cut into episodes.

    Attributes:
        by: ``bag`` (one episode), ``marker``, ``service``, ``task``, ``gaps`` or ``file``.
        topic: what tells it, one topic or a list: the markers, the service events, the task; for
            ``gaps`` the streams whose silence counts, else that of all.
        words: text, number, button or service of a marker -> start, stop, toggle, success,
            failure or discard.
        file: CSV with the columns start_s, end_s, task, outcome, for ``file``.
        times: whether its times count from the ``epoch`` or from the ``bag``'s begin; ``auto``
            takes small ones as the latter.
        gap_s: silence that ends an episode, for ``gaps`` [s].
        min_length_s: what is shorter is left out [s].
        trim_idle: leave out what comes before the robot moves, and after.
        split_idle_s: a rest longer than this is left out and makes two episodes of one [s].
        idle_speed: what moves slower rests, in units of the state [1/s]; None takes 5 % of the
            range of each of its elements.
        idle_margin_s: what is kept of a rest before and after a movement [s].
    """

    __pydantic_config__ = STRICT_KEYS

    by: By | None = None
    topic: str | list[str] | None = None
    words: dict[str, Word] = field(default_factory=dict)
    file: Path | None = None
    times: Times = Times.AUTO
    gap_s: float = 1.0
    min_length_s: float = 0.0
    trim_idle: bool = False
    split_idle_s: float | None = None
    idle_speed: float | None = None
    idle_margin_s: float = 0.5

    def __post_init__(self) -> None:
        if (self.way is By.FILE) != (self.file is not None):
            raise ValueError('by: file and file: PATH belong together')
        relative = [topic for topic in self.topics if not topic.startswith('/')]
        if relative:
            raise ValueError(f'topic must be absolute, such as /{relative[0]}')
        if self.topics and self.way in (By.BAG, By.FILE):
            raise ValueError(f'topic has no say by {self.way.value}; name another way with by')
        for name in ('gap_s', 'split_idle_s', 'idle_speed'):
            value = getattr(self, name)
            if value is not None and not 0 < value < float('inf'):
                raise ValueError(f'{name} must be above 0, found {value}')
        for name in ('min_length_s', 'idle_margin_s'):
            if not 0 <= getattr(self, name) < float('inf'):
                raise ValueError(f'{name} must not be negative, found {getattr(self, name)}')

    @property
    def way(self) -> By:
        """What tells where episodes begin and end."""
        return self.by or (By.FILE if self.file is not None else By.BAG)

    @property
    def topics(self) -> list[str]:
        """The topics that are named."""
        return [self.topic] if isinstance(self.topic, str) else list(self.topic or [])

    @property
    def looks_at_motion(self) -> bool:
        """Whether it depends on how the robot moves."""
        return self.trim_idle or self.split_idle_s is not None
