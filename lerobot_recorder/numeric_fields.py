"""From a message to named numbers: one table, for live recording and bags.

A reader gets a message and a field's name and returns the names of the elements (None
where the message carries none) and their values. Decoding is duck-typed: it needs
no message class. To add a type, write such a function and enter it in ``READERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.fixed_messages import LAYOUTS, read_fixed
from lerobot_recorder.joint_states import JOINT_STATE

NamedValues = tuple[Sequence[str] | None, NDArray[np.float64]]
Reader = Callable[[Any, str], NamedValues]

JOINT_TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
_POINT_FIELDS = {'position': 'positions', 'velocity': 'velocities'}


def _joint_state(message: Any, field: str) -> NamedValues:
    return message.name, np.asarray(getattr(message, field), dtype=np.float64)


def _joint_trajectory(message: Any, field: str) -> NamedValues:
    if not message.points:
        return [], np.empty(0)
    values = getattr(message.points[0], _POINT_FIELDS.get(field, field))
    return list(message.joint_names), np.asarray(values, dtype=np.float64)


def _array(message: Any, field: str) -> NamedValues:
    return None, np.asarray(message.data, dtype=np.float64).ravel()


def _scalar(message: Any, field: str) -> NamedValues:
    return None, np.array([message.data], dtype=np.float64)


def _range(message: Any, field: str) -> NamedValues:
    return [RANGE], np.array([message.range], dtype=np.float64)


def _joy(message: Any, field: str) -> NamedValues:
    names = [f'axes.{number}' for number in range(len(message.axes))]
    names += [f'buttons.{number}' for number in range(len(message.buttons))]
    return names, np.array([*message.axes, *message.buttons], dtype=np.float64)


def _fixed(msgtype: str) -> Reader:
    return lambda message, field: read_fixed(message, msgtype)


FLOATS = tuple(f'Float{bits}' for bits in (32, 64))
INTEGERS = tuple(f'{kind}{bits}' for kind in ('Int', 'UInt') for bits in (8, 16, 32, 64))
RANGE = 'range'

READERS: dict[str, Reader] = {
    JOINT_STATE: _joint_state,
    JOINT_TRAJECTORY: _joint_trajectory,
    **{msgtype: _fixed(msgtype) for msgtype in LAYOUTS},
    **{f'std_msgs/msg/{name}MultiArray': _array for name in (*FLOATS, *INTEGERS)},
    **{f'std_msgs/msg/{name}': _scalar for name in (*FLOATS, *INTEGERS, 'Bool')},
    'sensor_msgs/msg/Range': _range,
    'sensor_msgs/msg/Joy': _joy,
}

SUFFIXES = {'position': '.pos', 'velocity': '.vel', 'effort': '.effort'}


def read_values(message: Any, msgtype: str, field: str, topic: str) -> NamedValues:
    """Return the names and values of a message's field.

    Args:
        message: the decoded message.
        msgtype: its type.
        field: ``position``, ``velocity`` or ``effort`` of joint messages.
        topic: where it came from, for the error.

    Raises:
        StreamError: the type cannot be turned into numbers, or lacks the field, or its
            names and values differ in number.
    """
    reader = READERS.get(msgtype)
    if reader is None:
        raise StreamError(f'{topic}: {msgtype} cannot be recorded as numbers')
    try:
        names, values = reader(message, field)
    except AttributeError as error:
        raise StreamError(f'{topic}: {msgtype} has no field {field!r}') from error
    if names is not None and len(names) != len(values):
        raise StreamError(
            f'{topic}: a {msgtype} has {len(names)} names but {len(values)} values of {field}'
        )
    return names, values


def pick(named: NamedValues, wanted: Sequence[str]) -> NDArray[np.float64]:
    """Return the wanted elements in order; NaN for those the message does not carry.

    Args:
        named: names and values of a message; without names the order is the wanted one.
        wanted: names of the elements, in the dataset's order.
    """
    names, values = named
    if names is None or names == wanted:
        return values
    index = {name: at for at, name in enumerate(names)}
    return np.array([values[index[name]] if name in index else np.nan for name in wanted])
