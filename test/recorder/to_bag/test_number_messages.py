"""Whatever can be read as numbers can be made of numbers again."""

from __future__ import annotations

import numpy as np
import pytest

from lerobot_recorder.joint_states import JOINT_STATE
from lerobot_recorder.messages import RawMessage, decode, header_stamp_ns
from lerobot_recorder.numeric_fields import JOINT_TRAJECTORY, PATHS, read_values
from lerobot_recorder.to_bag.blank_messages import blank, serialized, set_header
from lerobot_recorder.to_bag.number_messages import BUILDERS, VALUE, build, likely_type

WRENCH = [f'{vector}.{axis}' for vector in ('force', 'torque') for axis in 'xyz']
JOINTS = (JOINT_STATE, JOINT_TRAJECTORY)
AT = 1_700_000_000_123_456_789


def sent(msgtype, fields):
    message = build(msgtype, fields, AT, 'tool')
    return decode(RawMessage('/t', msgtype, serialized(message), 0, 0))


def elements_of(msgtype):
    """Return an element -> value for each element that a message of a type has."""
    if msgtype in JOINTS:
        return {'a': 1.5, 'b': -2.0}
    if msgtype == 'sensor_msgs/msg/Joy':
        return {'axes.0': 0.5, 'axes.1': -0.25, 'buttons.0': 1.0}
    names, values = read_values(decode_blank(msgtype), msgtype, VALUE, '/t')
    if names is None and not len(values):
        names = '012'
    names = names or [str(number) for number in range(len(values))]
    return {name: float(number % 2 + number // 3) for number, name in enumerate(names)}


def decode_blank(msgtype):
    return decode(RawMessage('/t', msgtype, serialized(blank(msgtype)), 0, 0))


@pytest.mark.parametrize('msgtype', [*BUILDERS, *PATHS])
def test_a_message_holds_what_it_was_made_of(msgtype):
    elements = elements_of(msgtype)
    message = sent(msgtype, {VALUE: elements})
    names, values = read_values(message, msgtype, VALUE, '/t')
    assert list(names or elements) == list(elements)
    assert values.tolist() == list(elements.values())
    assert header_stamp_ns(message) in (None, AT)


def test_fields_of_one_joint_message_meet_by_name():
    message = sent(JOINT_STATE, {'position': {'a': 1.0, 'b': 2.0}, 'effort': {'b': 5.0}})
    assert message.name == ['a', 'b']
    assert message.position.tolist() == [1.0, 2.0]
    assert np.isnan(message.effort[0]) and message.effort[1] == 5.0
    assert len(message.velocity) == 0
    assert message.header.frame_id == 'tool'


def test_a_joint_nobody_knows_is_left_out():
    message = sent(JOINT_STATE, {'position': {'a': np.nan, 'b': 2.0}})
    assert (message.name, message.position.tolist()) == (['b'], [2.0])


def test_an_orientation_nobody_knows_is_said_to_be_unknown():
    known = {f'angular_velocity.{axis}': 1.0 for axis in 'xyz'}
    message = sent('sensor_msgs/msg/Imu', {VALUE: known})
    assert message.orientation_covariance[0] == -1
    assert message.angular_velocity.x == 1.0


def test_elements_of_an_array_are_named_in_its_layout():
    message = sent('std_msgs/msg/Float64MultiArray', {VALUE: {'grip': 1.0, 'lift': 2.0}})
    assert message.layout.dim[0].label == 'grip, lift'


@pytest.mark.parametrize(
    ('names', 'msgtype'),
    [
        (['a', 'b'], JOINT_STATE),
        (['0', '1'], 'std_msgs/msg/Float64MultiArray'),
        (['range'], 'sensor_msgs/msg/Range'),
        (['axes.0', 'buttons.1'], 'sensor_msgs/msg/Joy'),
        (WRENCH, 'geometry_msgs/msg/WrenchStamped'),
    ],
)
def test_the_type_of_an_old_record_is_told_by_its_elements(names, msgtype):
    assert likely_type(names) == msgtype


@pytest.mark.parametrize('msgtype', ['sensor_msgs/msg/BatteryState', 'std_msgs/msg/Char'])
def test_a_blank_message_is_a_message(msgtype):
    message = blank(msgtype)
    set_header(message, AT, 'tool')
    data = serialized(message)
    assert serialized(decode(RawMessage('/t', msgtype, data, 0, 0))) == data
