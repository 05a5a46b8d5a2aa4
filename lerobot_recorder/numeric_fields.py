"""From a message to named numbers: one table, for live recording and bags.

A reader gets a message and a field's name and returns the names of the elements (None
where the message carries none) and their values. Decoding is duck-typed: it needs
no message class. Types that are not in ``READERS`` are read by the paths of their fields
(``fields:`` in a mapping, see ``field_paths.py``), or by a class of one's own
(see ``message_readers.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder import controller_states
from lerobot_recorder.field_paths import LabelReader, PathReader, members, numbers_in
from lerobot_recorder.fixed_messages import LAYOUTS, read_fixed
from lerobot_recorder.joint_states import JOINT_STATE
from lerobot_recorder.message_readers import MESSAGES, MessageReader, ReaderTable
from lerobot_recorder.source_config import POSITION, SourceConfig

NamedValues = tuple[Sequence[str] | None, NDArray[np.float64]]

JOINT_TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'


def _joint_state(message: Any, field: str) -> NamedValues:
    return message.name, np.asarray(getattr(message, field), dtype=np.float64)


def _array(message: Any, field: str) -> NamedValues:
    return None, np.asarray(message.data, dtype=np.float64).ravel()


def _scalar(message: Any, field: str) -> NamedValues:
    return None, np.array([message.data], dtype=np.float64)


def _joy(message: Any, field: str) -> NamedValues:
    names = [f'axes.{number}' for number in range(len(message.axes))]
    names += [f'buttons.{number}' for number in range(len(message.buttons))]
    return names, np.array([*message.axes, *message.buttons], dtype=np.float64)


def _fixed(msgtype: str) -> MessageReader:
    return lambda message, field: read_fixed(message, msgtype)


FLOATS = tuple(f'Float{bits}' for bits in (32, 64))
INTEGERS = tuple(f'{kind}{bits}' for kind in ('Int', 'UInt') for bits in (8, 16, 32, 64))
SMALL = ('Byte', 'Char')
STRING = 'std_msgs/msg/String'

PATHS: dict[str, tuple[str, ...]] = {
    'sensor_msgs/msg/BatteryState': (
        'voltage', 'temperature', 'current', 'charge', 'capacity', 'percentage'
    ),
    'sensor_msgs/msg/FluidPressure': ('fluid_pressure',),
    'sensor_msgs/msg/Illuminance': ('illuminance',),
    'sensor_msgs/msg/MagneticField': ('magnetic_field',),
    'sensor_msgs/msg/NavSatFix': ('latitude', 'longitude', 'altitude'),
    'sensor_msgs/msg/Range': ('range',),
    'sensor_msgs/msg/RelativeHumidity': ('relative_humidity',),
    'sensor_msgs/msg/Temperature': ('temperature',),
    'std_msgs/msg/ColorRGBA': ('r', 'g', 'b', 'a'),
    'control_msgs/msg/GripperCommand': ('position', 'max_effort'),
    'control_msgs/msg/JointControllerState': (
        'set_point', 'process_value', 'process_value_dot', 'error', 'command'
    ),
}  # fmt: skip
"""Messages of a few numbers: the paths of those that are recorded unless told otherwise."""

BY_FIELD: dict[str, MessageReader] = {
    JOINT_STATE: _joint_state,
    JOINT_TRAJECTORY: controller_states.trajectory,
    'trajectory_msgs/msg/MultiDOFJointTrajectory': controller_states.multi_dof_trajectory,
    'sensor_msgs/msg/MultiDOFJointState': controller_states.multi_dof_state,
    'control_msgs/msg/JointTrajectoryControllerState': controller_states.trajectory_controller,
    'control_msgs/action/FollowJointTrajectory_FeedbackMessage': (
        controller_states.follow_joint_trajectory
    ),
    'control_msgs/msg/DynamicJointState': controller_states.dynamic_joint_state,
    'control_msgs/msg/MultiDOFStateStamped': controller_states.dof_states,
    'control_msgs/msg/SingleDOFStateStamped': controller_states.dof_states,
    'control_msgs/msg/MultiDOFCommand': controller_states.dof_command,
    'control_msgs/msg/JointJog': controller_states.joint_jog,
}
"""Messages of named joints, of which a mapping's ``field`` chooses the quantity."""

