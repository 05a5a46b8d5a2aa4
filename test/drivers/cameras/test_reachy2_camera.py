"""A Reachy 2's cameras without an SDK: settings, stamps, what is wrong with a picture."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from lerobot_drivers.cameras import make_camera
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.robots.config import CameraConfig

EYE = {'type': 'reachy2_camera', 'name': 'teleop', 'image_type': 'left'}
SIZE = {'width': 32, 'height': 24, 'fps': 30}
SECOND = 1_000_000_000


class FakeLink:
    """A worker that has one picture."""

    is_open = True

    def __init__(self, data, taken_ns, came_ns):
        jpeg = base64.b64encode(data).decode()
        self.reply = {'jpeg': jpeg, 'taken_ns': taken_ns, 'came_ns': came_ns}

    def ask(self, operation, *_timeout, **_arguments):
        assert operation == 'frame'
        return self.reply


def blue():
    image = np.zeros((48, 64, 3), np.uint8)
    image[..., 0] = 200  # BGR
    return cv2.imencode('.png', image)[1].tobytes()


def camera(data=b'', taken_ns=0, came_ns=0, **settings):
    config = build(CameraConfig, {**EYE, **SIZE, **settings}, 'camera')
    made = make_camera('eye', config, SystemClock())
    made._link = FakeLink(data, taken_ns, came_ns)
    return made


@pytest.mark.parametrize(
    ('values', 'told'),
    [
        ({**EYE, 'image_type': 'rgb'}, 'camera: .*left or right.*found teleop with rgb'),
        ({'type': 'reachy2_camera'}, 'found None with None'),
        ({'index_or_path': 0, 'name': 'teleop'}, 'name: only a reachy2_camera has that'),
        ({'type': 'opencv'}, 'index_or_path is missing'),
    ],
)
def test_settings_that_no_camera_can_obey(values, told):
    with pytest.raises(ConfigError, match=told):
        build(CameraConfig, {**SIZE, **values}, 'camera')


@pytest.mark.parametrize(('mode', 'pixel'), [('rgb', [0, 0, 200]), ('bgr', [200, 0, 0])])
def test_a_picture_comes_in_the_size_and_order_asked_for(mode, pixel):
    image = camera(blue(), color_mode=mode).read().image
    assert image.shape == (24, 32, 3)
    assert image[3, 5].tolist() == pixel


@pytest.mark.parametrize(
    ('taken', 'came', 'stamp'),
    [
        (100 * SECOND, 100 * SECOND + 20_000_000, 100 * SECOND),
        (100 * SECOND, 107 * SECOND, 107 * SECOND - 15_000_000),
        (100 * SECOND, 99 * SECOND, 99 * SECOND - 15_000_000),
    ],
)
def test_the_robots_time_is_believed_while_its_clock_is_in_step(taken, came, stamp):
    assert camera(blue(), taken, came, latency_ms=15.0).read().stamp_ns == stamp


def test_what_is_no_picture_is_an_error():
    with pytest.raises(DeviceError, match='camera eye: what came is no JPEG'):
        camera(b'nonsense').read()


def test_it_is_named_by_what_it_is():
    config = build(CameraConfig, {**EYE, **SIZE, 'ip_address': '192.0.2.9'}, 'camera')
    assert config.place == 'teleop left of 192.0.2.9'
