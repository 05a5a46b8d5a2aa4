"""Messages that are floats behind a header: names of their numbers, and where they lie.

One table serves a decoded message (by attribute) and a serialised one (by offset). The second
way costs a tenth of decoding, which counts at 1000 messages a second; it is taken only
where the bytes are exactly as long as the type says.

Names are those of the fields (``force.x``, ``orientation.w``); units are left as on the topic.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.cdr import aligned, text

XYZ = ('x', 'y', 'z')
XYZW = ('x', 'y', 'z', 'w')
ROTATIONS = ('orientation', 'rotation', 'quaternion')
"""Prefixes of the elements that are a quaternion."""

_PLAIN_CDR = b'\x00\x01'
_BODY = 4
"""CDR aligns to the first byte after its four bytes of encapsulation."""
_HEADER = struct.Struct('<iII')
_LENGTH = struct.Struct('<I')
_STAMP = struct.Struct('<iI')
_LONGEST_PADDING = 7


@dataclass(frozen=True)
class Part:
    """A run of numbers.

    Attributes:
        path: dotted attribute that holds them; empty for the message itself.
        prefix: what their names begin with.
        elements: their own names.
        covariance: dotted attribute of a 3x3 or 6x6 covariance after it, and its length.
        may_be_unknown: the covariance begins with -1 where there is no estimate.
    """

    path: str
    prefix: str
    elements: tuple[str, ...] = XYZ
    covariance: tuple[str, int] = ('', 0)
    may_be_unknown: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the elements in a dataset."""
        return tuple(f'{self.prefix}.{element}' for element in self.elements)


