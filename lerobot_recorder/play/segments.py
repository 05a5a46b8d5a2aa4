"""What can be played: a bag, a folder of bags, episodes of a dataset; one after the other."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import yaml
from rosbags.interfaces import Qos
from rosbags.rosbag2.metadata import parse_qos

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_mending import METADATA
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_session import SESSION, custom_data
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.layout import INFO
from lerobot_recorder.mapping import MappingConfig, is_action
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.to_bag.episode_messages import EpisodeMessages
from lerobot_recorder.to_bag.offers import LATCHED, STREAM
from lerobot_recorder.to_bag.outlines import Wishes

LATCHED_NAMES = ('tf_static', 'robot_description')
"""Topics that are latched wherever they come from, by their last part."""


@dataclass(frozen=True)
class PlayedTopic:
    """A topic of a segment.

    Attributes:
        msgtype: its type.
        offers: how its publishers offered it.
    """

    msgtype: str
    offers: Sequence[Qos] = (STREAM,)

    @property
    def is_latched(self) -> bool:
        """Whether a late subscriber gets the last message."""
        return any(offer.durability is LATCHED.durability for offer in self.offers)


class Segment(Protocol):
    """Messages that belong together."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        ...

    def topics(self) -> Mapping[str, PlayedTopic]:
        """Return topic -> what is known of it."""
        ...

    def actions(self) -> Collection[str]:
        """Return the topics that are known to be commands."""
        ...

    def span_ns(self) -> tuple[int, int]:
        """Return log time of the first and of the last message [ns]."""
        ...

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Yield the messages of some topics in the order in which they were logged."""
        ...


@dataclass(frozen=True)
class BagSegment:
    """A bag.

    Raises:
        BagError: it cannot be read.
    """

    path: Path

    @property
    def name(self) -> str:
        """What it is, for people."""
        return self.path.name

    def topics(self) -> Mapping[str, PlayedTopic]:
        """Return topic -> what is known of it."""
        offered = _offers(self.path)
        with BagReader(self.path) as bag:
            return {
                topic: PlayedTopic(msgtype, offered.get(topic) or default_offers(topic))
                for topic, msgtype in bag.topics.items()
            }

    def actions(self) -> Collection[str]:
        """Return the topics of which its rows took their actions, if it is a bag of ours."""
        try:
            features = json.loads(custom_data(self.path)[SESSION])['recorder']['features']
            return {
                source['topic']
                for key, feature in features.items()
                if is_action(key)
                for source in feature['sources']
            }
        except (KeyError, TypeError, ValueError, AttributeError):
            return ()

    def span_ns(self) -> tuple[int, int]:
        """Return log time of the first and of the last message [ns]."""
        with BagReader(self.path) as bag:
            return bag.start_ns, bag.end_ns

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Yield the messages of some topics in the order in which they were logged."""
        with BagReader(self.path) as bag:
            yield from bag.messages(topics)


@dataclass(frozen=True)
class EpisodeSegment:
    """An episode of a dataset, told as ``to-bag`` tells it, without a bag.

    Attributes:
        reader: the dataset.
        index: its number.
        wishes: how it is to be told.
    """

    reader: DatasetReader
    index: int
    wishes: Wishes = field(default_factory=Wishes)

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f'episode {self.index}'

    @cached_property
    def _told(self) -> tuple[dict[str, PlayedTopic], set[str], tuple[int, int]]:
        """What is known of it without its rows, which are read when they are played."""
        episode = self._messages()
        topics = {
            topic: PlayedTopic(msgtype, episode.offers(topic))
            for topic, msgtype in episode.types().items()
        }
        outline = episode.outline
        ticks = outline.times.tick_ns
        return topics, action_topics(outline.mapping), (int(ticks[0]), int(ticks[-1]))

    def _messages(self) -> EpisodeMessages:
        return EpisodeMessages(self.reader, self.index, self.wishes)

    def topics(self) -> Mapping[str, PlayedTopic]:
        """Return topic -> what is known of it."""
        return self._told[0]

    def actions(self) -> Collection[str]:
        """Return the topics of its actions."""
        return self._told[1]

    def span_ns(self) -> tuple[int, int]:
        """Return log time of the first and of the last row [ns]."""
        return self._told[2]

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Yield the messages of some topics in the order in which they were logged."""
        return (raw for raw in self._messages().messages() if raw.topic in topics)


def action_topics(mapping: MappingConfig) -> set[str]:
    """Return the topics of which rows take their actions."""
    return {
        source.topic
        for key, feature in mapping.features.items()
        if is_action(key)
        for source in feature.sources
    }


def segments_at(path: Path, wishes: Wishes | None = None) -> list[Segment]:
    """Return what there is to be played at a path.

    Args:
        path: a bag or one of its files, a folder of bags, or a dataset.
        wishes: how a dataset is to be told.

    Raises:
        BagError: there is nothing of that.
        DatasetError: the dataset cannot be read.
    """
    if (path / INFO).exists():
        reader = DatasetReader(path, statistics=False)
        episodes = range(reader.num_episodes)
        return [EpisodeSegment(reader, index, wishes or Wishes()) for index in episodes]
    if path.is_dir() and not (path / METADATA).exists():
        inside = sorted(found.parent for found in path.glob(f'*/{METADATA}'))
        if inside:
            return [BagSegment(bag) for bag in inside]
    if not path.exists():
        raise BagError(f'{path} does not exist; name a bag, a folder of bags or a dataset')
    return [BagSegment(path)]


def default_offers(topic: str) -> Sequence[Qos]:
    """Return how a topic is offered of which nobody knows how it was."""
    return (LATCHED if topic.rpartition('/')[2] in LATCHED_NAMES else STREAM,)


def _offers(bag: Path) -> dict[str, Sequence[Qos]]:
    """Return topic -> how it was offered, as far as the bag's metadata tell."""
    try:
        text = (bag / METADATA).read_text(encoding='utf-8')
        told: Any = yaml.safe_load(text)['rosbag2_bagfile_information']
        topics = [entry['topic_metadata'] for entry in told['topics_with_message_count']]
        return {str(one['name']): parse_qos(one['offered_qos_profiles']) for one in topics}
    except Exception:  # noqa: BLE001 - whatever a parser says of a foreign file
        return {}
