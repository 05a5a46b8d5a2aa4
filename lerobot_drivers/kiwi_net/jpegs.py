"""The newest picture of a camera as a JPEG, made by a thread of its own."""

from __future__ import annotations

import threading

from lerobot_drivers.cameras.camera import Camera
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.kiwi_net.messages import jpeg_of

RETRY_S = 1.0


class JpegFeed:
    """Reads a camera, and gets it back when it was lost.

    Args:
        camera: not connected yet.

    Attributes:
        name: of the camera.
        jpeg: its newest picture; empty while there is none.
    """

    def __init__(self, camera: Camera) -> None:
        self.name = camera.name
        self.jpeg = b''
        self._camera = camera
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f'{self.name} jpegs', daemon=True)

    def start(self) -> None:
        """Open the camera, and read it from now on.

        Raises:
            DeviceError: it is not there, or refuses its configuration.
        """
        self._camera.connect()
        self._thread.start()

    def close(self) -> None:
        """Leave the camera; harmless when it was not started."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._camera.disconnect()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                if not self._camera.is_connected:
                    self._camera.connect()
                self.jpeg = jpeg_of(self._camera.read().image)
            except DeviceError:
                self.jpeg = b''
                self._camera.disconnect()
                self._over.wait(RETRY_S)
