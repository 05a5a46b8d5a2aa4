"""What a LeKiwi and its client tell each other, there and back, and what is none of it."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.kiwi_net.messages import (
    Dialect,
    Observation,
    command_bytes,
    image_of,
    jpeg_of,
    observation_frames,
    read_command,
    read_observation,
)

STATE = {'arm_gripper.pos': 12.5, 'x.vel': -0.1}
RED = np.full((16, 24, 3), (250, 20, 30), np.uint8)


@pytest.mark.parametrize('dialect', Dialect)
@pytest.mark.parametrize('names', [[], ['front'], ['front', 'wrist']])
def test_an_observation_comes_as_it_was_sent(dialect, names):
    sent = Observation(STATE, {name: jpeg_of(RED) for name in names})
    frames = observation_frames(sent, dialect)
    assert read_observation(frames) == sent
    assert len(frames) == (1 if dialect is Dialect.JSON else 1 + len(names))
    for name in names:
        assert np.abs(image_of(sent.pictures[name]).astype(int) - RED).max() < 12


def test_the_words_are_lerobots():
    assert json.loads(command_bytes({'x.vel': np.float32(0.5)})) == {'x.vel': 0.5}
    assert read_command(b'{"x.vel": 1}') == {'x.vel': 1.0}
    header, jpeg = observation_frames(Observation(STATE, {'front': b'j'}), Dialect.MULTIPART)
    assert json.loads(header) == {'_cams': ['front'], **STATE} and jpeg == b'j'
    (one,) = observation_frames(Observation(STATE, {'front': b'j'}), Dialect.JSON)
    assert json.loads(one) == {**STATE, 'front': base64.b64encode(b'j').decode()}
    # LeRobot hands its rgb picture to OpenCV as if it were bgr.
    assert cv2.imdecode(np.frombuffer(jpeg_of(RED), np.uint8), 1)[0, 0, 0] > 200


def test_a_camera_without_a_picture_is_told_as_lerobot_tells_it():
    for dialect in Dialect:
        frames = observation_frames(Observation(STATE, {'front': b''}), dialect)
        assert read_observation(frames).pictures == {'front': b''}
    with pytest.raises(DeviceError, match='no JPEG'):
        image_of(b'')


@pytest.mark.parametrize(
    ('data', 'told'),
    [
        (b'{', 'no JSON'),
        (b'[1]', 'no mapping'),
        (b'{"x.vel": NaN}', r'no finite number for x\.vel'),
        (b'{"x.vel": "fast"}', r'no finite number for x\.vel'),
        (b'{"x.vel": true}', r'no finite number for x\.vel'),
        (b'{"x.vel": 1' + b'0' * 400 + b'}', r'no finite number for x\.vel'),
        (b'[' * 100_000, 'no JSON'),
        (json.dumps(dict.fromkeys(map(str, range(65)), 1)).encode(), 'up to 64 keys'),
    ],
)
def test_what_is_no_command_is_an_error_in_one_line(data, told):
    with pytest.raises(DeviceError, match=told) as error:
        read_command(data)
    assert '\n' not in str(error.value)


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=3))
def test_bytes_of_strangers_do_no_harm(frames):
    for read in (lambda: read_observation(frames), lambda: read_command(frames[0])):
        try:
            read()
        except DeviceError:
            continue


def test_pictures_and_their_names_must_be_as_many():
    with pytest.raises(DeviceError, match='but holds 2 pictures'):
        read_observation([b'{"_cams": ["front"]}', b'', b''])
    with pytest.raises(DeviceError, match='no base64'):
        read_observation([b'{"front": "%%%"}'])
