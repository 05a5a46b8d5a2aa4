"""Many bags on their way into one dataset: which, whether they fit, how far they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lerobot_drivers.common.config import Section
from lerobot_recorder.bulk import checks, one_bag
from lerobot_recorder.bulk.joining import known_dataset
from lerobot_recorder.bulk.one_bag import Look, Task
from lerobot_recorder.bulk.pool import Crew, Event
from lerobot_recorder.bulk.work import WorkPlace
from lerobot_recorder.bulk.worker import Work
from lerobot_recorder.config import DatasetConfig

NOT_MADE_OF = (
    'bag', 'jobs', 'allow_failed', 'dry_run', 'report', 'resume', 'cluster',
)  # fmt: skip
"""Settings of a call, which make no other dataset ..."""
NOT_MADE_OF_DATASET = ('root', 'repo_id', 'push_to_hub', 'private', 'tags')
"""... and those among the dataset's."""


def made_of(sections: Section) -> Section:
    """Return what of the settings makes a dataset what it is."""
    kept = {key: value for key, value in sections.items() if key not in NOT_MADE_OF}
    dataset = kept.get('dataset')
    if isinstance(dataset, dict):
        kept['dataset'] = {k: v for k, v in dataset.items() if k not in NOT_MADE_OF_DATASET}
    return kept


@dataclass(frozen=True)
class Bulk:
    """What is to be done.

    Attributes:
        place: where bags are worked on.
        tasks: the bags, in the order in which they become episodes.
        known: info.json of the dataset that is there already, None if there is none.
        seen: what the bags can give, as far as they were looked into.
    """

    place: WorkPlace
    tasks: tuple[Task, ...]
    known: Mapping[str, Any] | None
    seen: Mapping[Path, Look] = field(default_factory=dict)

    @classmethod
    def of(cls, bags: Mapping[Path, str], sections: Section, target: Path) -> Bulk:
        """Return it; what lies at the target decides whether bags are added.

        Args:
            bags: the bags, and what tells each from others.
            sections: the settings, as they were read.
            target: the dataset.

        Raises:
            DatasetError: what lies at the target is no dataset.
        """
        place = WorkPlace(target, made_of(sections))
        tasks = tuple(Task(place.place(bag, mark), sections) for bag, mark in bags.items())
        kept = {task.place.bag: task.place.look() for task in tasks}
        seen = {bag: Look.of(document) for bag, document in kept.items() if document}
        return cls(place, tasks, known_dataset(target), seen)

    @property
    def done(self) -> list[Task]:
        """The bags that are converted."""
        return [task for task in self.tasks if task.place.report() is not None]

    @property
    def left(self) -> list[Task]:
        """The bags that are not."""
        return [task for task in self.tasks if task.place.report() is None]

    def looks(self, crew: Crew) -> Iterator[Event]:
        """Yield what happens while those bags are looked into that nobody has looked into."""
        new = [task for task in self.tasks if task.place.bag not in self.seen]
        works = [Work(str(task.place.bag), one_bag.look, task) for task in new]
        yield from crew.work_off(works)

    def having_seen(self, looks: Sequence[Look]) -> Bulk:
        """Return it knowing what more bags can give."""
        return replace(self, seen={**self.seen, **{look.bag: look for look in looks}})

    def keep_looks(self) -> None:
        """Keep what the bags can give, so that a later call need not look; problems may pass."""
        for task in self.tasks:
            look = self.seen.get(task.place.bag)
            if look is not None and not look.problem and task.place.look() is None:
                task.place.keep('look', asdict(look))

    def problems(self) -> dict[Path, str]:
        """Return which bags cannot become a part of the dataset, and why; all were looked into."""
        return checks.problems([*self.seen.values()], self.known)

    def without(self, bags: Sequence[Path]) -> Bulk:
        """Return it without some bags."""
        tasks = tuple(task for task in self.tasks if task.place.bag not in bags)
        seen = {bag: look for bag, look in self.seen.items() if bag not in bags}
        return replace(self, tasks=tasks, seen=seen)

    def encoded_alike(self, dataset: DatasetConfig) -> Bulk:
        """Return it with the encoder of all bags settled, and tried, once.

        Raises:
            ConfigError: the encoder does not work, or its settings are wrong.
        """
        first = next((look for look in self.seen.values() if look.features), None)
        if first is None or first.features is None:
            return self
        video = dataset.info(first.features, first.robot_type, self.known is not None).video
        encoder = {'vcodec': video.vcodec, 'preset': video.preset, 'crf': video.crf}
        tasks = tuple(replace(task, encoder=encoder) for task in self.tasks)
        return replace(self, tasks=tasks)

    def convert(self, crew: Crew) -> Iterator[Event]:
        """Yield what happens while the bags are converted that are not yet."""
        works = [Work(str(task.place.bag), one_bag.convert, task) for task in self.left]
        yield from crew.work_off(works)
