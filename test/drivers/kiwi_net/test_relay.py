"""Pictures handed on from a client's process to a camera's, within this machine."""

from __future__ import annotations

import contextlib
import threading

import numpy as np
import pytest

from lerobot_drivers.cameras import make_camera
from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.kiwi_net.messages import jpeg_of
from lerobot_drivers.robots.config import CameraConfig, RobotConfig

pytest.importorskip('zmq', reason="needs the extra 'lekiwi' (pyzmq)")

from lerobot_drivers.kiwi_net.relay import PictureLine, PictureRelay

RED = np.full((48, 64, 3), (250, 20, 30), np.uint8)
HOST = '192.0.2.7:5556'
LEROBOTS = {'index_or_path': '/dev/video0', 'width': 64, 'height': 48, 'fps': 30, 'rotation': 180}


@pytest.fixture
def relay():
    made = PictureRelay(HOST)
    yield made
    made.close()


def camera(**more):
    config = CameraConfig(type='lekiwi', **{**LEROBOTS, 'index_or_path': HOST, **more})
    return make_camera('front', config, ManualClock())


def publish_until(relay, found, **pictures):
    for stamp in range(1_000_000, 1_000_200):
        relay.publish(pictures, stamp)
        if (answer := found()) is not None:
            return answer
    raise AssertionError('nothing came')


def test_a_camera_gets_its_own_pictures_as_they_were_and_when_they_came(relay):
    line = PictureLine(HOST, 'front')
    jpeg, stamp_ns = publish_until(
        relay, lambda: line.next(0.05), front=jpeg_of(RED), front_left=b'another', dark=b''
    )
    line.close()
    assert jpeg == jpeg_of(RED) and 1_000_000 <= stamp_ns < 1_000_200


@contextlib.contextmanager
def talking(relay, **pictures):
    """Publish all the while, as a client does."""
    over = threading.Event()

    def talk():
        while not over.wait(0.01):
            relay.publish(pictures, 5_000_000)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_the_camera_of_a_node_reads_it(relay):
    made = camera(latency_ms=2.0)
    with talking(relay, front=jpeg_of(RED)):
        made.connect()
        frame = made.read()
    assert np.abs(frame.image.astype(int) - RED).max() < 12
    assert frame.stamp_ns == 3_000_000
    with pytest.raises(DeviceError, match=r'no picture of the LeKiwi host 192\.0\.2\.7:5556'):
        while True:
            made.read(0.05)
    made.disconnect()
    with pytest.raises(DeviceError, match='not connected'):
        made.read()


def test_another_size_than_configured_is_told(relay):
    made = camera(width=640, height=480)
    sizes = pytest.raises(DeviceError, match='sends 64x48, configured is 640x480')
    with talking(relay, front=jpeg_of(RED)), sizes:
        made.connect()
    assert not made.is_connected


def test_cameras_that_lerobots_flags_name_are_the_hosts():
    told = {'front': CameraConfig(**LEROBOTS)}
    config = RobotConfig(type='lekiwi_client', remote_ip='192.0.2.7', cameras=told)
    front = config.cameras['front']
    assert (front.type, front.index_or_path, front.rotation) == ('lekiwi', HOST, 0)
    assert (front.width, front.height, front.fps) == (64, 48, 30)
