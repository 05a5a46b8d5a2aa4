"""Readers of message types that other packages bring along, by entry point.

A package that has its own message type, and wants more than its fields by path, writes a class
and names it in its ``setup.py``::

    entry_points={'lerobot_ros.messages': ['my_msgs/msg/Hand = my_hand.recording:HandReader']}

Nothing of it is imported before a message of its type is read. A type that is read already, by
this package or by another, is refused: two meanings of one message would make two datasets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.registry import Registry

MESSAGES = Registry('message', {})


class MessageReader(Protocol):
    """Names and numbers out of one message type; made without arguments, once."""

    def __call__(
        self, message: Any, field: str
    ) -> tuple[Sequence[str] | None, NDArray[np.float64]]:
        """Return the names of the elements, None if there are none, and their values.

        Args:
            message: decoded; its fields are attributes, its arrays are numpy arrays.
            field: the source's ``field``, ``position`` if the mapping names none.
        """
        ...


class ReaderTable(Mapping[str, MessageReader]):
    """Message type -> reader: those of this package, and those of entry points.

    Args:
        known: those of this package.
        others: those of entry points.
    """

    def __init__(self, known: Mapping[str, MessageReader], others: Registry) -> None:
        self._known = dict(known)
        self._others = others
        self._made: dict[str, MessageReader] = {}

    def __getitem__(self, msgtype: str) -> MessageReader:
        """Return the reader of a type.

        Raises:
            KeyError: there is none.
            ConfigError: its class cannot be imported, or it is read twice.
        """
        if msgtype in self._known:
            return self._known[msgtype]
        if msgtype not in self._made:
            if msgtype not in self._names():
                raise KeyError(msgtype)
            self._made[msgtype] = self._others.load(msgtype)()
        return self._made[msgtype]

    def __contains__(self, msgtype: object) -> bool:
        """Return whether messages of a type can be read; none is imported for that."""
        return msgtype in self._known or msgtype in self._names()

    def __iter__(self) -> Iterator[str]:
        """Yield every type that can be read."""
        return iter([*self._known, *self._names()])

    def __len__(self) -> int:
        """Return how many types can be read."""
        return len(self._known) + len(self._names())

    def _names(self) -> list[str]:
        names = self._others.names()
        doubled = [name for name in names if name in self._known]
        if doubled:
            raise ConfigError(
                f'message type {doubled[0]!r} is defined twice: it is read by lerobot_recorder, '
                f'and by {self._others.target(doubled[0])} of an entry point; remove that one'
            )
        return names
