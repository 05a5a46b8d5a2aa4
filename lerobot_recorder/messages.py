"""Messages as they enter, live or from a bag: serialised bytes with two clocks.

Both sources feed the same decoder, so that recording live and converting the bag of
the same take cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.cdr import read_image

ABSURD_NS = 10 * NS_PER_S
"""A header stamp further than this from the source stamp is not believed [ns]."""


_WALKED = 'sensor_msgs/msg/Image'


@dataclass(frozen=True)
class RawMessage:
    """A message nobody has decoded yet.

    Attributes:
        topic: its topic, absolute.
        msgtype: its type, such as ``sensor_msgs/msg/JointState``.
        data: CDR bytes.
        source_ns: when its publisher handed it over [ns].
        received_ns: when the middleware received it, or a bag logged it [ns].
        lost_before: messages its publisher sent since the one before it that never came.
    """

    topic: str
    msgtype: str
    data: bytes
    source_ns: int
    received_ns: int
    lost_before: int = 0


@cache
def standard_types() -> Typestore:
    """Return the message definitions of the newest ROS 2 that is known."""
    return get_typestore(Stores.LATEST)


def decode(raw: RawMessage, types: Typestore | None = None) -> Any:
    """Return the message in raw.

    Args:
        raw: the serialised message.
        types: definitions to read it with; the standard ones by default.

    Raises:
        StreamError: the type is unknown or the bytes are not of that type.
    """
    if raw.msgtype == _WALKED and types is None and (image := read_image(raw.data)):
        return image
    store = types or standard_types()
    if raw.msgtype not in store.types:
        raise StreamError(f'{raw.topic}: message type {raw.msgtype} is not known')
    try:
        return store.deserialize_cdr(raw.data, raw.msgtype)
    except Exception as error:
        raise StreamError(f'{raw.topic}: not a valid {raw.msgtype}: {error}') from error


class StampClock(str, Enum):
    """Which of a message's clocks stamps its stream."""

    AUTO = 'auto'
    HEADER = 'header'
    SOURCE = 'source'
    RECEIVE = 'receive'


@dataclass
class StampChooser:
    """Chooses the stamp of each message of one stream and counts doubtful ones.

    Attributes:
        clock: the clock wanted; ``auto`` is the header's unless that is absent, zero or
            absurd, then the source's, then the receive time.
        missing: messages without a header stamp, or with a zero one.
        absurd: messages whose header stamp lay far from their source stamp.
    """

    clock: StampClock = StampClock.AUTO
    missing: int = 0
    absurd: int = 0
    used: dict[str, int] = field(default_factory=dict)

    def choose(self, message: Any, raw: RawMessage) -> int:
        """Return the acquisition stamp of a message [ns]."""
        name, stamp_ns = self._choose(message, raw)
        self.used[name] = self.used.get(name, 0) + 1
        return stamp_ns

    def _choose(self, message: Any, raw: RawMessage) -> tuple[str, int]:
        if self.clock is StampClock.RECEIVE:
            return 'receive', raw.received_ns
        source_ns = raw.source_ns or raw.received_ns
        source = 'source' if raw.source_ns else 'receive'
        if self.clock is StampClock.SOURCE:
            return source, source_ns
        header_ns = header_stamp_ns(message)
        if not header_ns:
            self.missing += 1
            return source, source_ns
        if self.clock is StampClock.AUTO and abs(header_ns - source_ns) > ABSURD_NS:
            self.absurd += 1
            return source, source_ns
        return 'header', header_ns


def header_stamp_ns(message: Any) -> int | None:
    """Return the header stamp of a message [ns], None if its type has no header."""
    header = getattr(message, 'header', None)
    if header is None:
        return None
    return int(header.stamp.sec) * NS_PER_S + int(header.stamp.nanosec)
