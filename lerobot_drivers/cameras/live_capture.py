"""Pictures of a live capture device, read by a thread so that a hang has a time limit."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.errors import DeviceError

Image = NDArray[np.uint8]

_WAITING = 4
_OLDEST_NS = NS_PER_S
_FAILURES = 10
_RETRY_S = 0.02
_CLOSE_S = 2.0


class Capture(Protocol):
    """The part of ``cv2.VideoCapture`` that is used."""

    def read(self) -> tuple[bool, Any]:
        """Return whether there was a picture, and the picture."""
        ...

    def get(self, prop: int, /) -> float:
        """Return a property."""
        ...

    def release(self) -> None:
        """Close the device."""
        ...


class LiveCapture:
    """Keeps the latest few pictures of a device until they are read.

    Args:
        capture: the open device.
        name: what it is to the user.
        clock: what stamps are taken from.
        latency_ns: from exposure to the return of a read, for backends that do not
            tell the time of their buffers [ns].
    """

    def __init__(self, capture: Capture, name: str, clock: Clock, latency_ns: int = 0) -> None:
        self._capture = capture
        self._name = name
        self._clock = clock
        self._latency_ns = latency_ns
        self._waiting: deque[tuple[Image, int]] = deque(maxlen=_WAITING)
        self._news = threading.Condition()
        self._failure: str | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._pump, name=name, daemon=True)
        self._thread.start()

    def read(self, timeout_s: float) -> tuple[Image, int]:
        """Return the next picture, BGR, and its time of exposure [ns].

        Raises:
            DeviceError: none came in time, or the device has failed.
        """
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._failure, timeout_s)
            if self._waiting:
                return self._waiting.popleft()
            raise DeviceError(
                f'{self._name} {self._failure or f"gave no picture within {timeout_s:g} s"}'
            )

    def close(self) -> None:
        """Release the device; one that hangs is left to its thread."""
        self._closing = True
        self._thread.join(_CLOSE_S)
        if not self._thread.is_alive():
            self._capture.release()

    def _pump(self) -> None:
        failures = 0
        while not self._closing and failures < _FAILURES:
            good, image = self._capture.read()
            if not good:
                failures += 1
                self._clock.sleep(_RETRY_S)
                continue
            failures = 0
            stamped = (image, self._stamp())
            with self._news:
                self._waiting.append(stamped)
                self._news.notify()
        with self._news:
            self._failure = 'gives no pictures any more; is it still plugged in?'
            self._news.notify()

    def _stamp(self) -> int:
        """Return when the picture read last was exposed.

        V4L2 gives the time of its buffer on the monotonic clock, in milliseconds; other
        backends give a position or nothing, which is no recent time of that clock.
        """
        now_ns = self._clock.now_ns()
        buffer_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        age_ns = self._clock.monotonic_ns() - buffer_ns
        if buffer_ns > 0 and 0 <= age_ns < _OLDEST_NS:
            return now_ns - age_ns
        return now_ns - self._latency_ns
