"""What controllers say of their joints: names and one quantity of one side of theirs.

A field is ``[side.]quantity``. Sides are those of the newest ``control_msgs`` (``feedback``,
``reference``, ``error``, ``output``); messages of older releases, which say ``actual`` and
``desired``, are asked for what they have. Quantities may be written as joint states have them
(``position``) or as points have them (``positions``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import StreamError

NamedNumbers = tuple[list[str], NDArray[np.float64]]

_SIDES = {
    'feedback': ('feedback', 'actual'),
    'actual': ('actual', 'feedback'),
    'reference': ('reference', 'desired'),
    'desired': ('desired', 'reference'),
}
_POINT_FIELDS = {
    'position': 'positions',
    'velocity': 'velocities',
    'acceleration': 'accelerations',
}
_ENDS = {'first': 0, 'last': -1}
_TURN = ('translation', 'rotation')
_MOTION = ('linear', 'angular')


def split_field(field: str, side: str) -> tuple[str, str]:
    """Return the side and the quantity of a field, a side given where it names none."""
    named, _, quantity = field.rpartition('.')
    return named or side, quantity


def trajectory(message: Any, field: str) -> NamedNumbers:
    """Return a quantity of the first point of a JointTrajectory, or of its ``last``."""
    end, quantity = split_field(field, 'first')
    if end not in _ENDS:
        raise StreamError(f'has no point {end!r}: {field!r} begins with first or last, or neither')
    if not message.points:
        return [], np.empty(0)
    return _point(message.joint_names, message.points[_ENDS[end]], quantity)


def multi_dof_trajectory(message: Any, field: str) -> NamedNumbers:
    """Return poses (``position``) or motions of the first or last point, by joint."""
    end, quantity = split_field(field, 'first')
    if not message.points:
        return [], np.empty(0)
    point = message.points[_ENDS.get(end, 0)]
    held = {'position': 'transforms', 'velocity': 'velocities', 'acceleration': 'accelerations'}
    return _placed(message.joint_names, getattr(point, held.get(quantity, quantity)))


def multi_dof_state(message: Any, field: str) -> NamedNumbers:
    """Return the poses (``position``), twists or wrenches of a MultiDOFJointState, by joint."""
    held = {'position': 'transforms', 'velocity': 'twist', 'effort': 'wrench'}
    return _placed(message.joint_names, getattr(message, held.get(field, field)))


def trajectory_controller(message: Any, field: str) -> NamedNumbers:
    """Return a quantity of a JointTrajectoryControllerState; of its feedback by default."""
    side, quantity = split_field(field, 'feedback')
    for name in _SIDES.get(side, (side,)):
        point = getattr(message, name, None)
        if point is not None:
            return _point(message.joint_names, point, quantity)
    raise AttributeError(field)


def follow_joint_trajectory(message: Any, field: str) -> NamedNumbers:
    """Return a quantity of the feedback of the action FollowJointTrajectory."""
    return trajectory_controller(message.feedback, field)


def dynamic_joint_state(message: Any, field: str) -> NamedNumbers:
    """Return one interface of a DynamicJointState, of the joints that have it."""
    names, values = [], []
    for joint, interfaces in zip(message.joint_names, message.interface_values, strict=True):
        held = dict(zip(interfaces.interface_names, interfaces.values, strict=True))
        if field in held:
            names.append(joint)
            values.append(float(held[field]))
    if message.joint_names and not names:
        known = sorted({n for one in message.interface_values for n in one.interface_names})
        raise StreamError(f'has no interface {field!r}; its interfaces: {", ".join(known)}')
    return names, np.array(values)


def dof_states(message: Any, field: str) -> NamedNumbers:
    """Return one number (``feedback`` by default) of each axis of a MultiDOFStateStamped."""
    wanted = 'feedback' if field == 'position' else field
    states = [message.dof_state] if hasattr(message, 'dof_state') else message.dof_states
    return [one.name for one in states], np.array([float(getattr(one, wanted)) for one in states])


def dof_command(message: Any, field: str) -> NamedNumbers:
    """Return the values of a MultiDOFCommand, or (``velocity``) their derivatives."""
    wanted = {'position': 'values', 'velocity': 'values_dot'}.get(field, field)
    return list(message.dof_names), np.asarray(getattr(message, wanted), dtype=np.float64)


def joint_jog(message: Any, field: str) -> NamedNumbers:
    """Return the displacements of a JointJog, or (``velocity``) its velocities."""
    wanted = {'position': 'displacements', 'velocity': 'velocities'}.get(field, field)
    return list(message.joint_names), np.asarray(getattr(message, wanted), dtype=np.float64)


def _point(names: Any, point: Any, quantity: str) -> NamedNumbers:
    values = getattr(point, _POINT_FIELDS.get(quantity, quantity))
    return list(names), np.asarray(values, dtype=np.float64)


def _placed(joints: Any, parts: Any) -> NamedNumbers:
    """Return the numbers of a Transform, Twist or Wrench for each joint."""
    names, values = [], []
    for joint, part in zip(joints, parts, strict=True):
        vectors = next(
            (pair for pair in (_TURN, _MOTION, ('force', 'torque')) if hasattr(part, pair[0])), ()
        )
        for vector in vectors:
            held = getattr(part, vector)
            axes = 'xyzw' if hasattr(held, 'w') else 'xyz'
            names += [f'{joint}.{vector}.{axis}' for axis in axes]
            values += [float(getattr(held, axis)) for axis in axes]
    return names, np.array(values)
