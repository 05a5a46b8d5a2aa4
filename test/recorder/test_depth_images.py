from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from synthetic_messages import COMPRESSED_IMAGE, T0, header, image, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.depth_images import unpack_rvl
from lerobot_recorder.images import to_picture
from lerobot_recorder.messages import decode

MM = np.array([[0, 1, 500, 65535], [1000, 1001, 999, 0], [0, 0, 7, 7]], np.uint16)
M = np.array([[np.nan, 0.5, 1.25], [np.inf, -np.inf, 3.0]], np.float32)


def through_the_wire(message):
    entry = raw('/depth', message, T0)
    return to_picture(decode(entry), entry.msgtype, '/depth')


def depth_message(depth, encoding, pad=0):
    message = image(T0, depth.view(np.uint8), encoding, pad)
    message.width = depth.shape[1]
    return message


@pytest.mark.parametrize('pad', [0, 4, 5])
@pytest.mark.parametrize(
    ('encoding', 'depth', 'unit'), [('16UC1', MM, 'mm'), ('mono16', MM, 'mm'), ('32FC1', M, 'm')]
)
def test_plain_depth(encoding, depth, unit, pad):
    picture = through_the_wire(depth_message(depth, encoding, pad))
    assert (picture.height, picture.width, picture.unit) == (*depth.shape, unit)
    np.testing.assert_array_equal(picture.depth(), depth, strict=True)


@pytest.mark.parametrize(('encoding', 'depth'), [('16UC1', MM), ('32FC1', M)])
def test_depth_of_the_other_byte_order(encoding, depth):
    swapped = depth.astype(depth.dtype.newbyteorder('>'))
    message = depth_message(swapped, encoding)
    message.is_bigendian = 1
    found = through_the_wire(message).depth()
    np.testing.assert_array_equal(found, depth, strict=True)


def pack_rvl(values):
    """RVL as its authors describe it (A. Wilson, 2017): nibbles into words, high ones first."""
    nibbles = []

    def put(number):
        while True:
            low, number = number & 7, number >> 3
            nibbles.append(low | (8 if number else 0))
            if not number:
                return

    flat, at, previous = values.ravel().tolist(), 0, 0
    while at < len(flat):
        start = at
        while at < len(flat) and flat[at] == 0:
            at += 1
        put(at - start)
        start = at
        while at < len(flat) and flat[at] != 0:
            at += 1
        put(at - start)
        for value in flat[start:at]:
            delta, previous = value - previous, value
            put((delta << 1) ^ (delta >> 31))
    nibbles += [0] * (-len(nibbles) % 8)
    words = [
        sum(nibble << (28 - 4 * place) for place, nibble in enumerate(nibbles[k : k + 8]))
        for k in range(0, len(nibbles), 8)
    ]
    return struct.pack(f'<{len(words)}I', *words)


@settings(deadline=None, max_examples=60)
@given(arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)),
              elements=st.sampled_from([0, 0, 1, 9, 500, 501, 40000, 65535])))  # fmt: skip
def test_rvl_comes_back(values):
    found = unpack_rvl(pack_rvl(values), values.size)
    np.testing.assert_array_equal(found.reshape(values.shape), values, strict=True)


@pytest.mark.parametrize('share', [0.0, 0.3, 0.9])
def test_rvl_cut_short_is_noticed(share):
    values = np.random.default_rng(0).integers(0, 4000, (20, 20)).astype(np.uint16)
    packed = pack_rvl(values)
    assert unpack_rvl(packed[: int(len(packed) * share) // 4 * 4], values.size) is None


def compressed_message(codes, text, a=0.0, b=0.0):
    head = struct.pack('<iff', 1 if a else 0, a, b)
    if text.endswith('rvl'):
        body = struct.pack('<ii', codes.shape[1], codes.shape[0]) + pack_rvl(codes)
    else:
        body = cv2.imencode('.png', codes)[1].tobytes()
    data = np.frombuffer(head + body, np.uint8)
    return make(COMPRESSED_IMAGE, header(T0), text, data)


@pytest.mark.parametrize(
    'codec', ['compressedDepth png', 'compressedDepth rvl', 'compressedDepth']
)
def test_compressed_millimetres(codec):
    picture = through_the_wire(compressed_message(MM, f'16UC1; {codec}'))
    assert (picture.height, picture.width, picture.unit) == (3, 4, 'mm')
    np.testing.assert_array_equal(picture.depth(), MM, strict=True)


@pytest.mark.parametrize('codec', ['png', 'rvl'])
def test_compressed_metres_are_turned_back_from_their_inverse(codec):
    largest, quantisation = 10.0, 100.0
    a = quantisation * (quantisation + 1)
    b = 1.0 - a / largest
    metres = np.array([[0.3, 1.0, np.nan], [2.5, 9.0, 0.7]], np.float32)
    codes = np.nan_to_num(a / metres + b, nan=0.0).astype(np.uint16)
    picture = through_the_wire(compressed_message(codes, f'32FC1; compressedDepth {codec}', a, b))
    assert picture.unit == 'm'
    found = picture.depth()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, metres, atol=0.01)


@pytest.mark.parametrize(
    ('text', 'data', 'told'),
    [
        ('rgb8; compressedDepth png', bytes(40), "compressedDepth of 'rgb8' is not one of 16UC1"),
        ('16UC1; compressedDepth png', bytes(15), 'holds no whole PNG or RVL'),
        ('16UC1; compressedDepth rvl', bytes(12) + struct.pack('<ii', -3, 4), 'no whole PNG or'),
        (
            '16UC1; compressedDepth rvl',
            bytes(12) + struct.pack('<ii', 1 << 20, 1 << 20),
            'no whole',
        ),
    ],
)
def test_what_is_no_depth_gives_one_line(text, data, told):
    message = make(COMPRESSED_IMAGE, header(T0), text, np.frombuffer(data, np.uint8))
    with pytest.raises(StreamError, match=f'^/depth: .*{told}'):
        through_the_wire(message)


def test_a_damaged_stream_is_told_when_it_is_decoded():
    message = compressed_message(MM, '16UC1; compressedDepth rvl')
    message.data = message.data[:24]
    with pytest.raises(StreamError, match='/depth: a compressed depth image cannot be decoded'):
        through_the_wire(message).depth()