@dataclass(frozen=True)
class Layout:
    """A message type.

    Attributes:
        parts: its numbers in the order in which they are serialised.
        stamped: it begins with a header.
        child: a child_frame_id follows the header.
    """

    parts: tuple[Part, ...]
    stamped: bool = False
    child: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all elements."""
        return tuple(name for part in self.parts for name in part.names)

    @property
    def doubles(self) -> int:
        """Floats in the message, covariances counted."""
        return sum(len(part.elements) + part.covariance[1] for part in self.parts)

    @property
    def called(self) -> dict[str, str]:
        """Dotted attribute -> name of the element in it."""
        return {
            f'{part.path}.{element}'.lstrip('.'): name
            for part in self.parts
            for element, name in zip(part.elements, part.names, strict=True)
        }

    def picked(self) -> list[int]:
        """Return where among the floats the elements are."""
        picked: list[int] = []
        at = 0
        for part in self.parts:
            picked += range(at, at + len(part.elements))
            at += len(part.elements) + part.covariance[1]
        return picked


def _vectors(base: str, *names: str) -> tuple[Part, ...]:
    return tuple(Part(f'{base}{name}', name) for name in names)


def _pose(base: str = '', covariance: tuple[str, int] = ('', 0)) -> tuple[Part, ...]:
    return (
        Part(f'{base}position', 'position'),
        Part(f'{base}orientation', 'orientation', XYZW, covariance),
    )


def _motion(base: str = '', covariance: tuple[str, int] = ('', 0)) -> tuple[Part, ...]:
    return (Part(f'{base}linear', 'linear'), Part(f'{base}angular', 'angular', XYZ, covariance))


def _transform(base: str = '') -> tuple[Part, ...]:
    return (Part(f'{base}translation', 'translation'), Part(f'{base}rotation', 'rotation', XYZW))


_IMU = (
    Part('orientation', 'orientation', XYZW, ('orientation_covariance', 9), True),
    Part('angular_velocity', 'angular_velocity', XYZ, ('angular_velocity_covariance', 9), True),
    Part(
        'linear_acceleration',
        'linear_acceleration',
        XYZ,
        ('linear_acceleration_covariance', 9),
        True,
    ),
)
_ODOMETRY = (
    *_pose('pose.pose.', ('pose.covariance', 36)),
    *_motion('twist.twist.', ('twist.covariance', 36)),
)
_GEOMETRY = {
    'Vector3': Layout((Part('', 'vector'),)),
    'Vector3Stamped': Layout((Part('vector', 'vector'),), stamped=True),
    'Point': Layout((Part('', 'point'),)),
    'PointStamped': Layout((Part('point', 'point'),), stamped=True),
    'Quaternion': Layout((Part('', 'quaternion', XYZW),)),
    'QuaternionStamped': Layout((Part('quaternion', 'quaternion', XYZW),), stamped=True),
    'Pose': Layout(_pose()),
    'PoseStamped': Layout(_pose('pose.'), stamped=True),
    'PoseWithCovarianceStamped': Layout(
        _pose('pose.pose.', ('pose.covariance', 36)), stamped=True
    ),
    'Transform': Layout(_transform()),
    'TransformStamped': Layout(_transform('transform.'), stamped=True, child=True),
    'Twist': Layout(_motion()),
    'TwistStamped': Layout(_motion('twist.'), stamped=True),
    'TwistWithCovarianceStamped': Layout(
        _motion('twist.twist.', ('twist.covariance', 36)), stamped=True
    ),
    'Accel': Layout(_motion()),
    'AccelStamped': Layout(_motion('accel.'), stamped=True),
    'Wrench': Layout(_vectors('', 'force', 'torque')),
    'WrenchStamped': Layout(_vectors('wrench.', 'force', 'torque'), stamped=True),
}
LAYOUTS: dict[str, Layout] = {
    **{f'geometry_msgs/msg/{name}': layout for name, layout in _GEOMETRY.items()},
    'sensor_msgs/msg/Imu': Layout(_IMU, stamped=True),
    'nav_msgs/msg/Odometry': Layout(_ODOMETRY, stamped=True, child=True),
}
_DOUBLES = {msgtype: layout.doubles for msgtype, layout in LAYOUTS.items()}
_PICKED = {msgtype: np.array(layout.picked()) for msgtype, layout in LAYOUTS.items()}
_NAMES = {msgtype: layout.names for msgtype, layout in LAYOUTS.items()}


class QuickMessage:
    """As much of a serialised message as is recorded; a header as decoding would give it.

    Attributes:
        msgtype: its type.
        sec, nanosec: its header stamp.
        floats: all its floats, shape (n,).
    """

    __slots__ = ('_stamped', 'floats', 'msgtype', 'nanosec', 'sec')

    def __init__(self, msgtype: str, stamp: tuple[int, int] | None, floats: Any) -> None:
        self.msgtype = msgtype
        self._stamped = stamp is not None
        self.sec, self.nanosec = stamp or (0, 0)
        self.floats: NDArray[np.float64] = floats

    @property
    def header(self) -> QuickMessage | None:
        """Its header, None if its type has none."""
        return self if self._stamped else None

    @property
    def stamp(self) -> QuickMessage:
        """The stamp of its header."""
        return self


def read_quickly(msgtype: str, data: bytes) -> QuickMessage | None:
    """Return a message without decoding it, None if that cannot be done safely.

    Args:
        msgtype: its type.
        data: its CDR bytes.
    """
    layout = LAYOUTS.get(msgtype)
    start = None if layout is None else _floats_at(layout, data)
    if layout is None or start is None:
        return None
    count = _DOUBLES[msgtype]
    if not 0 <= len(data) - start - 8 * count <= _LONGEST_PADDING:
        return None
    stamp = _STAMP.unpack_from(data, _BODY) if layout.stamped else None
    return QuickMessage(msgtype, stamp, np.frombuffer(data, '<f8', count, start))


def read_many(
    msgtype: str, messages: Sequence[bytes]
) -> tuple[NDArray[np.float64], list[str]] | None:
    """Return all floats of many messages of one length, shape (messages, floats), and their texts.

    None if they are not alike enough to be read at once: the texts before the floats (frame_id,
    child_frame_id) are those of all of them.

    Args:
        msgtype: their type.
        messages: their CDR bytes.
    """
    first, layout = messages[0], LAYOUTS[msgtype]
    if read_quickly(msgtype, first) is None:
        return None
    start, size = _floats_at(layout, first), len(first)
    assert start is not None
    at = _BODY + _STAMP.size if layout.stamped else start
    same = first[at:start]
    if any(
        len(data) != size or data[:2] != _PLAIN_CDR or data[at:start] != same for data in messages
    ):
        return None
    texts: list[str] = []
    try:
        for _ in range(layout.stamped + layout.child):
            found, at = text(first, aligned(at))
            texts.append(found)
    except ValueError:
        return None
    rows = np.frombuffer(b''.join(messages), np.uint8).reshape(len(messages), size)
    body = np.ascontiguousarray(rows[:, start : start + 8 * _DOUBLES[msgtype]]).view('<f8')
    return body, texts


def without_unknown(layout: Layout, floats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows of floats with NaN where a message says that it has no estimate."""
    known, at = floats, 0
    for part in layout.parts:
        end = at + len(part.elements)
        if part.may_be_unknown:
            unknown = floats[:, end] == -1.0
            if unknown.any():
                known = known.copy() if known is floats else known
                known[unknown, at:end] = np.nan
        at = end + part.covariance[1]
    return known


