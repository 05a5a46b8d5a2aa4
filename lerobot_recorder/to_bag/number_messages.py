"""From named numbers to a message: the reverse of ``numeric_fields``, type by type.

A builder gets the numbers by field (``position``, ``velocity`` or ``effort`` of joint messages;
all else has the field ``position`` only) and element, and fills a blank message. What a
dataset does not hold of a message (covariances, limits of a sensor) stays zero, or says that
nothing is known where the type has a way to say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.fixed_messages import LAYOUTS, Part
from lerobot_recorder.joint_states import JOINT_STATE
from lerobot_recorder.numeric_fields import BY_FIELD, FLOATS, INTEGERS, JOINT_TRAJECTORY, SMALL
from lerobot_recorder.source_config import SourceConfig
from lerobot_recorder.to_bag.blank_messages import blank, set_header

Elements = Mapping[str, float]
Fields = Mapping[str, Elements]
"""Field -> element -> value."""
Builder = Callable[[Any, Fields], None]

VALUE = 'position'
"""The field of messages that have but one."""
_JOY = ('axes', 'buttons')
_POINT_FIELDS = {'position': 'positions', 'velocity': 'velocities', 'effort': 'effort'}
_QUANTITIES = {name: field for field, plural in _POINT_FIELDS.items() for name in (field, plural)}


def build(msgtype: str, fields: Fields, stamp_ns: int, frame_id: str = '') -> Any:
    """Return a message that holds numbers.

    Args:
        msgtype: its type, of those that ``builder_of`` knows.
        fields: the numbers; an element that is NaN is left out where the type can do so.
        stamp_ns: its header stamp, if it has a header [ns].
        frame_id: its frame, if it has a header.
    """
    message = blank(msgtype)
    set_header(message, stamp_ns, frame_id)
    builder_of(msgtype)(message, fields)
    return message


def builder_of(msgtype: str) -> Builder:
    """Return what fills messages of a type: by its own rules, else by the paths of its fields."""
    return BUILDERS.get(msgtype, _by_path)


def told_as(msgtype: str, source: SourceConfig, elements: Sequence[str]) -> str | None:
    """Return under which field messages of a type tell what a source was, None if they cannot.

    Args:
        msgtype: the type.
        source: how it was read.
        elements: names of the numbers.
    """
    if source.labels is not None or source.transform is not None:
        return None
    quantity = source.field.rpartition('.')[2]
    if msgtype == JOINT_STATE:
        return source.field if source.field in _POINT_FIELDS else None
    if msgtype == JOINT_TRAJECTORY:
        return (
            _QUANTITIES.get(quantity) if source.field in (quantity, f'first.{quantity}') else None
        )
    if msgtype in BUILDERS and source.fields is None and source.field == VALUE:
        return VALUE
    return VALUE if can_hold(msgtype, elements) else None


def can_hold(msgtype: str, paths: Sequence[str]) -> bool:
    """Return whether messages of a type have numbers at dotted paths."""
    if msgtype in BY_FIELD:
        return False
    try:
        _by_path(blank(msgtype), {VALUE: dict.fromkeys(paths, 0.0)})
    except (KeyError, AttributeError, ValueError, TypeError, IndexError):
        return False
    return True


def _by_path(message: Any, fields: Fields) -> None:
    for path, value in fields[VALUE].items():
        *steps, last = path.split('.')
        if last.isdigit():
            *steps, name = steps
            holder = reduce(getattr, steps, message)
            there = getattr(holder, name)
            if len(there) <= int(last):
                there = np.append(there, np.zeros(int(last) + 1 - len(there), there.dtype))
                setattr(holder, name, there)
            there[int(last)] = value
        else:
            holder = reduce(getattr, steps, message)
            setattr(holder, last, type(getattr(holder, last))(value))


def likely_type(names: Sequence[str]) -> str:
    """Return the type that most likely held elements of such names.

    For datasets that do not tell it: those recorded before it was kept, and those of others.
    """
    for msgtype, layout in LAYOUTS.items():
        if layout.stamped and set(names) == set(layout.names):
            return msgtype
    if list(names) == ['range']:
        return 'sensor_msgs/msg/Range'
    if all(name.partition('.')[0] in _JOY for name in names):
        return 'sensor_msgs/msg/Joy'
    if all(name.isdigit() for name in names):
        return 'std_msgs/msg/Float64MultiArray'
    return JOINT_STATE


def _joint_state(message: Any, fields: Fields) -> None:
    names, columns = _by_joint(fields)
    message.name = names
    for field, values in columns.items():
        setattr(message, field, values)


def _joint_trajectory(message: Any, fields: Fields) -> None:
    message.joint_names, columns = _by_joint(fields)
    point = blank('trajectory_msgs/msg/JointTrajectoryPoint')
    for field, values in columns.items():
        setattr(point, _POINT_FIELDS[field], values)
    message.points = [point]


def _by_joint(fields: Fields) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Return the joints of which anything is known, and a value of each for every field."""
    names = list(
        dict.fromkeys(
            name
            for elements in fields.values()
            for name, value in elements.items()
            if not np.isnan(value)
        )
    )
    columns = {
        field: np.array([elements.get(name, np.nan) for name in names], dtype=np.float64)
        for field, elements in fields.items()
    }
    return names, columns


def _scalar(message: Any, fields: Fields) -> None:
    (value,) = fields[VALUE].values()
    message.data = type(message.data)(value)


def _array(message: Any, fields: Fields) -> None:
    elements = fields[VALUE]
    message.data = np.array(list(elements.values())).astype(message.data.dtype)
    if not all(name.isdigit() for name in elements):
        dimension = blank('std_msgs/msg/MultiArrayDimension')
        dimension.label = ', '.join(elements)
        dimension.size = dimension.stride = len(elements)
        message.layout.dim = [dimension]


def _joy(message: Any, fields: Fields) -> None:
    for kind in _JOY:
        found = {
            int(name.rpartition('.')[2]): value
            for name, value in fields[VALUE].items()
            if name.startswith(f'{kind}.')
        }
        values = np.zeros(max(found, default=-1) + 1, dtype=getattr(message, kind).dtype)
        for at, value in found.items():
            values[at] = value
        setattr(message, kind, values)


def _fixed(message: Any, fields: Fields) -> None:
    elements = fields[VALUE]
    for part in LAYOUTS[message.__msgtype__].parts:
        values = [elements.get(name, np.nan) for name in part.names]
        is_known = not all(np.isnan(value) for value in values)
        if is_known:
            holder = _attribute(message, part.path)
            for element, value in zip(part.elements, values, strict=True):
                setattr(holder, element, value)
        elif part.may_be_unknown:
            _mark_unknown(message, part)


def _mark_unknown(message: Any, part: Part) -> None:
    _attribute(message, part.covariance[0])[0] = -1.0


def _attribute(message: Any, path: str) -> Any:
    return reduce(getattr, path.split('.'), message) if path else message


BUILDERS: dict[str, Builder] = {
    JOINT_STATE: _joint_state,
    JOINT_TRAJECTORY: _joint_trajectory,
    **dict.fromkeys(LAYOUTS, _fixed),
    **{f'std_msgs/msg/{name}MultiArray': _array for name in (*FLOATS, *INTEGERS, 'Byte')},
    **{f'std_msgs/msg/{name}': _scalar for name in (*FLOATS, *INTEGERS, *SMALL, 'Bool')},
    'sensor_msgs/msg/Joy': _joy,
}
