"""What the simulated Reachy 2's cameras see: a horizon that its head tilts, and its hands."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from reachy2_sdk_api.video_pb2 import CameraFeatures, Frame, ListOfCameraFeatures, View

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.sim.reachy2_body import ReachyBody

TELEOP, TORSO = 'teleop_head', 'depth_camera'
WIDTH, HEIGHT = 640, 480
FPS = 30
_PIXELS_PER_RAD = 420.0
_PARALLAX = 14
_SKY, _FLOOR = (214, 202, 188), (96, 110, 118)
_HANDS = {'l': (60, 150, 240), 'r': (220, 140, 70)}
_QUALITY = 85


class ReachyEyes:
    """Draws what a camera sees as JPEG, at most ``FPS`` times a second."""

    def __init__(self, body: ReachyBody) -> None:
        self._body = body
        self._drawn: dict[tuple[str, int], Any] = {}

    def cameras(self) -> Any:
        """Return which cameras there are."""
        found = (
            CameraFeatures(name=TELEOP, stereo=True, depth=False),
            CameraFeatures(name=TORSO, stereo=False, depth=True),
        )
        return ListOfCameraFeatures(camera_feat=found)

    def frame(self, request: Any) -> Any:
        """Return a camera's newest picture."""
        view = (request.camera_feat.name, request.view)
        number = self._body.clock.now_ns() * FPS // NS_PER_S
        stamp_ns = number * NS_PER_S // FPS
        if view not in self._drawn or self._drawn[view].timestamp.ToNanoseconds() != stamp_ns:
            frame = Frame(data=self._draw(*view))
            frame.timestamp.FromNanoseconds(stamp_ns)
            self._drawn[view] = frame
        return self._drawn[view]

    def _draw(self, camera: str, view: int) -> bytes:
        with self._body.lock:
            self._body.advance()
            roll, pitch, yaw = self._body.actuators['head']['neck'].position
            arms = {side: self._body.actuators[side]['shoulder'].position[0] for side in 'lr'}
            bends = {side: self._body.actuators[side]['elbow'].position[1] for side in 'lr'}
        if camera == TORSO:
            roll = pitch = yaw = 0.0
        image = np.full((HEIGHT, WIDTH, 3), _SKY, np.uint8)
        horizon = HEIGHT / 2 - pitch * _PIXELS_PER_RAD
        fall = math.tan(roll) * WIDTH / 2
        ground = [(0, horizon - fall), (WIDTH, horizon + fall), (WIDTH, HEIGHT), (0, HEIGHT)]
        cv2.fillPoly(image, [np.array(ground, np.int32)], _FLOOR)
        shift = (_PARALLAX if view == View.LEFT else -_PARALLAX) + yaw * _PIXELS_PER_RAD
        for side, color in _HANDS.items():
            x = WIDTH / 2 + (-120 if side == 'l' else 120) + shift
            y = HEIGHT - 40 + (arms[side] + bends[side] / 2 - pitch) * 160
            cv2.circle(image, (round(x), round(y)), 34, color, -1, cv2.LINE_AA)
        good, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        assert good
        return bytes(data)
