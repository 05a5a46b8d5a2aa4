from __future__ import annotations

import pytest
from synthetic_messages import MS, T0, TYPES, S, joint_state, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.messages import ABSURD_NS, RawMessage, StampChooser, StampClock, decode

STATE = 'sensor_msgs/msg/JointState'
HEADERLESS = make('std_msgs/msg/Float64', 1.0)


def choose(message, source_ns, received_ns, clock=StampClock.AUTO):
    chooser = StampChooser(clock)
    entry = raw('/x', message, received_ns, source_ns)
    return chooser.choose(decode(entry), entry), chooser


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


def test_the_header_is_believed_first():
    stamp, chooser = choose(joint_state(T0, 'a', [1]), T0 + MS, T0 + 2 * MS)
    assert stamp == T0 and chooser.used == {'header': 1}
    assert (chooser.missing, chooser.absurd) == (0, 0)


@pytest.mark.parametrize('message', [joint_state(0, 'a', [1]), HEADERLESS])
def test_without_a_header_stamp_the_source_is_believed_then_the_receive_time(message):
    stamp, chooser = choose(message, T0 + MS, T0 + 2 * MS)
    assert (stamp, chooser.used, chooser.missing) == (T0 + MS, {'source': 1}, 1)
    stamp, chooser = choose(message, 0, T0 + 2 * MS)
    assert (stamp, chooser.used, chooser.missing) == (T0 + 2 * MS, {'receive': 1}, 1)


@pytest.mark.parametrize('sign', [-1, 1])
def test_an_absurd_header_stamp_is_noticed(sign):
    far = joint_state(T0 + sign * (ABSURD_NS + 1), 'a', [1])
    stamp, chooser = choose(far, T0, T0 + MS)
    assert (stamp, chooser.absurd, chooser.used) == (T0, 1, {'source': 1})
    near = joint_state(T0 + sign * ABSURD_NS, 'a', [1])
    stamp, chooser = choose(near, T0, T0 + MS)
    assert (stamp, chooser.absurd, chooser.used) == (T0 + sign * ABSURD_NS, 0, {'header': 1})


def test_the_clock_that_was_declared_is_obeyed():
    message = joint_state(T0 - 3600 * S, 'a', [1])
    for clock, expected in (
        (StampClock.HEADER, T0 - 3600 * S),
        (StampClock.SOURCE, T0 + MS),
        (StampClock.RECEIVE, T0 + 2 * MS),
        (StampClock.AUTO, T0 + MS),
    ):
        assert choose(message, T0 + MS, T0 + 2 * MS, clock)[0] == expected
