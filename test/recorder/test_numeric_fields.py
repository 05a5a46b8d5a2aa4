from __future__ import annotations

import numpy as np
import pytest
from random_messages import random_message
from synthetic_messages import T0, TYPES, header, joint_state, make, raw

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


def transform(x):
    turn = make('geometry_msgs/msg/Quaternion', 0.0, 0.0, 0.0, 1.0)
    return make('geometry_msgs/msg/Transform', vector(x, 2, 3), turn)


def places(joint, x):
    names = [f'{joint}.translation.{axis}' for axis in 'xyz']
    return [*names, *(f'{joint}.rotation.{axis}' for axis in 'xyzw')], [x, 2, 3, 0, 0, 0, 1]


def filled(msgtype, **fields):
    """A message of zeros and empty texts but for some fields."""
    made = random_message(msgtype, TYPES, np.random.default_rng(0), T0)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def point_of(*values):
    empty = np.empty(0)
    held = [np.array(v, dtype=float) for v in values]
    since = make('builtin_interfaces/msg/Duration', 0, 0)
    lists = [*held, *[empty] * (4 - len(held))]
    return make('trajectory_msgs/msg/JointTrajectoryPoint', *lists, since)


def interfaces(names, values):
    return make('control_msgs/msg/InterfaceValue', names, np.array(values, dtype=float))


CONTROLLER = filled(
    'control_msgs/msg/JointTrajectoryControllerState',
    joint_names=['a', 'b'],
    feedback=point_of([1, 2], [3, 4]),
    reference=point_of([5, 6]),
)
DYNAMIC = make(
    'control_msgs/msg/DynamicJointState', header(T0), ['arm', 'hand'],
    [interfaces(['position', 'velocity'], [1, 2]), interfaces(['position', 'current'], [3, 4])],
)  # fmt: skip
JOG = make(
    'control_msgs/msg/JointJog',
    header(T0),
    ['a', 'b'],
    np.array([1.0, 2]),
    np.array([3.0, 4]),
    0.5,
)
BATTERY = ['voltage', 'temperature', 'current', 'charge', 'capacity', 'percentage']
DOF = filled('control_msgs/msg/SingleDOFState', name='yaw', feedback=0.5, reference=0.75)
STATES_OF_AXES = make('control_msgs/msg/MultiDOFStateStamped', header(T0), [DOF])
STATE_OF_AXIS = make('control_msgs/msg/SingleDOFStateStamped', header(T0), DOF)
WARM = make('sensor_msgs/msg/Temperature', header(T0), 20.5, 0.0)
FOLLOWING = filled(
    'control_msgs/action/FollowJointTrajectory_Feedback',
    joint_names=['a'],
    actual=point_of([1]),
    desired=point_of([2]),
)
TWO_POINTS = make(
    'trajectory_msgs/msg/JointTrajectory', header(T0), ['a'], [point_of([1]), point_of([9])]
)
PLACES = make(
    'sensor_msgs/msg/MultiDOFJointState', header(T0), ['base'], [transform(1.0)], [TWIST], []
)
PLACED = make(
    'trajectory_msgs/msg/MultiDOFJointTrajectory', header(T0), ['base'],
    [
        make('trajectory_msgs/msg/MultiDOFJointTrajectoryPoint', [transform(x)], [], [],
             make('builtin_interfaces/msg/Duration', 0, 0))
        for x in (1.0, 4.0)
    ],
)  # fmt: skip

