"""A source of numbers: by name, in the dataset's units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.units import JointUnit
from lerobot_recorder.channel import Channel
from lerobot_recorder.mapping import POSITION, SourceConfig, default_take
from lerobot_recorder.message_readers import MessageReader
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.numeric_fields import (
    HELD,
    READERS,
    NamedValues,
    element_name,
    has_plain_names,
    pick,
    read_with,
    reader_of,
)
from lerobot_recorder.rotation import Quaternion, find_rotations, normalized
from lerobot_recorder.streams import Take, Window

LEARN_NS = NS_PER_S
"""How long the first messages of a topic are gathered to learn its joints [ns]."""


class NumericChannel(Channel):
    """Numbers by name, in the dataset's units."""

    _read_type = ''

    def __init__(
        self, feature: str, source: SourceConfig, number: int, window: Window | None = None
    ) -> None:
        super().__init__(feature, source, number, window)
        self._heard: set[tuple[str, ...]] = set()
        self._rotations: tuple[Quaternion, ...] = ()
        self._units: list[JointUnit] = []
        self._scale: NDArray[np.float64] = np.empty(0)
        self._offset: NDArray[np.float64] = np.empty(0)
        self._keeps_units = True
        self._picked_from: Sequence[str] | None = None
        self._picked: NDArray[np.intp] | None = None
        self._reader: MessageReader | None = None
        self._has_plain_names = False
        self._goes_by_order = source.joints is not None
        self.unseen = list(source.joints or [])
        self.seen: dict[str, None] = {}
        if source.joints is not None:
            self._settle(source.joints)

    @property
    def is_learned(self) -> bool:
        """Return whether the joints are known."""
        return bool(self._units)

    @property
    def joints(self) -> list[str]:
        """Names of the elements on the topic."""
        return self._learned

    @property
    def take(self) -> Take:
        """How the stream is taken at a tick: what lies on whole numbers is held."""
        take = super().take
        is_held = self._read_type in HELD or self.source.labels is not None
        return Take.HOLD if take is Take.INTERPOLATE and is_held and not self.source.take else take

    @property
    def reads_fields(self) -> bool:
        """Whether it needs messages decoded in full, field by field."""
        return self.source.fields is not None or self.source.field != POSITION

    def can_use(self, msgtype: str) -> bool:
        """Return whether messages of a type hold numbers."""
        return self.reads_fields or self.source.labels is not None or msgtype in READERS

    @property
    def names(self) -> list[str]:
        """Names of the elements in the dataset."""
        if self.source.names is not None:
            return list(self.source.names)
        if self._has_plain_names:
            return list(self._learned)
        return [element_name(joint, self.source.field) for joint in self._learned]

    def rotations(self) -> tuple[Quaternion, ...]:
        """Return where among its elements the quaternions are."""
        return self._rotations

    def learn(self, message: Any, raw: RawMessage) -> None:
        """Gather the names of the first second, so that partial messages count too."""
        if self.is_learned:
            return
        names, values = self.read(message, raw)
        self._goes_by_order = names is None
        if names is None:
            names = [str(number) for number in range(len(values))]
        if self._learned_from is None:
            self._learned_from = raw.received_ns
        self._heard.add(tuple(names))
        self._learned = _union(self._heard)
        self.settle(raw.received_ns)

    def see(self, message: Any, raw: RawMessage) -> None:
        """Take note of which elements a message carries of those that the mapping names.

        Raises:
            StreamError: it carries another number of values, and no names.
        """
        names, values = self.read(message, raw)
        self._check_number((names, values), raw)
        self.seen.update(dict.fromkeys(names or ()))
        self.unseen = [name for name in self.unseen if names is not None and name not in names]

    def described(self, missing: list[int]) -> str:
        """Return the topic, and the joints of it that are missing if only some are."""
        if not missing:
            return self.source.topic
        return f'{self.source.topic} ({", ".join(self._learned[at] for at in missing)})'

    def settle(self, now_ns: int = FOREVER_NS) -> None:
        """Stop learning if it has lasted long enough: the joints seen are all there are."""
        if self.is_learned or self._learned_from is None or not self._learned:
            return
        if now_ns - self._learned_from >= LEARN_NS:
            self._settle(self._learned)

    def value(self, message: Any, raw: RawMessage) -> NDArray[np.float64]:
        """Return the vector in dataset units, NaN where the message does not know."""
        named = self.read(message, raw)
        self._check_number(named, raw)
        picked = self._pick(named)
        if not math.isfinite(picked.sum()):
            self._check_known(picked, raw)
        turned = normalized(picked, self._rotations)
        if turned is None:
            raise StreamError(
                f'{raw.topic}: a message holds a quaternion of length zero; if it never holds '
                'another, name the elements to be recorded without it (joints: [...])'
            )
        return turned if self._keeps_units else turned * self._scale + self._offset

    def read(self, message: Any, raw: RawMessage) -> NamedValues:
        """Return the names and values in a message, as they are on the topic.

        Raises:
            StreamError: the message does not hold what the channel is made of.
        """
        source = self.source
        if self._reader is None or raw.msgtype != self._read_type:
            self._reader = reader_of(raw.msgtype, source)
            self._read_type = raw.msgtype
            if raw.msgtype in HELD:
                self.forget_stamps()
            self._has_plain_names = has_plain_names(raw.msgtype, source)
        return read_with(self._reader, message, raw.msgtype, source.field, raw.topic)

    def _pick(self, named: NamedValues) -> NDArray[np.float64]:
        """Pick the elements in order; where they are is looked up only when the names change."""
        names, values = named
        if names is None:
            return values
        if names != self._picked_from:
            self._picked_from = names
            at = pick((names, np.arange(len(names), dtype=np.float64)), self._learned)
            self._picked = None if np.isnan(at).any() else at.astype(np.intp)
        return pick(named, self._learned) if self._picked is None else values[self._picked]

    def _check_number(self, named: NamedValues, raw: RawMessage) -> None:
        names, values = named
        if names is not None:
            return
        if len(values) != len(self._learned):
            raise StreamError(
                f'{raw.topic}: a message holds {len(values)} values, expected {len(self._learned)}'
            )
        if not self._goes_by_order:
            raise StreamError(
                f'{raw.topic}: a message names none of its values, but those before it did; '
                'name them in their order with joints: [...]'
            )

    def _check_known(self, picked: NDArray[np.float64], raw: RawMessage) -> None:
        if np.isnan(picked).all():
            wanted = ', '.join(self._learned)
            raise StreamError(f'{raw.topic}: a message holds none of the joints {wanted}')
        if np.isinf(picked).any():
            raise StreamError(f'{raw.topic}: a message holds an infinite value')
        if (self._rotations or self.window is not None) and np.isnan(picked).any():
            missing = ', '.join(self._learned[at] for at in np.flatnonzero(np.isnan(picked)))
            raise StreamError(f'{raw.topic}: a message lacks {missing}, or holds NaN')

    def units(self) -> list[JointUnit]:
        """Return the units of the elements."""
        return list(self._units)

    def _settle(self, joints: list[str]) -> None:
        unknown = [name for name in self.source.units if name not in joints]
        if unknown:
            raise StreamError(
                f'{self.source.topic}: units are given for {", ".join(unknown)}, '
                f'which are not among its joints {", ".join(joints)}'
            )
        if self.source.names is not None and len(self.source.names) != len(joints):
            raise StreamError(
                f'{self.source.topic}: {len(self.source.names)} names are given '
                f'for {len(joints)} joints {", ".join(joints)}'
            )
        self._check_rotations(joints)
        self._learned = list(joints)
        configured = self.source.units
        self._units = [
            configured[name].joint_unit() if name in configured else JointUnit() for name in joints
        ]
        self._scale = np.array([unit.scale for unit in self._units])
        self._offset = np.array([unit.offset for unit in self._units])
        self._keeps_units = bool((self._scale == 1).all() and (self._offset == 0).all())

    def _check_rotations(self, joints: list[str]) -> None:
        self._rotations, torn = find_rotations(joints)
        taken = self.source.take or default_take(self.feature)
        if torn and self.window is None and taken is Take.INTERPOLATE:
            raise StreamError(
                f'{self.source.topic}: {", ".join(torn)} are a part of a quaternion, which cannot '
                'be interpolated alone; name its x, y, z and w, or set take: hold'
            )
        turned = [joints[at] for rotation in self._rotations for at in rotation]
        united = [name for name in turned if name in self.source.units]
        if united:
            raise StreamError(
                f'{self.source.topic}: units are given for {", ".join(united)}, '
                'which are elements of a quaternion and have none'
            )


def _union(heard: set[tuple[str, ...]]) -> list[str]:
    """Return all names, in the order of the fullest message: whichever came first, the same."""
    fullest_first = sorted(heard, key=lambda names: (-len(names), names))
    return list(dict.fromkeys(name for names in fullest_first for name in names))
