"""Settings of the bag beside the dataset (``--bag=true``, ``--bag.*``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from lerobot_drivers.common.config import STRICT_KEYS, Section, build
from lerobot_drivers.common.errors import ConfigError

ALL_TOPICS = 'all'


class Storage(str, Enum):
    """What a bag's file is, in the words of rosbag2."""

    MCAP = 'mcap'
    SQLITE3 = 'sqlite3'


class Compression(str, Enum):
    """How a bag is compressed."""

    NONE = 'none'
    ZSTD = 'zstd'


@dataclass(frozen=True, kw_only=True)
class BagConfig:
    """The bag beside the dataset.

    Attributes:
        storage: ``mcap`` or ``sqlite3``.
        topics: what else to write than is recorded anyway; ``all`` for every topic there is.
        compression: ``none`` or ``zstd``, which takes several times the processor's time.
        root: folder of the bags; None means beside the dataset, ``<its folder>_bags``.
        queue_mb: messages that may wait for the disk; what comes then is left out, counted [MB].
    """

    __pydantic_config__ = STRICT_KEYS

    storage: Storage = Storage.MCAP
    topics: list[str] | str = field(default_factory=list)
    compression: Compression = Compression.NONE
    root: Path | None = None
    queue_mb: int = 256

    def __post_init__(self) -> None:
        if isinstance(self.topics, str) and self.topics != ALL_TOPICS:
            raise ValueError(f'topics is a list of topics or {ALL_TOPICS}, found {self.topics!r}')
        relative = [topic for topic in self.asked if not topic.startswith('/')]
        if relative:
            raise ValueError(f'topics must be absolute, such as /{relative[0]}')
        if self.queue_mb < 1:
            raise ValueError(f'queue_mb must be at least 1, found {self.queue_mb}')

    @property
    def asked(self) -> tuple[str, ...]:
        """The topics that are named."""
        return () if isinstance(self.topics, str) else tuple(self.topics)

    def folder(self, dataset: Path) -> Path:
        """Return the folder of the bags of a dataset."""
        return self.root.expanduser() if self.root else beside(dataset)


def beside(dataset: Path) -> Path:
    """Return the folder beside a dataset where its bags are, unless another was named."""
    return dataset.with_name(f'{dataset.name}_bags')


def bag_config(sections: Section) -> BagConfig | None:
    """Return how the bag is to be, None if there is to be none.

    ``bag`` may also be the bag that ``convert`` reads, in a file that both commands share.

    Raises:
        ConfigError: the setting is none of these, or a key of it is wrong.
    """
    value = sections.get('bag')
    if value is None or value is False or isinstance(value, str):
        return None
    if value is not True and not isinstance(value, dict):
        raise ConfigError(f'bag is true, false or a section with keys, found {value!r}')
    return build(BagConfig, {} if value is True else value, 'bag')