NEW = [
    (CONTROLLER, 'position', ['a', 'b'], [1, 2]),
    (CONTROLLER, 'feedback.velocities', ['a', 'b'], [3, 4]),
    (CONTROLLER, 'actual.velocity', ['a', 'b'], [3, 4]),
    (CONTROLLER, 'reference.position', ['a', 'b'], [5, 6]),
    (CONTROLLER, 'desired.positions', ['a', 'b'], [5, 6]),
    (TWO_POINTS, 'position', ['a'], [1]),
    (TWO_POINTS, 'last.position', ['a'], [9]),
    (PLACED, 'position', *places('base', 1)),
    (PLACED, 'last.position', *places('base', 4)),
    (PLACES, 'position', *places('base', 1)),
    (PLACES, 'velocity', [f'base.{name}' for name in AXES], [1, 2, 3, 4, 5, 6]),
    (
        filled('control_msgs/action/FollowJointTrajectory_FeedbackMessage', feedback=FOLLOWING),
        'position',
        ['a'],
        [1],
    ),
    (DYNAMIC, 'position', ['arm', 'hand'], [1, 3]),
    (DYNAMIC, 'current', ['hand'], [4]),
    (JOG, 'velocity', ['a', 'b'], [3, 4]),
    (JOG, 'position', ['a', 'b'], [1, 2]),
    (STATES_OF_AXES, 'position', ['yaw'], [0.5]),
    (STATE_OF_AXIS, 'reference', ['yaw'], [0.75]),
    (
        make('control_msgs/msg/MultiDOFCommand', ['x'], np.array([1.0]), np.array([2.0])),
        'velocity',
        ['x'],
        [2],
    ),
    (
        filled(
            'control_msgs/msg/JointControllerState', set_point=1.0, process_value=2.0,
            process_value_dot=3.0, error=4.0, command=5.0,
        ),
        'position',
        ['set_point', 'process_value', 'process_value_dot', 'error', 'command'],
        [1, 2, 3, 4, 5],
    ),
    (
        make('control_msgs/msg/GripperCommand', 0.25, 4.0),
        'position',
        ['position', 'max_effort'],
        [0.25, 4],
    ),
    (
        filled('sensor_msgs/msg/BatteryState', **{name: 0.5 for name in BATTERY}),
        'position',
        BATTERY,
        [0.5] * 6,
    ),
    (WARM, 'position', ['temperature'], [20.5]),
    (
        make('sensor_msgs/msg/FluidPressure', header(T0), 1e5, 0.0),
        'position',
        ['fluid_pressure'],
        [1e5],
    ),
    (
        make('sensor_msgs/msg/RelativeHumidity', header(T0), 0.5, 0.0),
        'position',
        ['relative_humidity'],
        [0.5],
    ),
    (make('sensor_msgs/msg/Illuminance', header(T0), 9.0, 0.0), 'position', ['illuminance'], [9]),
    (
        make('sensor_msgs/msg/MagneticField', header(T0), vector(1, 2, 3), np.zeros(9)),
        'position',
        [f'magnetic_field.{axis}' for axis in 'xyz'],
        [1, 2, 3],
    ),
    (
        filled('sensor_msgs/msg/NavSatFix', latitude=1.0, longitude=2.0, altitude=3.0),
        'position',
        ['latitude', 'longitude', 'altitude'],
        [1, 2, 3],
    ),
    (make('std_msgs/msg/ColorRGBA', 0.0, 0.5, 1.0, 1.0), 'position', list('rgba'), [0, 0.5, 1, 1]),
    (make('std_msgs/msg/Byte', 7), 'position', None, [7]),
    (make('std_msgs/msg/Char', 7), 'position', None, [7]),
    (
        make('std_msgs/msg/ByteMultiArray', make('std_msgs/msg/MultiArrayLayout', [], 0),
             np.array([1, 2], np.uint8)),
        'position', None, [1, 2],
    ),
    (TWIST, 'linear', ['linear.x', 'linear.y', 'linear.z'], [1, 2, 3]),
    (TWIST, 'angular.z', ['angular.z'], [6]),
]  # fmt: skip

TABLE = [
    *NEW,
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
    assert {message.__msgtype__ for message, *_ in TABLE} >= set(READERS) - set(LAYOUTS)


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
    told = r'has 2 names but 0 values of velocity; as many has position'
    with pytest.raises(StreamError, match=told):
        read(joint_state(T0, 'ab', [1, 2]), 'velocity')


def test_joints_without_names_have_the_order_of_the_message():
    assert read(joint_state(T0, [], [1, 2])) == (None, [1, 2])
    assert read(joint_state(T0, [], [])) == ([], [])


@pytest.mark.parametrize(
    ('message', 'field', 'told'),
    [
        (DYNAMIC, 'effort', "has no interface 'effort'; its interfaces: current, position, vel"),
        (CONTROLLER, 'wish.position', r"has no field 'wish\.position'"),
        (TWO_POINTS, 'middle.position', r"has no point 'middle'"),
        (TWIST, 'linear.w', r"has no field 'linear\.w': 'w' is not in x, y, z"),
        (
            make('diagnostic_msgs/msg/KeyValue', 'a', 'b'),
            'position',
            r'cannot be recorded as numbers unless fields: \[\.\.\.\] names some: none',
        ),
        (
            filled('sensor_msgs/msg/CameraInfo'),
            'position',
            r'names some: height, width, d, k, r, p, binning_x',
        ),
        (
            make('std_msgs/msg/String', 'hello'),
            'position',
            r'take it as text with dtype: string, or give the number .* with labels: \[\.\.\.\]',
        ),
        (
            make('control_msgs/msg/DynamicJointState', header(T0), ['a', 'b'], []),
            'position',
            'contradicts itself',
        ),
    ],
)
def test_what_cannot_be_read_gives_one_line(message, field, told):
    with pytest.raises(StreamError, match=f'^/x: {message.__msgtype__} .*{told}'):
        read(message, field)


def test_elements_are_picked_by_name_in_the_order_wanted():
    named = (['c', 'a', 'b'], np.array([3.0, 1.0, 2.0]))
    assert list(pick(named, ['a', 'b', 'c'])) == [1, 2, 3]
    assert list(pick(named, ['b'])) == [2]
    assert np.array_equal(pick(named, ['a', 'x']), [1, np.nan], equal_nan=True)
    assert list(pick((None, np.array([5.0, 6.0])), ['a', 'b'])) == [5, 6]
