"""The topics of a bag: what is on them, and why the messages of one cannot be given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lerobot_recorder.bags.definitions import BagTypes, UnusableTypeError
from lerobot_recorder.bags.storage import CDR, ROS1, Channel, Storage
from lerobot_recorder.bags.type_names import ros2_name

ROS = (CDR, ROS1)
SERVICE_EVENTS = '/_service_event'
"""Of the types of such topics rosbag2 keeps a .srv; the layout of their messages is known."""
Placed: TypeAlias = list[tuple[tuple[int, int], Channel]]
"""(part, id) and channel of each that has one topic."""


@dataclass(frozen=True)
class Topic:
    """A topic.

    Attributes:
        name: of it.
        msgtype: its message type, as ROS 2 writes it; of two, both.
        serialization: of its messages: ``cdr``, ``ros1``, or another that is no ROS.
        channels: (part, id) of its channels.
        trouble: why its messages cannot be given, empty if they can.
    """

    name: str
    msgtype: str
    serialization: str
    channels: tuple[tuple[int, int], ...]
    trouble: str = ''


def topics_of(parts: Sequence[Storage], types: BagTypes) -> dict[str, Topic]:
    """Return name -> topic of a bag, and let its types be learnt."""
    found: dict[str, Placed] = {}
    for part, storage in enumerate(parts):
        for number, channel in storage.channels.items():
            found.setdefault(channel.topic, []).append(((part, number), channel))
    troubles = {name: _first_trouble(channels, types) for name, channels in found.items()}
    return {
        name: _topic(name, channels, troubles[name], types)
        for name, channels in sorted(found.items())
    }


def _first_trouble(channels: Placed, types: BagTypes) -> str:
    """Return why messages cannot be given, as far as it shows before types are learnt."""
    names = _names(channels)
    if len(names) > 1:
        return f'its messages are of {len(names)} types: {" and ".join(names)}'
    forms = sorted({channel.serialization for _, channel in channels})
    if len(forms) > 1 or forms[0] not in ROS:
        return f'its messages are {" and ".join(form or "nothing" for form in forms)}, not ROS'
    if not names[0]:
        return 'the bag does not say of what type its messages are'
    for definition in dict.fromkeys(channel.definition for _, channel in channels):
        if definition is not None and definition.text:
            try:
                types.take(names[0], definition)
            except UnusableTypeError as unusable:
                if not channels[0][1].topic.endswith(SERVICE_EVENTS):
                    return str(unusable)
    return ''


def _topic(name: str, channels: Placed, trouble: str, types: BagTypes) -> Topic:
    msgtype = ' and '.join(_names(channels))
    if not trouble:
        try:
            types.learn(msgtype)
        except UnusableTypeError as unusable:
            trouble = '' if name.endswith(SERVICE_EVENTS) else str(unusable)
    places = tuple(place for place, _ in channels)
    return Topic(name, msgtype, channels[0][1].serialization, places, trouble)


def _names(channels: Placed) -> list[str]:
    return sorted({ros2_name(channel.written_type) for _, channel in channels})
