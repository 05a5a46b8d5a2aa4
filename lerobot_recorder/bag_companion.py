"""The bag beside the dataset as the recorder's companion: which messages go into which bag."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rosbags.interfaces import Qos, QosDurability

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_config import ALL_TOPICS
from lerobot_recorder.bag_leftovers import RUNNING
from lerobot_recorder.bag_link import BagPlace
from lerobot_recorder.bag_thread import BagThread, RunningBag
from lerobot_recorder.bag_types import MessageTypes
from lerobot_recorder.companion import Companion, Offered
from lerobot_recorder.dataset import durable
from lerobot_recorder.dataset.saver import SavedEpisode
from lerobot_recorder.messages import RawMessage

_CAMERA_INFO, _TRANSFORMS = 'sensor_msgs/msg/CameraInfo', 'tf2_msgs/msg/TFMessage'
MAX_TRANSFORMS = 200
"""Messages of static transforms that are kept: one of each publisher, and what they add."""


class BagCompanion(Companion):
    """Writes a bag of each episode: what is recorded, facts, and what else was asked for.

    What lasts (facts, latched topics) and came before an episode is in its bag too, at the time
    of its first message: a bag that is played back begins with it.

    Args:
        place: where the bags go, and how.
        types: definitions of messages; by default those that are installed.

    Raises:
        BagError: the folder of the bags cannot be written.
    """

    def __init__(self, place: BagPlace, types: MessageTypes | None = None) -> None:
        self._place = place
        try:
            self._made = durable.make_folders(place.folder / RUNNING)
        except OSError as error:
            raise BagError(
                f'the folder of bags {place.folder} cannot be made: {error.strerror}; name '
                'another one with --bag.root=FOLDER, or record with --bag=false'
            ) from error
        self._thread = BagThread(place, types or MessageTypes())
        self._thread.say(f'one of each episode, in {place.folder}')
        self._offered: Offered = lambda _topic: ()
        self._qos: dict[str, Sequence[Qos]] = {}
        self._lasting: dict[str, dict[bytes, RawMessage]] = {}
        self._before: list[RawMessage] = []
        self._running: RunningBag | None = None
        self._span_ns: tuple[int, int] | None = None
        self._ended: dict[str, RunningBag] = {}

    def look(self, topics: Mapping[str, str], offered: Offered) -> Collection[str]:
        """Learn which topics there are; return those to be heard for the bag."""
        self._offered = offered
        config = self._place.config
        if config.topics != ALL_TOPICS:
            return [topic for topic in config.asked if topic in topics]
        return [topic for topic in topics if '/_' not in topic]

    def begin_episode(self, uuid: str, task: str) -> None:
        """Start a bag."""
        self._running, self._span_ns = RunningBag(uuid), None
        self._qos.clear()
        self._before = [raw for kept in self._lasting.values() for raw in kept.values()]
        self._thread.open(self._running)

    def on_message(self, raw: RawMessage) -> None:
        """Take in a message."""
        lasts = self._lasts(raw)
        if lasts:
            self._keep(raw)
        if self._running is None:
            return
        if not lasts:
            self._stretch(raw.received_ns)
            self._write(raw)
        elif self._span_ns is None:
            self._before.append(raw)
        else:
            # What lasts is heard apart, and in a simulation on another clock than the streams.
            first_ns, newest_ns = self._span_ns
            at_ns = min(max(raw.received_ns, first_ns), newest_ns)
            self._write(replace(raw, received_ns=at_ns))

    def details(self) -> dict[str, Any]:
        """Return what the episode's record tells of its bag."""
        bag, config = self._running, self._place.config
        if bag is None:
            return {}
        told: dict[str, Any] = {
            'path': self._place.relative(bag.uuid),
            'storage': config.storage.value,
            'configuration': self._place.configuration,
            'messages': dict(sorted(bag.messages.items())),
            'message_bytes': bag.size,
        }
        more = {'dropped': dict(bag.dropped), 'fault': bag.fault, 'unheard': self._unheard(bag)}
        return {'bag': {**told, **{key: value for key, value in more.items() if value}}}

    def end_episode(self, keep: bool) -> None:
        """Let the bag wait until its episode is durable, or drop it."""
        bag, self._running = self._running, None
        if bag is None:
            return
        if not keep:
            self._thread.discard(bag)
            return
        self._ended[bag.uuid] = bag
        if bag.dropped and not bag.fault:
            self._thread.say(f'{bag.dropped.total()} messages are not in it: the disk was behind')
        if unheard := self._unheard(bag):
            self._thread.say(f'nothing came on {", ".join(unheard)}')

    def on_durable(self, saved: SavedEpisode) -> None:
        """Finish the bag of an episode that is on the disk for good."""
        if (bag := self._ended.pop(saved.uuid, None)) is not None:
            self._thread.finish(bag)

    def on_dropped(self, uuid: str) -> None:
        """Remove the bag of an episode that was taken out again."""
        self._thread.remove(uuid)

    def told(self) -> list[str]:
        """Return what the operator should hear since the last time."""
        return self._thread.told()

    def close(self) -> None:
        """Wait until all bags are on the disk.

        Raises:
            BagError: one is not whole, and nobody was told.
        """
        for bag in (*self._ended.values(), *filter(None, [self._running])):
            self._thread.finish(bag)  # if its episode became durable after all
        self._thread.close()
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):  # it is not empty
                folder.rmdir()
        if untold := self._thread.told(only_faults=True):
            raise BagError('; '.join(untold))

    def _unheard(self, bag: RunningBag) -> list[str]:
        known = {*bag.messages, *bag.dropped}
        return [topic for topic in self._place.config.asked if topic not in known]

    def _offers(self, topic: str) -> Sequence[Qos]:
        """Return what a topic's publishers offer; asked of the graph once in an episode."""
        if topic not in self._qos:
            self._qos[topic] = tuple(self._offered(topic))
        return self._qos[topic]

    def _lasts(self, raw: RawMessage) -> bool:
        latched = QosDurability.TRANSIENT_LOCAL
        return raw.msgtype == _CAMERA_INFO or any(
            qos.durability is latched for qos in self._offers(raw.topic)
        )

    def _keep(self, raw: RawMessage) -> None:
        """Keep what lasts, for the bags that begin later."""
        kept = self._lasting.setdefault(raw.topic, {})
        if raw.msgtype != _TRANSFORMS:
            kept.clear()
        kept[raw.data] = raw
        while len(kept) > MAX_TRANSFORMS:
            del kept[next(iter(kept))]

    def _stretch(self, at_ns: int) -> None:
        """Note the span of the streams; at its begin comes what lasts from before."""
        if self._span_ns is not None:
            self._span_ns = (self._span_ns[0], max(self._span_ns[1], at_ns))
            return
        self._span_ns = (at_ns, at_ns)
        for raw in self._before:
            self._write(replace(raw, received_ns=at_ns))
        self._before = []

    def _write(self, raw: RawMessage) -> None:
        assert self._running is not None
        self._thread.write(self._running, raw, self._offers(raw.topic))