def read_fixed(message: Any, msgtype: str) -> tuple[Sequence[str], NDArray[np.float64]]:
    """Return the names and values of a message, those left out of which it has no estimate.

    Args:
        message: decoded, or as ``read_quickly`` gave it.
        msgtype: its type, one of ``LAYOUTS``.
    """
    layout = LAYOUTS[msgtype]
    if not isinstance(message, QuickMessage):
        floats = np.array([value for part in layout.parts for value in _values(message, part)])
    else:
        floats = message.floats
    if any(part.may_be_unknown for part in layout.parts):
        values = without_unknown(layout, floats[None])[0]
        known = _known(layout, floats)
        if not known.all():
            names = [name for name, is_known in zip(layout.names, known, strict=True) if is_known]
            return names, values[_PICKED[msgtype]][known]
    return _NAMES[msgtype], floats[_PICKED[msgtype]]


def header_ns(data: bytes) -> int | None:
    """Return the stamp of a serialised message that begins with a header [ns], None if cut."""
    if len(data) < _BODY + _HEADER.size or data[:2] != _PLAIN_CDR:
        return None
    sec, nanosec = _STAMP.unpack_from(data, _BODY)
    return int(sec) * NS_PER_S + int(nanosec)


def _known(layout: Layout, floats: NDArray[np.float64]) -> NDArray[np.bool_]:
    flags, at = [], 0
    for part in layout.parts:
        end = at + len(part.elements)
        unknown = part.may_be_unknown and floats[end] == -1.0
        flags += [not unknown] * len(part.elements)
        at = end + part.covariance[1]
    return np.array(flags)


def _floats_at(layout: Layout, data: bytes) -> int | None:
    """Return the offset of the first float, None if the bytes are too few or of another kind."""
    if data[:2] != _PLAIN_CDR:
        return None
    at = 0
    if layout.stamped:
        if len(data) < _BODY + _HEADER.size:
            return None
        at = _HEADER.size + _LENGTH.unpack_from(data, _BODY + _STAMP.size)[0]
    if layout.child:
        at = -(-at // 4) * 4
        if len(data) < _BODY + at + _LENGTH.size:
            return None
        at += _LENGTH.size + _LENGTH.unpack_from(data, _BODY + at)[0]
    return _BODY + -(-at // 8) * 8


def _values(message: Any, part: Part) -> list[float]:
    holder = _attribute(message, part.path)
    values = [float(getattr(holder, element)) for element in part.elements]
    if part.covariance[1]:
        values += [float(value) for value in _attribute(message, part.covariance[0])]
    return values


def _attribute(message: Any, path: str) -> Any:
    return reduce(getattr, path.split('.'), message) if path else message
