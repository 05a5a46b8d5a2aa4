"""Keeps a camera read in a thread of its own, through losses of the camera."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from lerobot_drivers.cameras.camera import Camera, CameraFrame
from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.errors import DeviceError, LerobotRosError
from lerobot_drivers.common.health import Health, Level, StreamMeter

RECONNECT_S = 1.0
READ_TIMEOUT_S = 1.0
LOST_AFTER = 3
"""Reads that may fail in a row before the camera is opened anew."""


class Capture:
    """Reads a camera and hands on every picture; a lost camera is tried again each second.

    Args:
        camera: not connected yet.
        on_frame: called in the capture thread with each picture.
        clock: the clock of the camera's stamps.
        warn: gets one line when the camera is lost or found.
    """

    def __init__(
        self,
        camera: Camera,
        on_frame: Callable[[CameraFrame], None],
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self._camera = camera
        self._on_frame = on_frame
        self._clock = clock
        self._warn = warn
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._meter = StreamMeter(clock.monotonic_ns())
        self._meter_lock = threading.Lock()
        self._last_stamp_ns = 0
        self._failed_reads = 0
        self.lost_frames = 0
        self.reconnects = 0
        self.last_error = ''

    def start(self) -> None:
        """Begin to read; the camera is connected first if it is not."""
        self._stop.clear()
        self._last_stamp_ns = 0
        name = f'capture {self._camera.name}'
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read no more; returns when the last picture was handed on."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def health(self) -> Health:
        """Return what happened since the last call."""
        with self._meter_lock:
            rate_hz, age_ms, age_max_ms = self._meter.take(self._clock.monotonic_ns())
        values = {
            'rate [Hz]': rate_hz,
            'age when published [ms]': age_ms,
            'age when published, greatest [ms]': age_max_ms,
            'lost frames': self.lost_frames,
            'reconnects': self.reconnects,
            'last error': self.last_error,
        }
        level, message = Level.OK, 'ok'
        if not self._camera.is_connected or not rate_hz:
            level, message = Level.ERROR, f'no pictures: {self.last_error or "none came"}'
        elif rate_hz < 0.8 * self._camera.config.fps:
            level = Level.WARN
            message = f'slow: {rate_hz:.1f} Hz of {self._camera.config.fps} Hz'
        return Health(level, message, values)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._step()
        except Exception as error:  # noqa: BLE001
            # The outermost line of a thread: whatever it is must reach the user.
            self.last_error = repr(error)
            self._warn(f'capture ended by a fault of its own: {error!r}')

    def _step(self) -> None:
        try:
            if not self._camera.is_connected:
                self._camera.connect()
                self.reconnects += 1
                self._warn('found again')
            frame = self._camera.read(READ_TIMEOUT_S)
        except LerobotRosError as error:
            self._failed(error)
            return
        self._failed_reads = 0
        self._count(frame.stamp_ns)
        self._on_frame(frame)

    def _failed(self, error: LerobotRosError) -> None:
        self.last_error = str(error)
        self._failed_reads += 1
        if self._camera.is_connected and self._failed_reads < LOST_AFTER:
            return
        if self._failed_reads <= LOST_AFTER:
            self._warn(f'lost: {error}; trying again each second')
        with suppress(DeviceError):
            self._camera.disconnect()
        self._failed_reads = LOST_AFTER + 1
        self._stop.wait(RECONNECT_S)

    def _count(self, stamp_ns: int) -> None:
        with self._meter_lock:
            self._meter.tick(self._clock.now_ns() - stamp_ns)
        if self._last_stamp_ns:
            periods = (stamp_ns - self._last_stamp_ns) * self._camera.config.fps / NS_PER_S
            self.lost_frames += max(round(periods) - 1, 0)
        self._last_stamp_ns = stamp_ns
