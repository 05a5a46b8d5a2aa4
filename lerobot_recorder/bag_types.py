"""Definitions of message types for a bag, so that it opens where nothing is installed.

What is installed here is what the messages on the graph are made of; the standard definitions
stand in for what is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from lerobot_recorder.installed_types import installed_text, parts_of, prefixes_of_ros
from lerobot_recorder.messages import standard_types


@dataclass(frozen=True)
class Definition:
    """What a bag keeps of a message type.

    Attributes:
        text: its definition with those of the types in it.
        digest: its RIHS01 hash.
        is_known: whether somebody knew it; else it is that of a message without fields, which
            every reader takes, and the bytes are kept all the same.
    """

    text: str
    digest: str
    is_known: bool = True


class MessageTypes:
    """Finds definitions.

    Args:
        prefixes: where packages are installed; by default what ROS says, and this Python.
    """

    def __init__(self, prefixes: Sequence[Path] | None = None) -> None:
        self._prefixes = prefixes_of_ros() if prefixes is None else list(prefixes)
        self._store = get_typestore(Stores.EMPTY)
        self._found: dict[str, Definition] = {}

    def definition(self, msgtype: str) -> Definition:
        """Return the definition of a type such as ``sensor_msgs/msg/Image``."""
        if msgtype not in self._found:
            self._found[msgtype] = self._look_up(msgtype)
        return self._found[msgtype]

    def know(self, definitions: Mapping[str, Definition]) -> None:
        """Learn definitions that somebody kept; they come before those found here."""
        self._found |= definitions

    def _look_up(self, msgtype: str) -> Definition:
        try:
            self._learn(msgtype)
            text, _ = self._store.generate_msgdef(msgtype, ros_version=2)
            return Definition(text, self._store.hash_rihs01(msgtype))
        except Exception:  # noqa: BLE001 - whatever a parser says of a foreign file
            nothing = get_typestore(Stores.EMPTY)
            nothing.register(get_types_from_msg('', msgtype))
            return Definition('', nothing.hash_rihs01(msgtype), is_known=False)

    def _learn(self, msgtype: str) -> None:
        """Take in a type and all that is in it."""
        missing, standard = [msgtype], standard_types().fielddefs
        while missing:
            name = missing.pop()
            if name in self._store.fielddefs:
                continue
            text = self.installed(name)
            found = {name: standard[name]} if text is None else get_types_from_msg(text, name)
            self._store.register(found)
            missing += parts_of(self._store.fielddefs[name][1])

    def installed(self, msgtype: str) -> str | None:
        """Return the text of the definition of a type that is installed, None if it is not."""
        return installed_text(msgtype, self._prefixes)