READERS = ReaderTable(
    {
        **BY_FIELD,
        **{msgtype: _fixed(msgtype) for msgtype in LAYOUTS},
        **{msgtype: PathReader(paths) for msgtype, paths in PATHS.items()},
        **{f'std_msgs/msg/{name}MultiArray': _array for name in (*FLOATS, *INTEGERS, 'Byte')},
        **{f'std_msgs/msg/{name}': _scalar for name in (*FLOATS, *INTEGERS, *SMALL, 'Bool')},
        'sensor_msgs/msg/Joy': _joy,
    },
    MESSAGES,
)

HELD = frozenset(
    (
        'sensor_msgs/msg/Joy',
        *(f'std_msgs/msg/{name}' for name in (*INTEGERS, *SMALL, 'Bool')),
        *(f'std_msgs/msg/{name}MultiArray' for name in (*INTEGERS, 'Byte')),
    )
)
"""Messages of whole numbers, of buttons and switches: nothing lies between two of them."""

SUFFIXES = {
    'position': '.pos',
    'velocity': '.vel',
    'acceleration': '.acc',
    'effort': '.effort',
    'positions': '.pos',
    'velocities': '.vel',
    'accelerations': '.acc',
}
_PLAIN = frozenset(
    path
    for msgtype, paths in PATHS.items()
    if msgtype.startswith('sensor_msgs/')
    for path in paths
)
"""What no joint is called."""


def element_name(joint: str, field: str) -> str:
    """Return what an element is called in a dataset: ``shoulder.pos``, ``force.x``, ``range``.

    Args:
        joint: its name on the topic.
        field: the quantity that was read.
    """
    if '.' in joint or joint in _PLAIN:
        return joint
    return joint + SUFFIXES.get(field.rpartition('.')[2], '')


def has_plain_names(msgtype: str, source: SourceConfig) -> bool:
    """Return whether elements are called by their fields, not by joints."""
    return source.fields is not None or source.labels is not None or msgtype in PATHS


def reader_of(msgtype: str, source: SourceConfig) -> MessageReader:
    """Return what reads the numbers in messages of a source."""
    if source.labels is not None:
        return LabelReader(source.labels, source.text_path)
    if source.fields is not None:
        return PathReader(source.fields)
    by_field = msgtype in BY_FIELD or msgtype in MESSAGES.names()
    if by_field or (msgtype in READERS and source.field == POSITION):
        return READERS[msgtype]
    return PathReader([source.field])


def read_values(message: Any, msgtype: str, field: str, topic: str) -> NamedValues:
    """Return the names and values of a message's field.

    Args:
        message: the decoded message.
        msgtype: its type.
        field: quantity of joint messages (``position``, ``velocity``, ``effort``), path in others.
        topic: where it came from, for the error.

    Raises:
        StreamError: the type cannot be turned into numbers, or lacks the field, or its
            names and values differ in number.
    """
    reader = reader_of(msgtype, SourceConfig(topic=topic, field=field))
    return read_with(reader, message, msgtype, field, topic)


def read_with(
    reader: MessageReader, message: Any, msgtype: str, field: str, topic: str
) -> NamedValues:
    """Return what a reader reads in a message; see ``read_values``."""
    try:
        names, values = reader(message, field)
    except AttributeError as error:
        raise StreamError(f'{topic}: {msgtype} has no field {field!r}') from error
    except StreamError as error:
        is_guess = isinstance(reader, PathReader) and reader.paths == [POSITION]
        why = _why(message, msgtype, error) if is_guess else f'{msgtype} {error}'
        raise StreamError(f'{topic}: {why}') from error
    except (ValueError, TypeError) as error:
        raise StreamError(f'{topic}: {msgtype} contradicts itself: {error}') from error
    if names is None or len(names) == len(values):
        return names, values
    if not len(names):
        return None, values
    filled = [name for name in members(message) if _is_as_long(getattr(message, name), names)]
    instead = f'; as many has {", ".join(filled)}' if filled else ''
    raise StreamError(
        f'{topic}: a {msgtype} has {len(names)} names but {len(values)} values of {field}{instead}'
    )


def _why(message: Any, msgtype: str, error: StreamError) -> str:
    if msgtype == STRING:
        return (
            f'{msgtype} cannot be recorded as numbers: take it as text with dtype: string, '
            'or give the number of each text with labels: [...]'
        )
    if msgtype not in READERS:
        known = ', '.join(numbers_in(message)) or 'none'
        return f'{msgtype} cannot be recorded as numbers unless fields: [...] names some: {known}'
    return f'{msgtype} {error}'


def _is_as_long(value: Any, names: Sequence[str]) -> bool:
    return isinstance(value, np.ndarray) and len(value) == len(names)


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
