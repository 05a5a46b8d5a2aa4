"""One camera of a Reachy 2 through its SDK: each picture once, as the JPEG that the robot has."""

from __future__ import annotations

import base64
from typing import Any

from reachy2_sdk.media.camera import CameraView
from reachy2_sdk.media.camera_manager import CameraManager

from lerobot_drivers.common.clock import NS_PER_S, Clock

_POLL_S = 0.004
_EARLY = 0.8
"""Share of a period after a picture in which there is no use in asking for the next."""
_VIEWS = {'left': CameraView.LEFT, 'right': CameraView.RIGHT, 'rgb': CameraView.LEFT}


class Eyes:
    """A camera that delivers.

    Args:
        host: address of the robot.
        port: of its video service.
        name: ``teleop`` or ``depth``.
        image_type: ``left``, ``right`` or ``rgb``.
        fps: pictures per second that it takes.
        clock: of the times of arrival.

    Raises:
        ConnectionError: it has no such camera, or cannot be reached.
    """

    def __init__(
        self, host: str, port: int, name: str, image_type: str, fps: float, clock: Clock
    ) -> None:
        manager = CameraManager(host, port)
        self._camera = manager.teleop if name == 'teleop' else manager.depth
        if self._camera is None:
            raise ConnectionError(f'the Reachy at {host} has no {name} camera')
        self._manager = manager
        self._view = _VIEWS[image_type]
        self._period_s = 1.0 / fps
        self._clock = clock
        self._last_ns = -1
        self._not_before_ns = 0

    def frame(self, patience_s: float) -> dict[str, Any]:
        """Return the next picture, base64, and when it was taken and came [ns].

        Args:
            patience_s: longest wait [s].

        Raises:
            RuntimeError: none came in time.
        """
        end_ns = self._clock.monotonic_ns() + round(patience_s * NS_PER_S)
        while self._clock.monotonic_ns() < end_ns:
            early_s = (self._not_before_ns - self._clock.monotonic_ns()) / NS_PER_S
            self._clock.sleep(max(early_s, _POLL_S))
            found = self._camera.get_compressed_frame(self._view)
            if found is not None and found[1] != self._last_ns:
                return self._told(*found)
        raise RuntimeError(f'it gave no picture within {patience_s:g} s')

    def _told(self, data: bytes, taken_ns: int) -> dict[str, Any]:
        self._last_ns = taken_ns
        wait_ns = round(_EARLY * self._period_s * NS_PER_S)
        self._not_before_ns = self._clock.monotonic_ns() + wait_ns
        jpeg = base64.b64encode(data).decode()
        return {'jpeg': jpeg, 'taken_ns': taken_ns, 'came_ns': self._clock.now_ns()}
