"""Message types of ``control_msgs``, which no wheel brings along: for bags without definitions.

Bags in mcap and of ROS 1 bring their own. Of a type that has changed there is one definition per
generation, the newest first; which one a message is of is seen from its length.

Source: ``control_msgs`` of ros-controls, branches kinetic-devel to master.
"""

from __future__ import annotations

from rosbags.interfaces.typing import Typesdict
from rosbags.typesys import get_types_from_msg

_POINT = 'trajectory_msgs/JointTrajectoryPoint'
_POINTS = 'trajectory_msgs/MultiDOFJointTrajectoryPoint'
_HEAD = 'std_msgs/Header header\n'
_NEW = ('reference', 'feedback', 'error', 'output')
_OLD = ('desired', 'actual')


def _sides(*sides: str) -> str:
    return ''.join(f'{_POINT} {side}\n' for side in sides)


def _multi(*sides: str) -> str:
    points = ''.join(f'{_POINTS} multi_dof_{side}\n' for side in sides)
    return f'string[] multi_dof_joint_names\n{points}'


_NAMES = f'{_HEAD}string[] joint_names\n'
_FOLLOWED = (*_OLD, 'error')
_FLOATS = {
    'JointControllerState': (
        'set_point process_value process_value_dot error time_step command p i d i_clamp'
    ),
    'SingleDOFState': 'reference feedback feedback_dot error error_dot time_step output',
    'GripperCommand': 'position max_effort',
}


def _floats(name: str) -> str:
    return ''.join(f'float64 {field}\n' for field in _FLOATS[name].split())


_TEXTS: dict[str, tuple[str, ...]] = {
    'msg/JointTrajectoryControllerState': (
        _NAMES + _sides(*_NEW) + _multi(*_NEW) + 'float64 speed_scaling_factor\n',
        _NAMES + _sides(*_NEW, *_OLD) + _multi(*_NEW, *_OLD),
        _NAMES + _sides(*_FOLLOWED),
    ),
    'action/FollowJointTrajectory_Feedback': (
        f'{_NAMES}{_sides(*_FOLLOWED)}int32 index\n{_multi(*_FOLLOWED)}int32 multi_dof_index\n',
        _NAMES + _sides(*_FOLLOWED) + _multi(*_FOLLOWED),
        _NAMES + _sides(*_FOLLOWED),
    ),
    'action/FollowJointTrajectory_FeedbackMessage': (
        'unique_identifier_msgs/UUID goal_id\n'
        'control_msgs/action/FollowJointTrajectory_Feedback feedback\n',
    ),
    'msg/InterfaceValue': ('string[] interface_names\nfloat64[] values\n',),
    'msg/DynamicJointState': (f'{_NAMES}control_msgs/InterfaceValue[] interface_values\n',),
    'msg/JointJog': (
        f'{_NAMES}float64[] displacements\nfloat64[] velocities\nfloat64 duration\n',
    ),
    'msg/JointControllerState': (f'{_HEAD}{_floats("JointControllerState")}bool antiwindup\n',),
    'msg/SingleDOFState': (f'string name\n{_floats("SingleDOFState")}',),
    'msg/SingleDOFStateStamped': (f'{_HEAD}control_msgs/SingleDOFState dof_state\n',),
    'msg/MultiDOFStateStamped': (f'{_HEAD}control_msgs/SingleDOFState[] dof_states\n',),
    'msg/MultiDOFCommand': ('string[] dof_names\nfloat64[] values\nfloat64[] values_dot\n',),
    'msg/GripperCommand': (_floats('GripperCommand'),),
}
GENERATIONS = max(len(texts) for texts in _TEXTS.values())


def definitions(generation: int = 0) -> Typesdict:
    """Return the types as one generation defines them.

    Args:
        generation: 0 is the newest; a type that has not changed since is that of all.
    """
    found: Typesdict = {}
    for name, texts in _TEXTS.items():
        msgtype = f'control_msgs/{name}'
        found |= get_types_from_msg(texts[min(generation, len(texts) - 1)], msgtype)
    return found


def has_changed(msgtype: str) -> bool:
    """Return whether a type was defined in several ways."""
    return len(_TEXTS.get(msgtype.removeprefix('control_msgs/'), ())) > 1
