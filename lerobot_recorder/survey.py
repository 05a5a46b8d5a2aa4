"""What a graph or a bag holds that could be recorded, learnt from some seconds of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rosbags.typesys.store import Typestore

from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.naming import image_key
from lerobot_recorder.channels import NumericChannel, PictureChannel, make_channel
from lerobot_recorder.images import IMAGE_TYPES
from lerobot_recorder.joint_states import JOINT_STATE
from lerobot_recorder.mapping import SourceConfig
from lerobot_recorder.messages import RawMessage, decode, peek_header_ns
from lerobot_recorder.numeric_fields import READERS, read_values
from lerobot_recorder.offers import Offer

OTHER_FIELDS = ('velocity', 'effort')
LATE_S = 0.5
"""A topic that begins so much after its bag is told to be late [s]."""


@dataclass(frozen=True)
class SeenTopic:
    """One topic as it was heard.

    Attributes:
        topic: its name.
        msgtype: its type.
        offers: its publishers.
        rate_hz: messages per second by their stamps, None if too few came [1/s].
        joints: names of its elements, None for pictures and where nothing came.
        has_names: whether its messages tell those names themselves.
        fields: fields of joints that it fills besides the position.
        size: width and height of its pictures [px].
        is_depth: whether its pictures are depth.
        problem: why it cannot be recorded, None if it can.
        count: messages in the bag, None in a graph.
        late_s: how long after the bag's first message its own first one came [s].
    """

    topic: str
    msgtype: str
    offers: tuple[Offer, ...] = ()
    rate_hz: float | None = None
    joints: tuple[str, ...] | None = None
    has_names: bool = True
    fields: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    is_depth: bool = False
    problem: str | None = None
    count: int | None = None
    late_s: float = 0.0

    @property
    def is_picture(self) -> bool:
        """Whether it holds pictures."""
        return self.msgtype in IMAGE_TYPES

    @property
    def short(self) -> str:
        """What was heard of it, for a table."""
        rate = '' if self.rate_hz is None else f'{self.rate_hz:.1f} Hz'
        what = f'{len(self.joints)} values' if self.joints else ''
        what = f'{self.size[0]}x{self.size[1]}' if self.size else what
        count = '' if self.count is None else counted(self.count)
        late = f'from {self.late_s:.1f} s on' if self.late_s >= LATE_S else ''
        return ', '.join(filter(None, [count, rate, what, late, self.problem]))

    @property
    def told(self) -> str:
        """All that is known of it, in one line."""
        parts = [self.short, self.msgtype.replace('/msg/', '/')]
        if self.offers:  # a bag does not tell who published
            reliable = all(offer.reliable for offer in self.offers)
            nodes = sorted({offer.node for offer in self.offers})
            parts += ['reliable' if reliable else 'best effort', f'of {", ".join(nodes)}']
        return ', '.join(filter(None, parts))


@dataclass
class _Listener:
    """One topic being heard."""

    msgtype: str
    channel: NumericChannel | PictureChannel
    types: Typestore | None = None
    offers: tuple[Offer, ...] = ()
    has_names: bool = True
    fields: set[str] = field(default_factory=set)
    problem: str | None = None
    first_ns: int | None = None

    def add(self, raw: RawMessage) -> None:
        """Learn from a message."""
        self.first_ns = raw.received_ns if self.first_ns is None else self.first_ns
        self.channel.stamp(peek_header_ns(raw, self.types), raw)
        if self.channel.is_learned:
            return
        try:
            message = decode(raw, self.types)
            self.channel.learn(message, raw)
            self._look_inside(message, raw)
        except StreamError as error:
            self.problem = str(error).removeprefix(f'{raw.topic}: ')

    def _look_inside(self, message: Any, raw: RawMessage) -> None:
        if isinstance(self.channel, PictureChannel):
            return
        names, _ = read_values(message, raw.msgtype, self.channel.source.field, raw.topic)
        self.has_names = names is not None
        if raw.msgtype == JOINT_STATE:
            filled = (name for name in OTHER_FIELDS if _says_something(getattr(message, name)))
            self.fields.update(filled)


class Survey:
    """Gathers what is heard.

    Args:
        offers: topic -> what its publishers offer.
        types: message definitions to decode with; the standard ones by default.
    """

    def __init__(
        self, offers: Callable[[str], Sequence[Offer]], types: Typestore | None = None
    ) -> None:
        self._offers = offers
        self._types = types
        self._listeners: dict[str, _Listener] = {}

    def look(self, topics: Mapping[str, str]) -> None:
        """Take note of topic -> type; those that can be recorded are to be heard."""
        for topic, msgtype in topics.items():
            if topic not in self._listeners and (msgtype in READERS or msgtype in IMAGE_TYPES):
                key = image_key('any') if msgtype in IMAGE_TYPES else 'observation.any'
                channel = make_channel(key, SourceConfig(topic=topic), 0)
                assert isinstance(channel, NumericChannel | PictureChannel)
                self._listeners[topic] = _Listener(msgtype, channel, self._types)
            if topic in self._listeners:
                self._listeners[topic].offers = tuple(self._offers(topic))

    @property
    def topics(self) -> dict[str, str]:
        """Topic -> type of what can be recorded."""
        return {topic: listener.msgtype for topic, listener in self._listeners.items()}

    def add(self, raw: RawMessage) -> None:
        """Take in a message."""
        self._listeners[raw.topic].add(raw)

    def first_ns(self, topic: str) -> int | None:
        """Return when the first message of a topic came [ns], None if none did."""
        return self._listeners[topic].first_ns

    def seen(self) -> dict[str, SeenTopic]:
        """Return what was heard, by topic."""
        return {topic: _seen(topic, self._listeners[topic]) for topic in sorted(self._listeners)}


def _seen(topic: str, listener: _Listener) -> SeenTopic:
    channel = listener.channel
    joints, size, is_depth = None, None, False
    if isinstance(channel, PictureChannel):
        size = (channel.size[1], channel.size[0]) if channel.size else None
        is_depth = channel.depth_unit is not None
    else:
        channel.settle()
        joints = tuple(channel.joints) or None
    silent = None if channel.heard.count else 'no message came'
    return SeenTopic(
        topic, listener.msgtype, listener.offers, channel.usual_rate.own_hz, joints,
        listener.has_names, tuple(sorted(listener.fields)), size, is_depth,
        listener.problem or silent,
    )  # fmt: skip


def _says_something(values: Any) -> bool:
    return len(values) > 0 and not all(math.isnan(value) for value in values)


def counted(messages: int) -> str:
    """Return a number of messages in words."""
    return f'{messages} message' + ('' if messages == 1 else 's')
