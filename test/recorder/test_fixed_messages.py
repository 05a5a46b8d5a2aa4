from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.interfaces import Nodetype
from synthetic_messages import T0, TYPES, S, header, make, raw

from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.fixed_messages import (
    LAYOUTS,
    QuickMessage,
    header_ns,
    read_fixed,
    read_many,
    read_quickly,
)
from lerobot_recorder.messages import decode, header_stamp_ns, is_standard

floats = st.floats(width=64, allow_nan=False)


def filled(msgtype: str, numbers, frame: str, child: str, stamp_ns: int = T0):
    """A message whose floats are the next numbers, in the order of its fields."""
    fields = []
    for _, (kind, described) in TYPES.fielddefs[msgtype][1]:
        if kind is Nodetype.ARRAY:
            fields.append(np.array([next(numbers) for _ in range(described[1])]))
        elif kind is Nodetype.NAME and described == 'std_msgs/msg/Header':
            fields.append(header(stamp_ns))
            fields[-1].frame_id = frame
        elif kind is Nodetype.NAME:
            fields.append(filled(described, numbers, frame, child))
        else:
            fields.append(child if described[0] == 'string' else next(numbers))
    return make(msgtype, *fields)


@pytest.mark.parametrize('msgtype', LAYOUTS)
@settings(max_examples=20, deadline=None)
@given(data=st.data(), frame=st.text(max_size=9), child=st.text(max_size=9))
def test_the_quick_way_gives_what_decoding_gives(msgtype, data, frame, child):
    count = LAYOUTS[msgtype].doubles
    drawn = data.draw(st.lists(floats, min_size=1, max_size=6))
    numbers = list(itertools.islice(itertools.cycle([*drawn, 0.25, -1.0]), count))
    entry = raw('/x', filled(msgtype, iter(numbers), frame, child), T0)
    decoded, quick = decode(entry), read_quickly(msgtype, entry.data)
    assert quick is not None
    assert header_stamp_ns(quick) == header_stamp_ns(decoded)
    if LAYOUTS[msgtype].stamped:
        assert header_ns(entry.data) == header_stamp_ns(decoded)
    names, values = read_fixed(decoded, msgtype)
    quick_names, quick_values = read_fixed(quick, msgtype)
    assert list(quick_names) == list(names)
    assert quick_values.tobytes() == values.tobytes()
    assert quick.floats.tobytes() == np.array(numbers).tobytes()
    (row,), texts = read_many(msgtype, [entry.data])
    assert row.tobytes() == np.array(numbers).tobytes()
    assert texts == [frame, child][: LAYOUTS[msgtype].stamped + LAYOUTS[msgtype].child]


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=120), cut=st.integers(0, 90))
def test_bytes_of_something_else_are_left_to_the_decoder(data, cut):
    entry = raw('/x', filled('geometry_msgs/msg/WrenchStamped', iter(range(6)), 'f', ''), T0)
    short = entry.data[:cut]
    if cut < len(entry.data):
        assert read_quickly(entry.msgtype, short) is None
    assert read_quickly('geometry_msgs/msg/PoseStamped', entry.data[:-8] + b'') is None
    assert read_quickly(entry.msgtype, b'\x00\x07' + entry.data[2:]) is None
    found = read_quickly(entry.msgtype, data)
    assert found is None or isinstance(found, QuickMessage)
    header_ns(data)


def test_messages_that_differ_in_their_frame_are_not_read_at_once():
    msgtype = 'geometry_msgs/msg/WrenchStamped'

    def made(frame):
        return raw('/x', filled(msgtype, iter(range(6)), frame, ''), T0).data

    one, other, longer = made('a'), made('b'), made('longer than that')
    assert read_many(msgtype, [one, one])[0].tolist() == [list(range(6))] * 2
    assert read_many(msgtype, [one, other]) is None
    assert read_many(msgtype, [one, longer]) is None


def test_an_imu_without_orientation_has_none():
    numbers = [0, 0, 0, 1, -1, *[0] * 8, 1, 2, 3, *[0] * 9, 4, 5, 6, *[0] * 9]
    entry = raw('/imu', filled('sensor_msgs/msg/Imu', iter(map(float, numbers)), '', ''), T0)
    for message in (decode(entry), read_quickly(entry.msgtype, entry.data)):
        names, values = read_fixed(message, entry.msgtype)
        assert names[0] == 'angular_velocity.x' and list(values) == [1, 2, 3, 4, 5, 6]


def test_recordings_of_others_read_quickly_are_what_decoding_gives(shared_data):
    seen = set()
    bags = shared_data / 'bags'
    names = ('geocamxyz__all_types_mcap', 'plotjuggler__rosbag2_test')
    for path in (bags / name for name in names):
        with BagReader(path) as bag:
            topics = [t for t, kind in bag.topics.items() if kind in LAYOUTS]
            for number, entry in enumerate(bag.messages(topics)):
                if number > 400 or not is_standard(entry.msgtype, bag.types):
                    continue
                quick = read_quickly(entry.msgtype, entry.data)
                assert quick is not None, entry
                names, values = read_fixed(decode(entry, bag.types), entry.msgtype)
                found = read_fixed(quick, entry.msgtype)
                assert list(found[0]) == list(names)
                assert found[1].tobytes() == values.tobytes()
                assert quick.sec < 3e9
                seen.add(entry.msgtype)
    assert len(seen) > 8, seen


def test_stamps_are_those_of_the_header():
    entry = raw(
        '/x', filled('nav_msgs/msg/Odometry', iter(range(200)), 'odom', 'base', T0 + S), T0
    )
    assert header_ns(entry.data) == T0 + S
