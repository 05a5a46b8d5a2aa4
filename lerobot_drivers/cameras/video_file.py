"""A video file as a camera: its pictures come at its own rate, and then it ends."""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.errors import DeviceError


class FileCapture(Protocol):
    """The part of ``cv2.VideoCapture`` that is used."""

    def grab(self) -> bool:
        """Step to the next picture."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """Return whether there is a picture, and the picture."""
        ...

    def get(self, prop: int, /) -> float:
        """Return a property."""
        ...

    def release(self) -> None:
        """Close the file."""
        ...


class VideoFile:
    """Plays a file from its first read on; who reads too slowly misses pictures.

    Args:
        capture: the open file.
        name: what it is to the user.
        clock: what it is paced and stamped by.
    """

    def __init__(self, capture: FileCapture, name: str, clock: Clock) -> None:
        self._capture = capture
        self._name = name
        self._clock = clock
        self._period_ns = NS_PER_S / (capture.get(cv2.CAP_PROP_FPS) or 30.0)
        self._start_ns: int | None = None
        self._index = -1

    def read(self, timeout_s: float) -> tuple[NDArray[np.uint8], int]:
        """Return the next picture, BGR, and when it was due [ns].

        Raises:
            DeviceError: the file has ended, or the next picture is not due in time.
        """
        now_ns = self._clock.now_ns()
        if self._start_ns is None:
            self._start_ns = now_ns
        self._step()
        while self._due_ns(self._index + 1) <= now_ns:
            self._step()
        due_ns = self._due_ns(self._index)
        wait_s = (due_ns - now_ns) / NS_PER_S
        if wait_s > timeout_s:
            raise DeviceError(f'{self._name} gave no picture within {timeout_s:g} s')
        if wait_s > 0:
            self._clock.sleep(wait_s)
        good, image = self._capture.retrieve()
        if not good:
            raise DeviceError(f'{self._name}: picture {self._index} cannot be decoded')
        return np.asarray(image, np.uint8), due_ns

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _due_ns(self, index: int) -> int:
        assert self._start_ns is not None
        return self._start_ns + round(index * self._period_ns)

    def _step(self) -> None:
        if not self._capture.grab():
            raise DeviceError(f'{self._name} has ended after {self._index + 1} pictures')
        self._index += 1
