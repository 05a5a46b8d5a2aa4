"""A channel: one source of one feature, from raw messages to samples of a stream.

It first learns from the first messages what the mapping leaves open (names of
joints, size of pictures); then it turns every message into a stamped sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rosbags.typesys.store import Typestore

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.mapping import SourceConfig, default_take, is_action
from lerobot_recorder.messages import RawMessage, peek_header_ns
from lerobot_recorder.rates import Heard, RateMeter
from lerobot_recorder.rotation import Quaternion
from lerobot_recorder.stamps import StampChooser
from lerobot_recorder.streams import StreamConfig, Take, Window

TOLERANCE_NS = 100_000_000
TOLERANCE_PERIODS = 3.0
"""Samples this many periods of their stream apart have a gap between them, unless that is
less than the time above [ns] or the mapping says otherwise."""


class Channel:
    """One source of one feature.

    Args:
        feature: the feature's key.
        source: where it comes from.
        number: which of the feature's sources it is.
        window: the grid of its windows, if rows get those.
    """

    def __init__(
        self, feature: str, source: SourceConfig, number: int, window: Window | None = None
    ) -> None:
        self.feature = feature
        self.source = source
        self.window = window
        self.stream = feature if number == 0 else f'{feature}#{number}'
        self.forget_stamps()
        self.rate = RateMeter()
        self.usual_rate = RateMeter()
        self.heard = Heard()
        self.errors = 0
        self.errors_in_a_row = 0
        self.last_error: str | None = None
        self.lost = 0
        self._learned: list[str] = []
        self._learned_from: int | None = None

    def forget_stamps(self) -> None:
        """Know no more what is usual of its stamps."""
        self.stamps = StampChooser(self.source.clock, self.take is Take.INTERPOLATE)

    def begin(self) -> None:
        """A take begins, before anything is added to it."""

    def begin_take(self) -> None:
        """Count anew: what is told of a take is of that take alone."""
        self.stamps.begin_take()
        self.rate = RateMeter()
        self.errors = self.errors_in_a_row = self.lost = 0
        self.last_error = None

    @property
    def take(self) -> Take:
        """How the stream is taken at a tick."""
        windowed = Take.WINDOW if self.window is not None else None
        return self.source.take or windowed or default_take(self.feature)

    @property
    def may_be_silent(self) -> bool:
        """Whether silence is no gap: of what is held, and of commands, unless told otherwise."""
        silent = self.source.may_be_silent
        holds = is_action(self.feature) or self.take is Take.HOLD
        return holds if silent is None else silent

    def stamp(self, header_ns: int | None, raw: RawMessage) -> int | None:
        """Return the acquisition stamp of a message [ns], None if it is better left out.

        Args:
            header_ns: its header stamp, None if it has none [ns].
            raw: the message.
        """
        stamp_ns = self.stamps.choose(header_ns, raw)
        self.heard.count += 1
        self.heard.received_ns = raw.received_ns
        if stamp_ns is not None:
            self.heard.stamp_ns = stamp_ns
            self.rate.add(stamp_ns)
            self.usual_rate.add(stamp_ns)
        return stamp_ns

    def samples(
        self, message: Any, header_ns: int | None, raw: RawMessage
    ) -> Iterator[tuple[int, Any]]:
        """Yield what a message gives to the stream: acquisition stamp [ns] and value.

        Args:
            message: decoded.
            header_ns: its header stamp, None if it has none [ns].
            raw: the message as it came.

        Raises:
            StreamError: the message does not hold what the channel is made of.
        """
        value = self.value(message, raw)
        stamp_ns = self.stamp(header_ns, raw)
        if stamp_ns is not None:
            yield stamp_ns, value

    def observe(self, raw: RawMessage, types: Typestore | None) -> None:
        """Take note of when a message was stamped that no take needs.

        Args:
            raw: the message.
            types: definitions to read it with; None are the standard ones.
        """
        self.stamp(peek_header_ns(raw, types), raw)

    def observe_stamp(self, raw: RawMessage, types: Typestore | None) -> None:
        """Learn from a message only what is usual of stamps."""
        self.stamps.choose(peek_header_ns(raw, types), raw)

    def topics(self) -> tuple[str, ...]:
        """Return the topics it learns from: its own, and those that complete what comes there."""
        return (self.source.topic,)

    @property
    def reads_fields(self) -> bool:
        """Whether it needs messages decoded in full, field by field."""
        return False

    def open_question(self) -> str | None:
        """Return what keeps it from being learnt, where messages of it came; None if nothing."""
        return None

    def details(self) -> dict[str, Any]:
        """Return what else is told of it in an episode's record."""
        return {}

    def can_use(self, msgtype: str) -> bool:
        """Return whether messages of a type can be its own."""
        raise NotImplementedError

    def entry(self) -> dict[str, Any]:
        """Return the feature as info.json describes it, where it has no other source."""
        raise NotImplementedError

    @property
    def is_learned(self) -> bool:
        """Return whether nothing about the channel is open any more."""
        raise NotImplementedError

    def stream_config(self) -> StreamConfig:
        """Return what the synchronizer must know of it."""
        return StreamConfig(
            name=self.stream,
            take=self.take,
            offset_ns=round(self.source.offset_ms * 1e6),
            tolerance_ns=self._tolerance_ns(),
            may_be_silent=self.may_be_silent,
            rotations=self.rotations(),
            window=self.window,
        )

    def rotations(self) -> tuple[Quaternion, ...]:
        """Return where among its elements the quaternions are."""
        return ()

    def _tolerance_ns(self) -> int:
        """Return what is told, else what the stream's own rate, as known by now, asks for [ns]."""
        if self.source.tolerance_ms is not None:
            return round(self.source.tolerance_ms * 1e6)
        hertz = self.usual_rate.own_hz
        return max(TOLERANCE_NS, round(TOLERANCE_PERIODS * NS_PER_S / hertz) if hertz else 0)

    def described(self, missing: list[int]) -> str:
        """Return the topic, and which elements of it are missing if only some are."""
        return self.source.topic

    def learn(self, message: Any, raw: RawMessage) -> None:
        """Learn from one of the first messages what the mapping leaves open."""
        raise NotImplementedError

    def value(self, message: Any, raw: RawMessage) -> Any:
        """Return the sample in a message.

        Raises:
            StreamError: the message does not hold what the channel is made of.
        """
        raise NotImplementedError
