from __future__ import annotations

import numpy as np
import pytest
from synthetic_messages import T0, header, joint_state, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.messages import decode
from lerobot_recorder.numeric_fields import READERS, pick, read_values

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
    (TWIST, 'position', AXES, [1, 2, 3, 4, 5, 6]),
    (make('geometry_msgs/msg/TwistStamped', header(T0), TWIST), 'position', AXES, range(1, 7)),
    (array(32), 'position', None, [1.5, -2.5]),
    (array(64), 'position', None, [1.5, -2.5]),
    (make('std_msgs/msg/Float32', 0.5), 'position', None, [0.5]),
    (make('std_msgs/msg/Float64', 0.1), 'position', None, [0.1]),
    (make('std_msgs/msg/Int32', -7), 'position', None, [-7]),
    (make('std_msgs/msg/Int64', 7), 'position', None, [7]),
]


@pytest.mark.parametrize(('message', 'field', 'names', 'values'), TABLE)
def test_every_type_is_read(message, field, names, values):
    assert read(message, field) == (names, list(values))


def test_every_reader_is_tested():
    assert {message.__msgtype__ for message, *_ in TABLE} == set(READERS)


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
