"""Statistics of some of the pictures, where looking at all would cost more than keeping them.

LeRobot looks at `length ** 0.75` evenly spaced pictures of an episode, at least 100. How long
an episode becomes is not known while it is recorded: every k-th picture is looked at, and k is
doubled, half of the pictures looked at forgotten, whenever there are more than LeRobot's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.dataset.statistics import RGB, Levels, PictureHistogram

_AT_LEAST = 100


class SampledHistogram(PictureHistogram):
    """Counts over evenly spaced pictures of those offered."""

    def __init__(self, levels: Levels = RGB) -> None:
        super().__init__(levels)
        self._step, self._offered = 1, 0
        self._kept: list[NDArray[np.uint32]] = []

    def wants_next(self) -> bool:
        """Return whether the next picture is to be added."""
        return self._offered % self._step == 0

    def skip(self) -> None:
        """Pass over a picture that was not wanted."""
        self._offered += 1

    def add(self, pixels: NDArray[Any]) -> None:
        """Add a picture, RGB, shape (height, width, 3)."""
        self._kept.append(self.count(pixels).astype(np.uint32))
        self._offered += 1
        if len(self._kept) > max(_AT_LEAST, int(self._offered**0.75)):
            self._kept, self._step = self._kept[::2], 2 * self._step
        self.pictures = len(self._kept)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each value occurs in the pictures kept, shape (channels, levels)."""
        return self._counts + sum(self._kept, start=np.zeros(1, dtype=np.int64))
