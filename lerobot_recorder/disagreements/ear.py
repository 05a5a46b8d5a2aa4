"""Hears the messages of a bag that is to be converted, and keeps what can be compared."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.channels import NumericChannel, PictureChannel
from lerobot_recorder.disagreements.signals import WINDOW_NS, Scenes, Signal, SignalLog
from lerobot_recorder.messages import RawMessage, peek_header_ns
from lerobot_recorder.numeric_fields import pick
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.transform_channel import TransformChannel

DENSE = 60
"""So many first pictures are compared one by one ..."""
EVERY_NS = NS_PER_S // 2
"""... later ones so far apart [ns]."""
DECODED_EVERY_NS = 2 * NS_PER_S
DECODED = 5


class Ear:
    """Hears every message of the streams that are recorded.

    Args:
        plan: how rows are made of them.
        types: message definitions to decode with; the standard ones by default.
    """

    def __init__(self, plan: RowPlan, types: Typestore | None = None) -> None:
        self._plan, self._types = plan, types
        self._numbers: dict[str, list[_Numbers]] = {}
        self._pictures: dict[str, list[_Pictures]] = {}
        for channel in plan.all_channels():
            topic = channel.source.topic
            if not channel.is_learned or isinstance(channel, TransformChannel):
                continue  # of transforms, many messages make one pose
            if isinstance(channel, NumericChannel):
                self._numbers.setdefault(topic, []).append(_Numbers(channel))
            elif isinstance(channel, PictureChannel):
                self._pictures.setdefault(topic, []).append(_Pictures(channel))
        self._waits_for = set(self._numbers)
        self._first_ns: int | None = None
        self._last_ns = 0
        self._until_ns: int | None = None

    def add(self, raw: RawMessage) -> None:
        """Take in a message; one that cannot be read is left to those who need it."""
        self._first_ns = raw.received_ns if self._first_ns is None else self._first_ns
        self._last_ns = max(self._last_ns, raw.received_ns)
        if raw.topic in self._waits_for:
            self._waits_for.discard(raw.topic)
            if not self._waits_for:
                self._until_ns = raw.received_ns + WINDOW_NS
        for numbers in self._numbers.get(raw.topic, ()):
            self._hear(numbers, raw)
        for pictures in self._pictures.get(raw.topic, ()):
            pictures.add(raw, self._plan)

    def _hear(self, numbers: _Numbers, raw: RawMessage) -> None:
        numbers.log.arrived(raw.received_ns)
        is_early = self._until_ns is None
        is_kept = self._until_ns is None or raw.received_ns < self._until_ns
        if not is_kept and not numbers.log.is_still:
            return
        try:
            numbers.add(raw, self._plan, peek_header_ns(raw, self._types), is_kept)
        except StreamError:
            return
        if is_early:
            numbers.log.forget_before(raw.received_ns - WINDOW_NS)

    def signals(self) -> list[Signal]:
        """Return the streams of numbers that were heard."""
        span_ns = self._first_ns or 0, self._last_ns
        found = (one.signal(span_ns) for some in self._numbers.values() for one in some)
        return [signal for signal in found if signal is not None]

    def scenes(self) -> list[Scenes]:
        """Return the streams of pictures."""
        return [one.scenes() for some in self._pictures.values() for one in some]


@dataclass
class _Numbers:
    channel: NumericChannel
    log: SignalLog = field(default_factory=SignalLog)
    has_names: bool = True
    doubled: tuple[str, ...] = ()

    def add(self, raw: RawMessage, plan: RowPlan, header_ns: int | None, is_kept: bool) -> None:
        message = plan.read(raw)
        values = self.channel.value(message, raw)
        if not is_kept:
            self.log.compare(values)
            return
        names, numbers = self.channel.read(message, raw)
        self.has_names = names is not None
        if names is not None and len(set(names)) < len(names):
            self.doubled = _doubled(names)
        norms: list[float] = []
        if rotations := self.channel.rotations():
            picked = pick((names, numbers), self.channel.joints)
            norms = [float(np.linalg.norm(picked[list(rotation)])) for rotation in rotations]
        self.log.add(raw.received_ns, header_ns, values, norms)

    def signal(self, span_ns: tuple[int, int]) -> Signal | None:
        channel = self.channel
        return self.log.signal(
            span_ns,
            feature=channel.feature,
            topic=channel.source.topic,
            names=tuple(channel.joints),
            has_names=self.has_names,
            modes=tuple(unit.mode for unit in channel.units()),
            doubled=self.doubled,
            offset_ns=round(channel.source.offset_ms * 1e6),
        )


@dataclass
class _Pictures:
    channel: PictureChannel
    heard: int = 0
    compared: int = 0
    repeated: int = 0
    is_still: bool = True
    spreads: list[float] = field(default_factory=list)
    brightest: float = 0.0
    _next_ns: int = 0
    _next_decoded_ns: int = 0
    _before: int | None = None

    def add(self, raw: RawMessage, plan: RowPlan) -> None:
        self.heard += 1
        if self.heard > DENSE and raw.received_ns < self._next_ns:
            return
        self._next_ns = raw.received_ns + EVERY_NS
        body = zlib.crc32(memoryview(raw.data)[len(raw.data) // 4 :])  # behind the header's stamp
        if self._before is not None:
            self.is_still &= body == self._before
            if self.heard <= DENSE:
                self.compared += 1
                self.repeated += body == self._before
        self._before = body
        if len(self.spreads) < DECODED and raw.received_ns >= self._next_decoded_ns:
            self._next_decoded_ns = raw.received_ns + DECODED_EVERY_NS
            self._decode(raw, plan)

    def _decode(self, raw: RawMessage, plan: RowPlan) -> None:
        try:
            picture = self.channel.value(plan.read(raw), raw)
            if self.channel.depth_unit is not None:
                return
            pixels = picture.rgb()
        except StreamError:
            return
        self.spreads.append(float(pixels.max()) - float(pixels.min()))
        self.brightest = max(self.brightest, float(pixels.max()))

    def scenes(self) -> Scenes:
        source = self.channel
        return Scenes(
            source.feature, source.source.topic, self.compared, self.repeated, self.is_still,
            tuple(self.spreads), self.brightest,
        )  # fmt: skip


def _doubled(names: Sequence[str]) -> tuple[str, ...]:
    listed = list(names)
    return tuple(dict.fromkeys(name for name in listed if listed.count(name) > 1))
