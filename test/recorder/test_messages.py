from __future__ import annotations

import pytest
from rosbags.typesys import Stores, get_typestore
from synthetic_messages import T0, TYPES, S, joint_state, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.messages import (
    CLOCK_TYPE,
    RawMessage,
    clock_ns,
    decode,
    has_header,
    knows,
    peek_header_ns,
    standard_types,
)

STATE = 'sensor_msgs/msg/JointState'


def test_what_was_serialised_is_decoded():
    message = joint_state(T0 + 7, ['a', 'b'], [1.5, -0.0], [3.0, 4.0])
    back = decode(raw('/x', message, T0))
    assert (back.header.stamp.sec, back.header.stamp.nanosec) == (T0 // S, 7)
    assert back.name == ['a', 'b'] and list(back.velocity) == [3.0, 4.0]
    assert back.position.tobytes() == message.position.tobytes()


@pytest.mark.parametrize('cut', [0, 1, 4, 20, -1])
def test_bytes_that_are_no_message_give_one_error(cut):
    data = bytes(TYPES.serialize_cdr(joint_state(T0, ['a'], [1.0]), STATE))[:cut]
    with pytest.raises(StreamError, match=r'^/x: not a valid sensor_msgs/msg/JointState'):
        decode(RawMessage('/x', STATE, data, 0, T0))


def test_an_unknown_type_is_named():
    with pytest.raises(StreamError, match='/x: message type my_msgs/msg/Thing is not known'):
        decode(RawMessage('/x', 'my_msgs/msg/Thing', b'', 0, T0))


@pytest.mark.parametrize('order', ['little', 'big'])
def test_a_header_stamp_is_seen_without_decoding(order):
    message = joint_state(T0 + 7, ['a'], [1.0])
    data = bytes(TYPES.serialize_cdr(message, STATE, little_endian=order == 'little'))
    assert peek_header_ns(RawMessage('/x', STATE, data, 0, T0)) == T0 + 7
    assert peek_header_ns(RawMessage('/x', STATE, data[:9], 0, T0)) is None


@pytest.mark.parametrize('msgtype', ['std_msgs/msg/Float64', 'my_msgs/msg/Thing'])
def test_a_message_without_a_header_shows_none(msgtype):
    assert peek_header_ns(RawMessage('/x', msgtype, bytes(40), 0, T0)) is None


def test_the_simulated_clock_is_read():
    message = make(CLOCK_TYPE, make('builtin_interfaces/msg/Time', 12, 34))
    assert clock_ns(raw('/clock', message, T0)) == 12 * S + 34
    with pytest.raises(StreamError, match=r'^/clock: not a valid rosgraph_msgs/msg/Clock$'):
        clock_ns(RawMessage('/clock', CLOCK_TYPE, b'short', 0, T0))


def test_a_type_that_is_installed_is_learnt_when_it_is_needed(tmp_path, monkeypatch):
    for name, text in {
        'Glove': 'std_msgs/Header header\nglove_msgs/Finger[] fingers\n',
        'Finger': 'float64 bend\n',
        'Torn': 'glove_msgs/Gone gone\n',
    }.items():
        path = tmp_path / f'share/glove_msgs/msg/{name}.msg'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert not knows('glove_msgs/msg/Glove')
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    assert not knows('glove_msgs/msg/Torn')
    assert knows('glove_msgs/msg/Glove') and has_header('glove_msgs/msg/Glove')
    types = standard_types()
    head = types.types['std_msgs/msg/Header'](types.types['builtin_interfaces/msg/Time'](3, 4), '')
    message = types.types['glove_msgs/msg/Glove'](
        head, [types.types['glove_msgs/msg/Finger'](0.5)]
    )
    data = bytes(types.serialize_cdr(message, 'glove_msgs/msg/Glove'))
    raw = RawMessage('/glove', 'glove_msgs/msg/Glove', data, 0, 0)
    assert decode(raw).fingers[0].bend == 0.5
    assert peek_header_ns(raw) == 3_000_000_004
    assert not knows('glove_msgs/msg/Glove', get_typestore(Stores.LATEST))
