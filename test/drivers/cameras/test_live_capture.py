from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from lerobot_drivers.cameras.live_capture import LiveCapture
from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import DeviceError

NOW_NS = 5_000_000_000_000
PATIENCE_S = 10.0


class Device:
    """A capture device that gives a picture for each permit."""

    def __init__(self, buffer_ms: float = 0.0) -> None:
        self.permits = threading.Semaphore(0)
        self.buffer_ms = buffer_ms
        self.good = True
        self.count = 0
        self.released = False

    def read(self):
        self.permits.acquire()
        self.count += 1
        return self.good, np.full((4, 6, 3), self.count, np.uint8)

    def get(self, prop: int, /) -> float:
        return self.buffer_ms if prop == cv2.CAP_PROP_POS_MSEC else 0.0

    def release(self) -> None:
        self.released = True


@pytest.fixture
def make():
    made = []

    def start(device: Device, clock=None, latency_ns: int = 0) -> LiveCapture:
        capture = LiveCapture(device, 'camera x', clock or ManualClock(NOW_NS), latency_ns)
        made.append((device, capture))
        return capture

    yield start
    for device, capture in made:
        device.permits.release(1000)
        capture.close()
        assert device.released


def test_each_picture_once_and_in_order(make):
    device = Device()
    capture = make(device)
    for number in (1, 2, 3):
        device.permits.release()
        assert capture.read(PATIENCE_S)[0][0, 0, 0] == number


def test_a_device_that_hangs_has_a_time_limit(make):
    with pytest.raises(DeviceError, match=r'camera x gave no picture within 0\.05 s'):
        make(Device()).read(0.05)


def test_the_stamp_is_the_return_minus_the_latency(make):
    device = Device()
    device.permits.release()
    assert make(device, latency_ns=7_000_000).read(PATIENCE_S)[1] == NOW_NS - 7_000_000


def test_the_drivers_buffer_time_counts_where_there_is_one(make):
    device = Device(buffer_ms=NOW_NS / 1e6 - 12.5)
    device.permits.release()
    assert make(device, latency_ns=7_000_000).read(PATIENCE_S)[1] == NOW_NS - 12_500_000


@pytest.mark.parametrize('position_ms', [0.0, 40.0, NOW_NS / 1e6 + 500])
def test_a_position_that_is_no_time_is_ignored(make, position_ms):
    device = Device(buffer_ms=position_ms)
    device.permits.release()
    assert make(device, latency_ns=1).read(PATIENCE_S)[1] == NOW_NS - 1


def test_an_unplugged_device_is_told(make):
    device = Device()
    device.good = False
    capture = make(device)
    device.permits.release(20)
    with pytest.raises(DeviceError, match='still plugged in'):
        capture.read(PATIENCE_S)


def test_old_pictures_make_room(make):
    device = Device()
    capture = make(device)
    device.permits.release(10)
    numbers = []
    while not numbers or numbers[-1] < 10:
        numbers.append(int(capture.read(PATIENCE_S)[0][0, 0, 0]))
    assert numbers == sorted(set(numbers))
