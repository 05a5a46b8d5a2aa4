"""One random change of a picture, in as few passes over its pixels as it takes.

Brightness and contrast are one table of 256 entries, with saturation and hue one matrix; turning
and shifting are one warp.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]

EDGES = {
    'reflect': cv2.BORDER_REFLECT_101,
    'replicate': cv2.BORDER_REPLICATE,
    'black': cv2.BORDER_CONSTANT,
}
MIDDLE = 127.5
"""The grey that contrast leaves alone."""
NOISE_ROOM = 64
"""So many places, each way, at which a sheet of noise can lie on a picture."""
_LEAST_BLUR = 0.15
_TO_YIQ: Matrix = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]]
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is done to a picture.

    Attributes:
        brightness, contrast, saturation: factors.
        hue: turn of the colours, in parts of the circle.
        rotation: turn of the picture, counter-clockwise [deg].
        shift_x, shift_y: in parts of its width and height, to the right and down.
        noise: standard deviation [grey levels].
        blur: standard deviation [px].
    """

    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0
    rotation: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    noise: float = 0.0
    blur: float = 0.0

    def colours(self, image: Pixels) -> Pixels:
        """Return a picture with other brightness, contrast, saturation and hue."""
        gain = self.brightness * self.contrast
        offset = MIDDLE * (1.0 - self.contrast)
        if self.saturation == 1.0 and self.hue == 0.0:
            if gain == 1.0 and offset == 0.0:
                return image
            # OpenCV 4 is slow with a matrix that is a diagonal.
            table = np.clip(np.arange(256) * gain + offset, 0, 255).round().astype(np.uint8)
            return np.asarray(cv2.LUT(image, table), dtype=np.uint8)
        matrix = np.hstack([gain * self._colour_matrix(), np.full((3, 1), offset)])
        return np.asarray(cv2.transform(image, matrix), dtype=np.uint8)

    def moved(self, image: Pixels, edges: str) -> Pixels:
        """Return a picture turned and shifted; what comes in from outside is made up."""
        if self.rotation == self.shift_x == self.shift_y == 0.0:
            return image
        height, width = image.shape[:2]
        middle = ((width - 1) / 2, (height - 1) / 2)
        turn = cv2.getRotationMatrix2D(middle, self.rotation, 1.0)
        turn[:, 2] += (self.shift_x * width, self.shift_y * height)
        # OpenCV warps four channels in less than half the time of three.
        four = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
        warped = cv2.warpAffine(four, turn, (width, height), borderMode=EDGES[edges])
        return np.asarray(cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB), dtype=np.uint8)

    def blurred(self, image: Pixels) -> Pixels:
        """Return a picture out of focus."""
        if self.blur < _LEAST_BLUR:
            return image
        return np.asarray(cv2.GaussianBlur(image, (0, 0), self.blur), dtype=np.uint8)

    def _colour_matrix(self) -> Matrix:
        """Return what turns and stretches colours about grey, brightness unchanged."""
        angle = 2.0 * math.pi * self.hue
        cos, sin = self.saturation * math.cos(angle), self.saturation * math.sin(angle)
        turn = np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
        return np.asarray(np.linalg.inv(_TO_YIQ) @ turn @ _TO_YIQ)


class NoiseSheet:
    """Noise for the pictures of a camera: one sheet, laid on each picture at another place."""

    def __init__(self, size: tuple[int, int], random: np.random.Generator) -> None:
        height, width = size
        shape = (height + NOISE_ROOM, width + NOISE_ROOM, 3)
        self._unit = random.standard_normal(shape, dtype=np.float32)
        self._size = size
        self._scaled: tuple[float, NDArray[np.int16]] | None = None

    def on(self, image: Pixels, noise: float, place: int) -> Pixels:
        """Return a picture with noise.

        Args:
            image: shape (height, width, 3).
            noise: standard deviation [grey levels].
            place: where the sheet lies, any number.
        """
        scaled = self._scaled  # the take before may still be encoded, in another thread
        if scaled is None or scaled[0] != noise:
            scaled = self._scaled = (noise, np.rint(self._unit * noise).astype(np.int16))
        top, left = divmod(place % NOISE_ROOM**2, NOISE_ROOM)
        height, width = self._size
        part = scaled[1][top : top + height, left : left + width]
        return np.asarray(cv2.add(image, part, dtype=cv2.CV_8U), dtype=np.uint8)
