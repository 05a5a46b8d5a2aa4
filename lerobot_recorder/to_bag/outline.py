"""What an episode was before it became rows: topics, types, stamps, as far as it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.units import JointUnit
from lerobot_recorder.images import COMPRESSED_IMAGE, IMAGE
from lerobot_recorder.mapping import MappingConfig
from lerobot_recorder.native_table import NativeTable
from lerobot_recorder.streams import Flag, Take, Window

Stamps = NDArray[np.int64]


@dataclass(frozen=True)
class NumberPart:
    """A topic's part of a numeric feature.

    Attributes:
        feature: the feature.
        stream: its name among the true stamps.
        topic, msgtype, frame_id: what its messages are.
        field: which field of a joint message.
        elements: names on the topic, in the order of the feature.
        first: where among the feature's elements they begin.
        units: of the elements.
        offset_ns: latency that was taken from the stamps [ns].
        take: how rows took it.
        tolerance_ns: samples further apart had a gap between them [ns].
        may_be_silent: its silence was no gap.
        window: the grid of its windows, if rows have those.
    """

    feature: str
    stream: str
    topic: str
    msgtype: str
    elements: tuple[str, ...]
    take: Take
    frame_id: str = ''
    field: str = 'position'
    first: int = 0
    units: tuple[JointUnit, ...] = ()
    offset_ns: int = 0
    tolerance_ns: int = 100_000_000
    may_be_silent: bool = False
    window: Window | None = None


@dataclass(frozen=True)
class CameraPart:
    """A camera.

    Attributes:
        feature: the feature, and its name among the true stamps.
        topic, frame_id: what its messages are.
        is_compressed: they were compressed ones.
        offset_ns: latency that was taken from the stamps [ns].
        may_be_silent: its silence was no gap.
    """

    feature: str
    topic: str
    frame_id: str = ''
    is_compressed: bool = False
    offset_ns: int = 0
    may_be_silent: bool = False

    @property
    def msgtype(self) -> str:
        """The type of its messages."""
        return COMPRESSED_IMAGE if self.is_compressed else IMAGE


@dataclass(frozen=True)
class TextPart:
    """A feature of words."""

    feature: str
    topic: str


@dataclass(frozen=True)
class Times:
    """When the rows of an episode are, and what they took.

    Attributes:
        tick_ns: of the rows, shape (rows,) [ns].
        target_ns: time at which numbers were taken, shape (rows,) [ns].
        stamps: stream -> stamp of what each row took, shape (rows,) [ns].
        flags: stream -> how it was taken, shape (rows,), words of ``Flag``.
    """

    tick_ns: Stamps
    target_ns: Stamps
    stamps: Mapping[str, Stamps] = field(default_factory=dict)
    flags: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)

    @property
    def period_ns(self) -> int:
        """Time from one row to the next [ns]."""
        ticks = self.tick_ns
        return int(ticks[-1] - ticks[0]) // (len(ticks) - 1) if len(ticks) > 1 else 0

    def stamps_of(self, stream: str) -> Stamps:
        """Return what rows took of a stream; where nobody knows, exactly what they wanted [ns]."""
        return self.stamps.get(stream, self.target_ns)

    def is_fresh(self, stream: str) -> NDArray[np.bool_]:
        """Return of which rows a stream's value is their own, shape (rows,)."""
        if stream not in self.flags:
            return np.ones(len(self.tick_ns), dtype=bool)
        return np.asarray(self.flags[stream] == Flag.FRESH.value)


@dataclass(frozen=True)
class FactVersion:
    """One version of what seldom changes.

    Attributes:
        kind: ``robot_description``, ``static_transforms`` or ``camera_info``.
        topic: where it came from.
        path: the file that holds it.
        since_ns: since when it was in force [ns].
    """

    kind: str
    topic: str
    path: Path
    since_ns: int


@dataclass(frozen=True)
class Outline:
    """One episode as topics.

    Attributes:
        index: its number in the dataset.
        mapping: which topic becomes which feature, so that rows can be made of it again.
        times: of its rows.
        numbers, cameras, texts: what the rows hold.
        natives: topics of which every message was kept.
        facts: versions of what seldom changes.
        details: what its record tells, empty for datasets that are not ours.
        notices: what had to be assumed, or cannot be told, a sentence each.
    """

    index: int
    mapping: MappingConfig
    times: Times
    numbers: Sequence[NumberPart] = ()
    cameras: Sequence[CameraPart] = ()
    texts: Sequence[TextPart] = ()
    natives: Sequence[NativeTable] = ()
    facts: Sequence[FactVersion] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    notices: Sequence[str] = ()
