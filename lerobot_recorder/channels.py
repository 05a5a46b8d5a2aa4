"""Channels: one source of one feature, from raw messages to samples of a stream.

A channel first learns from the first messages what the mapping leaves open (names of
joints, size of pictures); then it turns every message into a stamped sample.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.units import JointUnit
from lerobot_recorder.images import IMAGE_TYPES, to_picture
from lerobot_recorder.mapping import (
    SourceConfig,
    default_take,
    is_action,
    is_image_feature,
)
from lerobot_recorder.messages import RawMessage, StampChooser
from lerobot_recorder.numeric_fields import SUFFIXES, pick, read_values
from lerobot_recorder.streams import StreamConfig, Take

LEARN_NS = NS_PER_S
"""How long the first messages of a topic are gathered to learn its joints [ns]."""


class Channel:
    """One source of one feature.

    Args:
        feature: the feature's key.
        source: where it comes from.
        number: which of the feature's sources it is.
    """

    def __init__(self, feature: str, source: SourceConfig, number: int) -> None:
        self.feature = feature
        self.source = source
        self.stream = feature if number == 0 else f'{feature}#{number}'
        self.stamps = StampChooser(source.clock)
        self.errors = 0
        self.errors_in_a_row = 0
        self.last_error: str | None = None
        self.lost = 0
        self._learned: list[str] = []
        self._learned_from: int | None = None

    def begin_take(self) -> None:
        """Count anew: what is told of a take is of that take alone."""
        self.stamps = StampChooser(self.source.clock)
        self.errors = self.errors_in_a_row = self.lost = 0
        self.last_error = None

    @property
    def is_learned(self) -> bool:
        """Return whether nothing about the channel is open any more."""
        raise NotImplementedError

    def stream_config(self) -> StreamConfig:
        """Return what the synchronizer must know of it."""
        source, silent = self.source, self.source.may_be_silent
        take = source.take or default_take(self.feature)
        holds = is_action(self.feature) or take is Take.HOLD
        return StreamConfig(
            name=self.stream,
            take=take,
            offset_ns=round(source.offset_ms * 1e6),
            tolerance_ns=round(source.tolerance_ms * 1e6),
            may_be_silent=holds if silent is None else silent,
        )

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


class NumericChannel(Channel):
    """Numbers by name, in the dataset's units."""

    def __init__(self, feature: str, source: SourceConfig, number: int) -> None:
        super().__init__(feature, source, number)
        self._heard: set[tuple[str, ...]] = set()
        self._units: list[JointUnit] = []
        self._scale: NDArray[np.float64] = np.empty(0)
        self._offset: NDArray[np.float64] = np.empty(0)
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
    def names(self) -> list[str]:
        """Names of the elements in the dataset."""
        if self.source.names is not None:
            return list(self.source.names)
        suffix = SUFFIXES.get(self.source.field, '')
        return [joint if '.' in joint else joint + suffix for joint in self._learned]

    def learn(self, message: Any, raw: RawMessage) -> None:
        """Gather the names of the first second, so that partial messages count too."""
        if self.is_learned:
            return
        names, values = read_values(message, raw.msgtype, self.source.field, raw.topic)
        if names is None:
            names = [str(number) for number in range(len(values))]
        if self._learned_from is None:
            self._learned_from = raw.received_ns
        self._heard.add(tuple(names))
        self._learned = _union(self._heard)
        self.settle(raw.received_ns)

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
        named = read_values(message, raw.msgtype, self.source.field, raw.topic)
        if named[0] is None and len(named[1]) != len(self._learned):
            raise StreamError(
                f'{raw.topic}: a message holds {len(named[1])} values, '
                f'expected {len(self._learned)}'
            )
        picked = pick(named, self._learned)
        if np.isfinite(picked).all():
            return picked * self._scale + self._offset
        if np.isnan(picked).all():
            wanted = ', '.join(self._learned)
            raise StreamError(f'{raw.topic}: a message holds none of the joints {wanted}')
        if np.isinf(picked).any():
            raise StreamError(f'{raw.topic}: a message holds an infinite value')
        return picked * self._scale + self._offset

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
        self._learned = list(joints)
        configured = self.source.units
        self._units = [
            configured[name].joint_unit() if name in configured else JointUnit() for name in joints
        ]
        self._scale = np.array([unit.scale for unit in self._units])
        self._offset = np.array([unit.offset for unit in self._units])


def _union(heard: set[tuple[str, ...]]) -> list[str]:
    """Return all names, in the order of the fullest message: whichever came first, the same."""
    fullest_first = sorted(heard, key=lambda names: (-len(names), names))
    return list(dict.fromkeys(name for names in fullest_first for name in names))


class PictureChannel(Channel):
    """Pictures of one size."""

    def __init__(self, feature: str, source: SourceConfig, number: int) -> None:
        super().__init__(feature, source, number)
        self.size: tuple[int, int] | None = None

    @property
    def is_learned(self) -> bool:
        """Return whether the size is known."""
        return self.size is not None

    def learn(self, message: Any, raw: RawMessage) -> None:
        """Take the size of the first picture."""
        if self.size is None:
            picture = to_picture(message, self._image_type(raw), raw.topic)
            self.size = (picture.height, picture.width)

    def value(self, message: Any, raw: RawMessage) -> Any:
        """Return the picture, its pixels not yet decoded."""
        picture = to_picture(message, self._image_type(raw), raw.topic)
        if self.size is not None and (picture.height, picture.width) != self.size:
            raise StreamError(
                f'{raw.topic}: a picture is {picture.width}x{picture.height}, '
                f'expected {self.size[1]}x{self.size[0]} as the first one'
            )
        return picture

    def _image_type(self, raw: RawMessage) -> str:
        if raw.msgtype not in IMAGE_TYPES:
            raise StreamError(
                f'{raw.topic} holds {raw.msgtype}, but {self.feature} needs one of '
                + ', '.join(IMAGE_TYPES)
            )
        return raw.msgtype


def make_channel(feature: str, source: SourceConfig, number: int) -> Channel:
    """Return the channel of a feature's source."""
    kind = PictureChannel if is_image_feature(feature) else NumericChannel
    return kind(feature, source, number)
