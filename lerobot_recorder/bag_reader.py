"""Bags as raw messages in the order in which they were logged.

What a bag cannot give costs the message, the chunk or the topic it is in, and a line in
``notices``; only a bag that gives nothing is an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from rosbags.typesys.store import Typestore

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_types import MessageTypes
from lerobot_recorder.bags.codecs import compression_of, unpack
from lerobot_recorder.bags.definitions import BagTypes
from lerobot_recorder.bags.files import bag_files
from lerobot_recorder.bags.given_types import GivenTypes
from lerobot_recorder.bags.losses import Losses
from lerobot_recorder.bags.merging import Part, merged
from lerobot_recorder.bags.opening import open_part
from lerobot_recorder.bags.options import AS_IT_IS, BagOptions
from lerobot_recorder.bags.storage import ROS1, Storage
from lerobot_recorder.bags.topics import ROS, Topic, topics_of
from lerobot_recorder.messages import RawMessage, standard_types


class BagReader:
    """One bag; a context manager.

    Args:
        path: a rosbag2 folder, one of its files, or a ROS 1 ``.bag``.
        options: what a user says of how to read it.

    Raises:
        BagError: it is not there, not a bag, or nothing of it can be read.
    """

    def __init__(self, path: Path, options: BagOptions = AS_IT_IS) -> None:
        self.path = path
        self._files = bag_files(path, options.allow_missing_parts)
        self._given = GivenTypes(options.msgs)
        self._room = contextlib.ExitStack()
        self._parts: list[Storage] = []
        self._lost_parts: list[str] = []
        self._topics: dict[str, Topic] = {}
        self._types = standard_types()
        self._losses: dict[str, Losses] = {}

    def __enter__(self) -> BagReader:
        """Open the bag.

        Raises:
            BagError: nothing of it can be read.
        """
        try:
            self._open()
        except BagError:
            self._room.close()
            raise
        except Exception as error:
            self._room.close()
            raise self._unreadable(error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bag."""
        self._room.close()

    def _open(self) -> None:
        room = Path(self._room.enter_context(TemporaryDirectory(prefix='lerobot_bag_')))
        self._parts, self._lost_parts = [], []
        for path in self._files.paths:
            try:
                self._parts.append(open_part(path, room))
            except BagError as error:
                if len(self._files.paths) == 1:
                    raise
                self._lost_parts.append(str(error))
        if self._lost_parts and not self._parts:
            raise BagError(f'bag {self.path} cannot be read: {self._lost_parts[0]}')
        types = BagTypes(self._given, MessageTypes().installed)
        self._topics = topics_of(self._parts, types)
        self._types = types.finish()
        self._check_is_ros()

    def _check_is_ros(self) -> None:
        foreign = [topic for topic in self._topics.values() if topic.serialization not in ROS]
        if foreign and len(foreign) == len(self._topics):
            told = ', '.join(f'{one.name} ({one.serialization} {one.msgtype})' for one in foreign)
            raise BagError(f'bag {self.path} holds no ROS messages, but {told}')

    @property
    def types(self) -> Typestore:
        """The message definitions that the bag is read with."""
        return self._types

    @property
    def topics(self) -> dict[str, str]:
        """Topic -> message type, of those whose messages can be given."""
        return {name: one.msgtype for name, one in self._topics.items() if not one.trouble}

    @property
    def all_topics(self) -> Mapping[str, Topic]:
        """What is known of every topic, also of those whose messages cannot be given."""
        return self._topics

    @property
    def notices(self) -> tuple[str, ...]:
        """What could not be read up to now and why, one line each."""
        lines = [*self._files.notices, *(f'{line}: left out' for line in self._lost_parts)]
        for part in self._parts:
            lines += part.losses.told()
        for losses in self._losses.values():
            lines += losses.told()
        troubled: dict[str, list[str]] = {}
        for topic in self._topics.values():
            if topic.trouble:
                troubled.setdefault(topic.trouble, []).append(topic.name)
        return *lines, *(f'{", ".join(names)}: left out, {why}' for why, names in troubled.items())

    @property
    def message_count(self) -> int:
        """Number of messages of all topics."""
        return sum(self.stored(name) for name in self._topics)

    @property
    def start_ns(self) -> int:
        """Log time of the first message, 0 if there is none [ns]."""
        return min((span[0] for span in self._spans()), default=0)

    @property
    def end_ns(self) -> int:
        """Log time of the last message, 0 if there is none [ns]."""
        return max((span[1] for span in self._spans()), default=0)

    @property
    def duration_s(self) -> float:
        """Time from the first to the last message [s]."""
        return (self.end_ns - self.start_ns) / NS_PER_S

    def stored(self, topic: str) -> int:
        """Return the number of messages on a topic, whether they can be given or not."""
        places = self._topics[topic].channels if topic in self._topics else ()
        return sum(self._parts[part].counts.get(number, 0) for part, number in places)

    def count(self, topics: Collection[str]) -> int:
        """Return the number of messages that can be given on some topics."""
        return sum(self.stored(topic) for topic in set(topics) if topic in self.topics)

    def why_not(self, topic: str) -> str:
        """Return why the messages of a topic cannot be given, empty if they can."""
        return (
            self._topics[topic].trouble if topic in self._topics else 'the bag has no such topic'
        )

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Yield the messages of some topics in the order in which they were logged.

        Ties come in the order of the files.

        Raises:
            BagError: a disk fails.
        """
        wanted: dict[int, dict[int, Topic]] = {}
        for name in self.topics.keys() & set(topics):
            for part, number in self._topics[name].channels:
                wanted.setdefault(part, {})[number] = self._topics[name]
        try:
            for log_ns, (topic, data) in merged(self._in_parts(wanted)):
                cdr = self._cdr(topic, log_ns, data)
                if cdr is not None:
                    yield RawMessage(topic.name, topic.msgtype, cdr, 0, log_ns)
        except Exception as error:
            raise self._unreadable(error) from error

    def _in_parts(self, wanted: dict[int, dict[int, Topic]]) -> list[Part[tuple[Topic, bytes]]]:
        """Return the parts in the order of their times; a single one need not tell it."""
        parts = [
            Part(
                (self._parts[part].span_ns or (0, 0))[0] if len(wanted) > 1 else 0,
                part,
                partial(_of_topics, self._parts[part], topics),
            )
            for part, topics in wanted.items()
        ]
        return sorted(parts, key=lambda part: (part.start_ns, part.rank))

    def _cdr(self, topic: Topic, log_ns: int, data: bytes) -> bytes | None:
        """Return the CDR of a message, None if there is none to be had from its bytes."""
        try:
            if topic.serialization == ROS1:
                return bytes(self._types.ros1_to_cdr(data, topic.msgtype))
            packed = compression_of(data)
            return unpack(data, packed) if packed else data
        except Exception:  # noqa: BLE001 - whatever is said of bytes that are damaged
            losses = self._losses.setdefault(topic.name, Losses(topic.name))
            losses.add(f'bytes that are no {topic.msgtype}', log_ns)
            return None

    def _spans(self) -> list[tuple[int, int]]:
        return [part.span_ns for part in self._parts if part.span_ns is not None]

    def _unreadable(self, error: Exception) -> BagError:
        told = ' '.join(str(error).split()) or type(error).__name__
        return BagError(f'bag {self.path} cannot be read: {told}')


def _of_topics(
    part: Storage, topics: Mapping[int, Topic]
) -> Iterator[tuple[int, tuple[Topic, bytes]]]:
    for log_ns, (number, data) in part.messages(topics):
        yield log_ns, (topics[number], data)
