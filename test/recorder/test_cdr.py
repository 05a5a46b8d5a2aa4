"""The walk through an Image's bytes against the full decoder."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_recorder.cdr import read_image
from lerobot_recorder.messages import RawMessage, decode, standard_types

IMAGE = 'sensor_msgs/msg/Image'
PLAIN = ('height', 'width', 'encoding', 'is_bigendian', 'step')
uint32 = st.integers(0, 2**32 - 1)
text = st.text(st.characters(exclude_characters='\0', codec='utf-8'), max_size=9)


@st.composite
def images(draw: st.DrawFn):
    types = standard_types().types
    stamp = types['builtin_interfaces/msg/Time'](draw(st.integers(-(2**31), 2**31 - 1)), 7)
    return types[IMAGE](
        header=types['std_msgs/msg/Header'](stamp, draw(text)),
        height=draw(uint32),
        width=draw(uint32),
        encoding=draw(text),
        is_bigendian=draw(st.integers(0, 255)),
        step=draw(uint32),
        data=np.frombuffer(draw(st.binary(max_size=40)), np.uint8),
    )


def serialized(image, *, little: bool = True) -> bytes:
    return bytes(standard_types().serialize_cdr(image, IMAGE, little_endian=little))


def facts(message) -> dict:
    return {
        'stamp': (message.header.stamp.sec, message.header.stamp.nanosec),
        'frame_id': message.header.frame_id,
        'data': message.data.tobytes(),
        **{
            n: getattr(message, n) for n in ('height', 'width', 'encoding', 'is_bigendian', 'step')
        },
    }


@given(images(), st.integers(0, 3))
def test_the_walk_finds_what_the_decoder_finds(image, padding):
    data = serialized(image)
    walked = read_image(data + b'\0' * padding)
    assert walked is not None
    assert facts(walked) == facts(standard_types().deserialize_cdr(data, IMAGE))
    assert asdict(walked)['header']['stamp']['nanosec'] == 7


@given(images())
def test_a_big_endian_message_is_left_to_the_decoder(image):
    data = serialized(image, little=False)
    assert read_image(data) is None
    decoded = decode(RawMessage('/camera', IMAGE, data, 0, 0))
    assert facts(decoded) == facts(image)


@given(images(), st.data())
def test_what_ends_early_or_late_is_no_image(image, data):
    whole = serialized(image)
    short = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert read_image(short) is None
    assert read_image(whole + b'\0' * 4) is None


@given(st.binary(max_size=80))
def test_no_bytes_upset_it(data):
    for head in (b'', b'\x00\x01\x00\x00'):
        read_image(head + data)


def test_the_pixels_are_not_copied():
    types = standard_types().types
    stamp = types['builtin_interfaces/msg/Time'](1, 2)
    header = types['std_msgs/msg/Header'](stamp, 'camera')
    pixels = np.arange(12, dtype=np.uint8)
    data = serialized(types[IMAGE](header, 2, 2, 'rgb8', 0, 6, pixels))
    message = decode(RawMessage('/camera', IMAGE, data, 0, 0))
    assert message.data.base is not None
    assert not message.data.flags.owndata
    with pytest.raises(ValueError, match='read-only'):
        message.data[0] = 1
