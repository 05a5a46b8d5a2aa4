from __future__ import annotations

import os
import time

import numpy as np
import pytest

from lerobot_drivers.cameras import CAMERAS, make_camera
from lerobot_drivers.cameras.camera import Camera
from lerobot_drivers.cameras.opencv_camera import OpenCVCamera
from lerobot_drivers.cameras.sim_camera import SimCamera
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.robots.config import CameraConfig

WORLD = f'cameras{os.getpid()}'


def camera(device: str = 'front', **changes) -> Camera:
    values = {'index_or_path': f'sim://{WORLD}/{device}', 'width': 96, 'height': 64, 'fps': 30}
    return make_camera(device, CameraConfig(**values | changes), SystemClock())


def test_every_registered_camera_can_be_loaded():
    assert CAMERAS.names() == ['lekiwi', 'opencv', 'reachy2_camera', 'sim']
    for name in CAMERAS.names():
        assert issubclass(CAMERAS.load(name), Camera)


def test_the_address_chooses_the_kind():
    assert isinstance(camera(), SimCamera)
    assert isinstance(camera(index_or_path=0), OpenCVCamera)
    with pytest.raises(ConfigError, match='unknown camera type'):
        camera(index_or_path=0, type='telescope')
    with pytest.raises(ConfigError, match='sim://WORLD/DEVICE'):
        camera(index_or_path='sim://nowhere')


def test_pictures_and_stamps():
    with camera() as front:
        assert front.is_connected
        first, second = front.read(10.0), front.read(10.0)
    assert first.image.shape == (64, 96, 3)
    assert first.image.dtype == np.uint8
    assert first.image.flags['C_CONTIGUOUS']
    assert first.stamp_ns < second.stamp_ns < time.time_ns() - 25_000_000
    assert not front.is_connected
    front.disconnect()
    with pytest.raises(DeviceError, match='front is not connected'):
        front.read()


def test_rotation_keeps_the_configured_size():
    with camera(width=64, height=96, rotation=90) as turned, camera() as upright:
        one, other = turned.read(10.0).image, upright.read(10.0).image
    assert one.shape == (96, 64, 3)
    assert (np.rot90(other, -1) == one).all()


def test_bgr_on_request():
    with camera() as rgb, camera(color_mode='bgr') as bgr:
        assert (rgb.read(10.0).image[..., ::-1] == bgr.read(10.0).image).all()


def test_impossible_sizes_are_refused():
    with pytest.raises(ConfigError, match='cannot do 5000x64'):
        camera(width=5000).connect()
