from __future__ import annotations

import numpy as np
import pytest
from synthetic_messages import T0, header, joint_state, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.fixed_messages import LAYOUTS
from lerobot_recorder.messages import decode
from lerobot_recorder.numeric_fields import INTEGERS, READERS, pick, read_values

STATE = 'sensor_msgs/msg/JointState'


def read(message, field='position'):
    entry = raw('/x', message, T0)
    names, values = read_values(decode(entry), entry.msgtype, field, '/x')
    return (list(names) if names is not None else None), list(values)


def vector(x, y, z):
    return make('geometry_msgs/msg/Vector3', x, y, z)


def point():
    values = (np.array(v, dtype=float) for v in ([1, 2], [3, 4], [5, 6], [7, 8]))
    return make(
        'trajectory_msgs/msg/JointTrajectoryPoint',
        *values,
        make('builtin_interfaces/msg/Duration', 0, 0),
    )


def array(bits):
    layout = make('std_msgs/msg/MultiArrayLayout', [], 0)
    values = np.array([1.5, -2.5], dtype=f'float{bits}')
    return make(f'std_msgs/msg/Float{bits}MultiArray', layout, values)


def integers(name):
    layout = make('std_msgs/msg/MultiArrayLayout', [], 0)
    return make(f'std_msgs/msg/{name}MultiArray', layout, np.array([1, 2], name.lower()))


def scan(distance):
    return make('sensor_msgs/msg/Range', header(T0), 0, 0.1, 0.02, 4.0, distance, 0.0)


TWIST = make('geometry_msgs/msg/Twist', vector(1, 2, 3), vector(4, 5, 6))
TRAJECTORY = make('trajectory_msgs/msg/JointTrajectory', header(T0), ['a', 'b'], [point()])
AXES = ['linear.x', 'linear.y', 'linear.z', 'angular.x', 'angular.y', 'angular.z']

TABLE = [
    (joint_state(T0, 'ab', [1, 2], [3, 4]), 'position', ['a', 'b'], [1, 2]),
    (joint_state(T0, 'ab', [1, 2], [3, 4]), 'velocity', ['a', 'b'], [3, 4]),
    (TRAJECTORY, 'position', ['a', 'b'], [1, 2]),
    (TRAJECTORY, 'velocity', ['a', 'b'], [3, 4]),
    (TRAJECTORY, 'effort', ['a', 'b'], [7, 8]),
    (make('trajectory_msgs/msg/JointTrajectory', header(T0), ['a'], []), 'position', [], []),
    (array(32), 'position', None, [1.5, -2.5]),
    (array(64), 'position', None, [1.5, -2.5]),
    (make('std_msgs/msg/Float32', 0.5), 'position', None, [0.5]),
    (make('std_msgs/msg/Float64', 0.1), 'position', None, [0.1]),
    (make('std_msgs/msg/Bool', True), 'position', None, [1]),
    *((make(f'std_msgs/msg/{name}', 7), 'position', None, [7]) for name in INTEGERS),
    *((integers(name), 'position', None, [1, 2]) for name in INTEGERS),
    (scan(0.25), 'position', ['range'], [0.25]),
    (
        make('sensor_msgs/msg/Joy', header(T0), np.float32([0.5, -1]), np.int32([0, 1])),
        'position',
        ['axes.0', 'axes.1', 'buttons.0', 'buttons.1'],
        [0.5, -1, 0, 1],
    ),
]


@pytest.mark.parametrize(('message', 'field', 'names', 'values'), TABLE)
def test_every_type_is_read(message, field, names, values):
    assert read(message, field) == (names, list(values))


def test_every_reader_is_tested():
    assert {message.__msgtype__ for message, *_ in TABLE} == set(READERS) - set(LAYOUTS)


def test_messages_of_floats_are_called_by_their_fields():
    pose = make('geometry_msgs/msg/Pose', point_at(1, 2, 3), quaternion(0, 0, 0, 1))
    names = [f'position.{axis}' for axis in 'xyz'] + [f'orientation.{axis}' for axis in 'xyzw']
    assert read(pose) == (names, [1, 2, 3, 0, 0, 0, 1])
    wrench = make('geometry_msgs/msg/Wrench', vector(1, 2, 3), vector(4, 5, 6))
    stamped = make('geometry_msgs/msg/WrenchStamped', header(T0), wrench)
    names = [f'{what}.{axis}' for what in ('force', 'torque') for axis in 'xyz']
    assert read(stamped) == read(wrench) == (names, [1, 2, 3, 4, 5, 6])
    twist = make('geometry_msgs/msg/TwistStamped', header(T0), TWIST)
    assert read(twist) == read(TWIST) == (AXES, [1, 2, 3, 4, 5, 6])


def point_at(x, y, z):
    return make('geometry_msgs/msg/Point', x, y, z)


def quaternion(x, y, z, w):
    return make('geometry_msgs/msg/Quaternion', x, y, z, w)


def test_a_type_without_numbers_is_refused():
    with pytest.raises(StreamError, match=r'/x: std_msgs/msg/String cannot be recorded'):
        read(make('std_msgs/msg/String', 'hello'))


def test_a_field_that_is_not_there_is_refused():
    with pytest.raises(StreamError, match=f"/x: {STATE} has no field 'torque'"):
        read(joint_state(T0, 'a', [1]), 'torque')


def test_names_and_values_must_be_as_many():
    with pytest.raises(StreamError, match=r'has 2 names but 0 values of velocity'):
        read(joint_state(T0, 'ab', [1, 2]), 'velocity')


def test_elements_are_picked_by_name_in_the_order_wanted():
    named = (['c', 'a', 'b'], np.array([3.0, 1.0, 2.0]))
    assert list(pick(named, ['a', 'b', 'c'])) == [1, 2, 3]
    assert list(pick(named, ['b'])) == [2]
    assert np.array_equal(pick(named, ['a', 'x']), [1, np.nan], equal_nan=True)
    assert list(pick((None, np.array([5.0, 6.0])), ['a', 'b'])) == [5, 6]
