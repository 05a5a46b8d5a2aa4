"""What every camera can do, in LeRobot's verbs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.robots.config import CameraConfig


@dataclass(frozen=True)
class CameraFrame:
    """One picture and when it was taken.

    Attributes:
        image: HWC uint8, rgb.
        stamp_ns: time of exposure, as near as the device tells [ns since the epoch].
    """

    image: NDArray[np.uint8]
    stamp_ns: int


class Camera(ABC):
    """A source of stamped pictures; a context manager that connects and disconnects."""

    def __init__(self, name: str, config: CameraConfig) -> None:
        self.name = name
        self.config = config

    @property
    @abstractmethod
    def is_connected(self) -> bool:
        """Whether pictures can be read."""

    @abstractmethod
    def connect(self) -> None:
        """Open the device and wait until it delivers.

        Raises:
            DeviceError: the device is not there or refuses its configuration.
        """

    @abstractmethod
    def read(self, timeout_s: float = 1.0) -> CameraFrame:
        """Return the next picture, each one once, in order.

        Args:
            timeout_s: longest wait [s].

        Raises:
            DeviceError: not connected, or no picture came in time.
        """

    @abstractmethod
    def disconnect(self) -> None:
        """Release the device; harmless when not connected."""

    def __enter__(self) -> Camera:
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.disconnect()
