"""Pictures of cameras that are mounted turned."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.robots.config import CameraConfig

_CODES = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


def rotate(image: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Return the picture turned clockwise by a multiple of 90 [deg]."""
    code = _CODES.get(degrees % 360)
    return image if code is None else np.asarray(cv2.rotate(image, code), np.uint8)


def unrotated_size(config: CameraConfig) -> tuple[int, int]:
    """Return width and height to ask of the device, so that the turned picture fits [pixels]."""
    size = (config.width, config.height)
    return size if config.rotation % 180 == 0 else (config.height, config.width)
