"""Messages as they enter, live or from a bag: serialised bytes with two clocks.

Both sources feed the same decoder, so that recording live and converting the bag of
the same take cannot differ.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder import control_messages
from lerobot_recorder.cdr import frame_id, read_image
from lerobot_recorder.installed_types import installed_types

HEADER = 'std_msgs/msg/Header'
CLOCK_TYPE = 'rosgraph_msgs/msg/Clock'


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
    return _generation(0)


@cache
def _generation(number: int) -> Typestore:
    store = get_typestore(Stores.LATEST)
    store.register(control_messages.definitions(number))
    return store


def knows(msgtype: str, types: Typestore | None = None) -> bool:
    """Return whether a type has a definition; one that is installed is learnt.

    Args:
        msgtype: the type.
        types: definitions to look in; None are the standard ones, and those of what is installed.
    """
    store = types or standard_types()
    if msgtype not in store.types and types is None:
        store.register(installed_types(msgtype, store))
    return msgtype in store.types


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
    if not knows(raw.msgtype, types):
        raise StreamError(f'{raw.topic}: message type {raw.msgtype} is not known')
    try:
        return (types or standard_types()).deserialize_cdr(raw.data, raw.msgtype)
    except Exception as error:
        older = _of_older_generation(raw) if control_messages.has_changed(raw.msgtype) else None
        if older is not None:
            return older
        raise StreamError(f'{raw.topic}: not a valid {raw.msgtype}: {error}') from error


def _of_older_generation(raw: RawMessage) -> Any:
    """Return a message of a type that was defined otherwise, None if it is not that either."""
    for number in range(1, control_messages.GENERATIONS):
        with suppress(Exception):
            return _generation(number).deserialize_cdr(raw.data, raw.msgtype)
    return None


def is_standard(msgtype: str, types: Typestore | None) -> bool:
    """Return whether definitions agree with the standard ones on a type and on headers.

    Args:
        msgtype: the type.
        types: the definitions, such as those of a bag; None are the standard ones.
    """
    if types is None:
        return True
    known = standard_types().fielddefs
    return all(
        name in known and types.fielddefs.get(name) == known[name] for name in (msgtype, HEADER)
    )


class StampClock(str, Enum):
    """Which of a message's clocks stamps its stream."""

    AUTO = 'auto'
    HEADER = 'header'
    SOURCE = 'source'
    RECEIVE = 'receive'


def header_stamp_ns(message: Any) -> int | None:
    """Return the header stamp of a message [ns], None if its type has no header."""
    header = getattr(message, 'header', None)
    if header is None:
        return None
    return int(header.stamp.sec) * NS_PER_S + int(header.stamp.nanosec)


@cache
def _begins_with_header(types: Typestore, msgtype: str) -> bool:
    is_known = knows(msgtype, None if types is standard_types() else types)
    fields = types.fielddefs[msgtype][1] if is_known else []
    return bool(fields) and fields[0][1][1] == HEADER


def has_header(msgtype: str) -> bool:
    """Return whether messages of a standard type begin with a header."""
    return _begins_with_header(standard_types(), msgtype)


def peek_header_ns(raw: RawMessage, types: Typestore | None = None) -> int | None:
    """Return the header stamp of a message nobody decodes [ns], None if there is none to see."""
    if not _begins_with_header(types or standard_types(), raw.msgtype) or len(raw.data) < 12:
        return None
    return _time_at_start(raw.data)


def origin(raw: RawMessage) -> dict[str, str]:
    """Return what a message is of, to make another one like it: type, and frame if it has one."""
    frame = frame_id(raw.data) if has_header(raw.msgtype) else ''
    return {'type': raw.msgtype, **({'frame_id': frame} if frame else {})}


def clock_ns(raw: RawMessage) -> int:
    """Return the simulated time in a message of ``/clock`` [ns].

    Raises:
        StreamError: it is no such message.
    """
    if raw.msgtype != CLOCK_TYPE or len(raw.data) < 12:
        raise StreamError(f'{raw.topic}: not a valid {CLOCK_TYPE}')
    return _time_at_start(raw.data)


def _time_at_start(data: bytes) -> int:
    """Return the time a CDR message begins with; its second byte tells the order of bytes."""
    seconds, nanoseconds = struct.unpack_from('<iI' if data[1] & 1 else '>iI', data, 4)
    return int(seconds) * NS_PER_S + int(nanoseconds)
