"""The walk through a JointState's bytes against the full decoder."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_recorder.joint_states import JOINT_STATE, JointStateReader
from lerobot_recorder.messages import standard_types

text = st.text(st.characters(exclude_characters='\0', codec='utf-8'), max_size=9)
floats = st.lists(st.floats(width=64), max_size=5)
NUMBERS = ('position', 'velocity', 'effort')


@st.composite
def joint_states(draw: st.DrawFn):
    types = standard_types().types
    stamp = types['builtin_interfaces/msg/Time'](draw(st.integers(-(2**31), 2**31 - 1)), 7)
    return types[JOINT_STATE](
        header=types['std_msgs/msg/Header'](stamp, draw(text)),
        name=draw(st.lists(text, max_size=4)),
        **{name: np.array(draw(floats), np.float64) for name in NUMBERS},
    )


def serialized(message, *, little: bool = True) -> bytes:
    return bytes(standard_types().serialize_cdr(message, JOINT_STATE, little_endian=little))


def facts(message) -> dict:
    return {
        'stamp': (message.header.stamp.sec, message.header.stamp.nanosec),
        'frame_id': message.header.frame_id,
        'name': list(message.name),
        **{name: np.asarray(getattr(message, name)).tobytes() for name in NUMBERS},
    }


def decoded(data: bytes) -> dict:
    return facts(standard_types().deserialize_cdr(data, JOINT_STATE))


@given(st.lists(joint_states(), min_size=1, max_size=4), st.integers(0, 3))
def test_the_walk_finds_what_the_decoder_finds(messages, padding):
    reader = JointStateReader()
    for message in [*messages, *messages]:  # what was known from the one before must not show
        data = serialized(message)
        walked = reader.read(data + b'\0' * padding)
        assert walked is not None
        assert facts(walked) == decoded(data)


@given(joint_states(), joint_states(), st.data())
def test_damaged_bytes_are_left_to_the_decoder_or_read_as_it_does(known, message, draw):
    reader = JointStateReader()
    reader.read(serialized(known))
    data = bytearray(serialized(message))
    for _ in range(draw.draw(st.integers(1, 3))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.integers(0, len(data)))])
    walked = reader.read(cut)
    if walked is not None:
        assert facts(walked) == decoded(cut)


@given(joint_states())
def test_other_encapsulations_are_left_to_the_decoder(message):
    assert JointStateReader().read(serialized(message, little=False)) is None


@pytest.mark.parametrize('more', [4, 8, 64])
def test_bytes_left_over_are_left_to_the_decoder(more):
    types = standard_types().types
    stamp = types['builtin_interfaces/msg/Time'](1, 2)
    header = types['std_msgs/msg/Header'](stamp, 'base')
    message = types[JOINT_STATE](header, ['a'], *(np.ones(1) for _ in NUMBERS))
    assert JointStateReader().read(serialized(message) + b'\0' * more) is None


def test_names_that_stay_the_same_are_the_same_object():
    types = standard_types().types
    header = types['std_msgs/msg/Header'](types['builtin_interfaces/msg/Time'](1, 2), '')
    message = types[JOINT_STATE](header, ['a', 'b'], *(np.ones(2) for _ in NUMBERS))
    reader = JointStateReader()
    first, second = (reader.read(serialized(message)) for _ in range(2))
    assert first is not None and second is not None
    assert first.name is second.name
