"""Channels: one source of one feature, from raw messages to samples of a stream.

A channel first learns from the first messages what the mapping leaves open (names of
joints, size of pictures); then it turns every message into a stamped sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.numeric_fields import RANGE, SUFFIXES, NamedValues, pick, read_values
from lerobot_recorder.rates import Heard, RateMeter
from lerobot_recorder.rotation import Quaternion, find_rotations, normalized
from lerobot_recorder.stamps import StampChooser
from lerobot_recorder.streams import StreamConfig, Take, Window

LEARN_NS = NS_PER_S
"""How long the first messages of a topic are gathered to learn its joints [ns]."""
TOLERANCE_NS = 100_000_000
TOLERANCE_PERIODS = 3.0
"""Samples this many periods of their stream apart have a gap between them, unless that is
less than the time above [ns] or the mapping says otherwise."""


class Channel:
    """One source of one feature.

    Args:
        feature: the feature's key.
        source: where it comes from.
        number: which of the feature's sources it is.
        window: the grid of its windows, if rows get those.
    """

    def __init__(
        self, feature: str, source: SourceConfig, number: int, window: Window | None = None
    ) -> None:
        self.feature = feature
        self.source = source
        self.window = window
        self.stream = feature if number == 0 else f'{feature}#{number}'
        self.forget_stamps()
        self.rate = RateMeter()
        self.usual_rate = RateMeter()
        self.heard = Heard()
        self.errors = 0
        self.errors_in_a_row = 0
        self.last_error: str | None = None
        self.lost = 0
        self._learned: list[str] = []
        self._learned_from: int | None = None

    def forget_stamps(self) -> None:
        """Know no more what is usual of its stamps."""
        self.stamps = StampChooser(self.source.clock, self.take is Take.INTERPOLATE)

    def begin_take(self) -> None:
        """Count anew: what is told of a take is of that take alone."""
        self.stamps.begin_take()
        self.rate = RateMeter()
        self.errors = self.errors_in_a_row = self.lost = 0
        self.last_error = None

    @property
    def take(self) -> Take:
        """How the stream is taken at a tick."""
        windowed = Take.WINDOW if self.window is not None else None
        return self.source.take or windowed or default_take(self.feature)

    @property
    def may_be_silent(self) -> bool:
        """Whether silence is no gap: of what is held, and of commands, unless told otherwise."""
        silent = self.source.may_be_silent
        holds = is_action(self.feature) or self.take is Take.HOLD
        return holds if silent is None else silent

    def stamp(self, header_ns: int | None, raw: RawMessage) -> int | None:
        """Return the acquisition stamp of a message [ns], None if it is better left out.

        Args:
            header_ns: its header stamp, None if it has none [ns].
            raw: the message.
        """
        stamp_ns = self.stamps.choose(header_ns, raw)
        self.heard.count += 1
        self.heard.received_ns = raw.received_ns
        if stamp_ns is not None:
            self.heard.stamp_ns = stamp_ns
            self.rate.add(stamp_ns)
            self.usual_rate.add(stamp_ns)
        return stamp_ns

    @property
    def is_learned(self) -> bool:
        """Return whether nothing about the channel is open any more."""
        raise NotImplementedError

    def stream_config(self) -> StreamConfig:
        """Return what the synchronizer must know of it."""
        return StreamConfig(
            name=self.stream,
            take=self.take,
            offset_ns=round(self.source.offset_ms * 1e6),
            tolerance_ns=self._tolerance_ns(),
            may_be_silent=self.may_be_silent,
            rotations=self.rotations(),
            window=self.window,
        )

    def rotations(self) -> tuple[Quaternion, ...]:
        """Return where among its elements the quaternions are."""
        return ()

    def _tolerance_ns(self) -> int:
        """Return what is told, else what the stream's own rate, as known by now, asks for [ns]."""
        if self.source.tolerance_ms is not None:
            return round(self.source.tolerance_ms * 1e6)
        hertz = self.usual_rate.own_hz
        return max(TOLERANCE_NS, round(TOLERANCE_PERIODS * NS_PER_S / hertz) if hertz else 0)

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
    def names(self) -> list[str]:
        """Names of the elements in the dataset."""
        if self.source.names is not None:
            return list(self.source.names)
        suffix = SUFFIXES.get(self.source.field, '')
        return [
            joint if '.' in joint or joint == RANGE else joint + suffix for joint in self._learned
        ]

    def rotations(self) -> tuple[Quaternion, ...]:
        """Return where among its elements the quaternions are."""
        return self._rotations

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

    def see(self, message: Any, raw: RawMessage) -> None:
        """Take note of which elements a message carries of those that the mapping names.

        Raises:
            StreamError: it carries another number of values, and no names.
        """
        names, values = read_values(message, raw.msgtype, self.source.field, raw.topic)
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
        named = read_values(message, raw.msgtype, self.source.field, raw.topic)
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
        if names is None and len(values) != len(self._learned):
            raise StreamError(
                f'{raw.topic}: a message holds {len(values)} values, expected {len(self._learned)}'
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


class PictureChannel(Channel):
    """Pictures of one size."""

    def __init__(
        self, feature: str, source: SourceConfig, number: int, window: Window | None = None
    ) -> None:
        super().__init__(feature, source, number, window)
        self.size: tuple[int, int] | None = None
        self.depth_unit: str | None = None

    @property
    def is_learned(self) -> bool:
        """Return whether the size is known."""
        return self.size is not None

    def learn(self, message: Any, raw: RawMessage) -> None:
        """Take the size of the first picture."""
        if self.size is None:
            picture = to_picture(message, self._image_type(raw), raw.topic)
            self.size = (picture.height, picture.width)
            self.depth_unit = getattr(picture, 'unit', None)

    def entry(self) -> dict[str, Any]:
        """Return the feature as info.json describes it."""
        assert self.size is not None
        names = ['height', 'width', 'channels']
        if self.depth_unit is None:
            return {'dtype': 'video', 'shape': [*self.size, 3], 'names': names}
        info = {'is_depth_map': True, 'depth_unit': self.depth_unit}
        return {'dtype': 'video', 'shape': [*self.size, 1], 'names': names, 'info': info}

    def value(self, message: Any, raw: RawMessage) -> Any:
        """Return the picture, its pixels not yet decoded."""
        picture = to_picture(message, self._image_type(raw), raw.topic)
        if self.size is not None and (picture.height, picture.width) != self.size:
            raise StreamError(
                f'{raw.topic}: a picture is {picture.width}x{picture.height}, '
                f'expected {self.size[1]}x{self.size[0]} as the first one'
            )
        if self.size is not None and getattr(picture, 'unit', None) != self.depth_unit:
            expected = f'depth in {self.depth_unit}' if self.depth_unit else 'colour'
            raise StreamError(f'{raw.topic}: a picture is not {expected} as the first one')
        return picture

    def _image_type(self, raw: RawMessage) -> str:
        if raw.msgtype not in IMAGE_TYPES:
            raise StreamError(
                f'{raw.topic} holds {raw.msgtype}, but {self.feature} needs one of '
                + ', '.join(IMAGE_TYPES)
            )
        return raw.msgtype


def make_channel(
    feature: str, source: SourceConfig, number: int, window: Window | None = None
) -> Channel:
    """Return the channel of a feature's source; see ``Channel``."""
    kind = PictureChannel if is_image_feature(feature) else NumericChannel
    return kind(feature, source, number, window)
