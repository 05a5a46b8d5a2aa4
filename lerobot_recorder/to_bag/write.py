"""Bags of the episodes of a dataset: all of them, or none."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lerobot_drivers.common.errors import BagError
from lerobot_recorder import bag_leftovers
from lerobot_recorder.bag_config import BagConfig
from lerobot_recorder.bag_types import MessageTypes
from lerobot_recorder.dataset import durable
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.episode_bag import BAG_FAULTS, EpisodeBag
from lerobot_recorder.to_bag.bag_notes import notes_of
from lerobot_recorder.to_bag.episode_messages import EpisodeMessages
from lerobot_recorder.to_bag.outlines import Wishes

Progress = Callable[[int], None]
NAME = 'episode_{:06d}'


@dataclass(frozen=True)
class ToBagJob:
    """What to make of a dataset.

    Attributes:
        root: the dataset.
        to: the folder of the bags, or the bag.
        episodes: numbers of the episodes.
        single_bag: all of them in one bag, one after the other.
        config: how the bags are to be.
        wishes: how the dataset is to be told.
    """

    root: Path
    to: Path
    episodes: Sequence[int]
    single_bag: bool = False
    config: BagConfig = field(default_factory=BagConfig)
    wishes: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True)
class Written:
    """What became of a dataset.

    Attributes:
        bags: how many there are.
        messages: topic -> messages in all of them.
        notices: what was assumed, or cannot be told as it was.
    """

    bags: int
    messages: dict[str, int]
    notices: tuple[str, ...]


def write_bags(job: ToBagJob, progress: Progress = lambda done: None) -> Written:
    """Write episodes of a dataset as bags; leaves nothing behind if it cannot.

    Args:
        job: what to make of which dataset.
        progress: called with the number of messages done.

    Raises:
        DatasetError: the dataset cannot be read, or has no such episode.
        BagError: there is something already, or the disk refuses.
    """
    if job.to.exists():
        raise BagError(f'{job.to} exists already; name another folder with --to')
    try:
        with _made_aside(job.to) as place:
            written = _Writer(job, place, progress).write()
            inside = place / NAME.format(job.episodes[0]) if job.single_bag else place
            os.replace(inside, job.to)
            durable.sync_folder(job.to.parent)
            return written
    except BAG_FAULTS as error:
        told = getattr(error, 'strerror', None) or ' '.join(str(error).split())
        raise BagError(f'{job.to} cannot be written: {told}') from error


@contextlib.contextmanager
def _made_aside(to: Path) -> Iterator[Path]:
    """Make a folder beside the one that is wanted, which goes whatever happens.

    Raises:
        BagError: somebody else is at it.
    """
    place = to.with_name(f'.{to.name}.lerobot-to-bag')
    durable.make_folders(place)
    try:
        descriptor = bag_leftovers.lock(place)
    except BlockingIOError:
        raise BagError(f'{to} is being written already') from None
    try:
        for left in place.iterdir():  # of one who was killed
            durable.remove_tree(left)
        yield place
    finally:
        os.close(descriptor)
        durable.remove_tree(place)


class _Writer:
    def __init__(self, job: ToBagJob, place: Path, progress: Progress) -> None:
        self._job, self._place, self._progress = job, place, progress
        self._reader = DatasetReader(job.root, statistics=False)
        self._types = MessageTypes()
        self._counts: dict[str, int] = {}
        self._done = 0
        self._notices: dict[str, None] = {}

    def write(self) -> Written:
        """Write the bags."""
        if self._job.single_bag:
            episodes = [self._episode(index) for index in self._job.episodes]
            _check_apart(episodes)
            self._bag(episodes)
        else:
            for index in self._job.episodes:
                self._bag([self._episode(index)])
        running = self._place / bag_leftovers.RUNNING
        running.rmdir()
        bags = 1 if self._job.single_bag else len(self._job.episodes)
        return Written(bags, self._counts, tuple(self._notices))

    def _episode(self, index: int) -> EpisodeMessages:
        job = self._job
        return EpisodeMessages(self._reader, index, job.wishes, job.single_bag)

    def _bag(self, episodes: Sequence[EpisodeMessages]) -> None:
        name = NAME.format(episodes[0].view.index)
        bag = EpisodeBag(self._place, name, self._job.config, self._types)
        try:
            for episode in episodes:
                self._fill(bag, episode)
            bag.finish(notes_of(self._reader, episodes))
        except BaseException:
            with contextlib.suppress(*BAG_FAULTS):
                bag.leave()
            raise

    def _fill(self, bag: EpisodeBag, episode: EpisodeMessages) -> None:
        self._types.know(episode.definitions)
        for raw in episode.messages():
            bag.write(raw, episode.offers(raw.topic))
            self._counts[raw.topic] = self._counts.get(raw.topic, 0) + 1
            self._done += 1
            self._progress(self._done)
        self._notices.update(dict.fromkeys(episode.notices))


def _check_apart(episodes: Sequence[EpisodeMessages]) -> None:
    """Check that episodes follow one another.

    Raises:
        BagError: two are of the same time; they would be one in a bag.
    """
    spans = sorted(
        (int(e.outline.times.tick_ns[0]), int(e.outline.times.tick_ns[-1]), e.view.index)
        for e in episodes
    )
    for (_, end_ns, one), (start_ns, _, other) in itertools.pairwise(spans):
        if start_ns <= end_ns:
            raise BagError(
                f'episodes {one} and {other} were recorded at the same time and cannot follow one '
                'another in one bag; leave out --single_bag'
            )
