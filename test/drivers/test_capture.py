"""The capture thread, against a tiny fake; against the simulated camera in test/nodes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from lerobot_drivers import capture as module
from lerobot_drivers.cameras.camera import Camera, CameraFrame
from lerobot_drivers.capture import Capture
from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.common.health import Level
from lerobot_drivers.robots.config import CameraConfig

PERIOD = 100_000_000


class FakeCamera(Camera):
    """Delivers the stamps, and raises the faults, that the test puts in."""

    def __init__(self) -> None:
        super().__init__('front', CameraConfig(index_or_path=0, width=4, height=2, fps=10))
        self.script: queue.Queue[int | DeviceError] = queue.Queue()
        self.closing = threading.Event()
        self.connected = True
        self.refuses = 0
        self.connects = 0

    @property
    def is_connected(self) -> bool:
        return self.connected

    def connect(self) -> None:
        self.connects += 1
        if self.connects <= self.refuses:
            raise DeviceError('camera front is not there')
        self.connected = True

    def read(self, timeout_s: float = 1.0) -> CameraFrame:
        while not self.closing.is_set():
            try:
                item = self.script.get(timeout=0.01)
            except queue.Empty:
                continue
            if isinstance(item, DeviceError):
                raise item
            return CameraFrame(np.zeros((2, 4, 3), np.uint8), item)
        raise DeviceError('the test is over')

    def disconnect(self) -> None:
        self.connected = False


class Bench:
    def __init__(self) -> None:
        self.camera = FakeCamera()
        self.clock = ManualClock(10**18)
        self.frames: list[int] = []
        self.warnings: list[str] = []
        self.capture = self.make(lambda frame: self.frames.append(frame.stamp_ns))

    def make(self, on_frame: Callable[[CameraFrame], None]) -> Capture:
        return Capture(self.camera, on_frame, self.clock, self.warnings.append)

    def feed(self, *items: float | DeviceError) -> None:
        """Put pictures, by their time in periods, and faults; wait for the pictures."""
        expected = len(self.frames) + sum(not isinstance(item, DeviceError) for item in items)
        for item in items:
            self.camera.script.put(item if isinstance(item, DeviceError) else round(item * PERIOD))
        self.until(lambda: len(self.frames) == expected)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, 'waited in vain'
            time.sleep(0.005)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(module, 'RECONNECT_S', 0.01)
    bench = Bench()
    bench.capture.start()
    yield bench
    bench.camera.closing.set()
    bench.capture.stop()


LATE = DeviceError('camera front: no picture in time')


def test_every_picture_is_handed_on_once_in_order(bench: Bench) -> None:
    bench.feed(1, 2, 3, 4, 5)
    assert bench.frames == [number * PERIOD for number in range(1, 6)]
    assert bench.capture.lost_frames == 0


def test_gaps_between_stamps_are_counted_as_lost(bench: Bench) -> None:
    bench.feed(1, 2.2, 2.9, 6, 7.6)
    assert bench.capture.lost_frames == 2 + 1


def test_a_picture_now_and_then_late_is_no_loss_of_the_camera(bench: Bench) -> None:
    bench.feed(1, LATE, LATE, 2, LATE, LATE, 3)
    assert bench.camera.connects == 0
    assert bench.warnings == []
    assert bench.capture.last_error == str(LATE)


def test_a_lost_camera_is_opened_again_until_it_comes_back(bench: Bench) -> None:
    bench.camera.refuses = 3
    bench.feed(1, LATE, LATE, LATE)
    bench.until(lambda: bench.camera.connects == 4)
    bench.feed(9)
    assert bench.capture.reconnects == 1
    assert bench.capture.lost_frames == 7
    assert bench.warnings == [f'lost: {LATE}; trying again each second', 'found again']


def test_health_is_ok_slow_or_without_pictures(bench: Bench) -> None:
    bench.feed(*range(1, 11))
    bench.clock.advance(1.0)
    health = bench.capture.health()
    assert (health.level, health.message) == (Level.OK, 'ok')
    assert health.values['rate [Hz]'] == pytest.approx(10)
    bench.feed(11, 12, 13, 14, 15)
    bench.clock.advance(1.0)
    health = bench.capture.health()
    assert (health.level, health.message) == (Level.WARN, 'slow: 5.0 Hz of 10 Hz')
    bench.clock.advance(1.0)
    health = bench.capture.health()
    assert (health.level, health.message) == (Level.ERROR, 'no pictures: none came')


def test_a_fault_of_the_consumer_is_told(bench: Bench) -> None:
    def fail(frame: CameraFrame) -> None:
        raise RuntimeError('publisher is gone')

    capture = bench.make(fail)
    bench.camera.closing.set()
    bench.capture.stop()
    bench.camera.closing.clear()
    bench.camera.script.put(PERIOD)
    capture.start()
    bench.until(lambda: bench.warnings[-1:] and 'RuntimeError' in bench.warnings[-1])
    capture.stop()
