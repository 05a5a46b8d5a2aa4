"""What is common to the parts of a bag, whatever their format."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lerobot_recorder.bags.losses import Losses

ROS1 = 'ros1'
CDR = 'cdr'
NEWEST_NS = (1 << 63) - 1
"""A later time does not fit into a stamp [ns]."""


@dataclass(frozen=True)
class Definition:
    """How a bag says what a message type is.

    Attributes:
        language: ``ros2msg``, ``ros2idl``, ``ros1msg``, or another that is no ROS.
        text: in that language, with the types that are used in it.
    """

    language: str
    text: str


@dataclass(frozen=True)
class Channel:
    """Messages of one topic in one part.

    Attributes:
        topic: its topic.
        written_type: its message type as it is written there.
        serialization: ``cdr``, ``ros1``, or another that is no ROS.
        definition: of the type, None if there is none.
    """

    topic: str
    written_type: str
    serialization: str = CDR
    definition: Definition | None = None


class Storage(Protocol):
    """One part of a bag.

    Attributes:
        path: the file.
        channels: id -> channel.
        counts: id -> number of messages.
        span_ns: times of its first and last message, None if there is none [ns].
        losses: what could not be read up to now.
    """

    path: Path
    losses: Losses

    @property
    def channels(self) -> Mapping[int, Channel]:
        """Id -> channel."""

    @property
    def counts(self) -> Mapping[int, int]:
        """Channel id -> number of messages."""

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """Times of the first and the last message [ns], None if there is none."""

    def messages(self, wanted: Collection[int]) -> Iterator[tuple[int, tuple[int, bytes]]]:
        """Yield (log time [ns], (channel, bytes)) of some channels, in the order of log times.

        Raises:
            OSError: the disk refuses.
        """
