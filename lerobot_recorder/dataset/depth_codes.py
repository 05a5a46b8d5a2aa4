"""Depth as LeRobot's 12-bit video holds it: how far away a code is, and which code a depth gets.

Formula, units and parameters are those of LeRobot's `datasets/depth_utils.py` (0.6.1). What
sensors say instead of a distance becomes the end of the scale that it means: 0, NaN, -Inf and
anything nearer than `depth_min` code 0; +Inf and anything farther than `depth_max` code 4095.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ConfigError

LAST_CODE = 4095
METRES, MILLIMETRES = 'm', 'mm'
PER_METRE = {METRES: 1.0, MILLIMETRES: 1000.0}
_INFO_KEYS = ('depth_min', 'depth_max', 'shift', 'use_log')


@dataclass(frozen=True)
class DepthScale:
    """How depth is quantised, in LeRobot's words.

    Attributes:
        depth_min: Depth of code 0 [m].
        depth_max: Depth of code 4095 [m].
        shift: Added before the logarithm [m].
        use_log: Finer where it is near, as sensors are; else linear.
    """

    depth_min: float = 0.01
    depth_max: float = 10.0
    shift: float = 3.5
    use_log: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.depth_min < self.depth_max < math.inf:
            raise ConfigError(
                f'depth_encoder: depth_min {self.depth_min} m must be below '
                f'depth_max {self.depth_max} m and not negative'
            )
        if self.use_log and not self.depth_min + self.shift > 0:
            raise ConfigError(
                f'depth_encoder: depth_min + shift must be above 0 m, found '
                f'{self.depth_min} + {self.shift}'
            )

    @classmethod
    def of_info(cls, block: Mapping[str, Any]) -> DepthScale:
        """Return what a feature's info block says; LeRobot's defaults where it says nothing."""
        given = {key: block[f'video.{key}'] for key in _INFO_KEYS if f'video.{key}' in block}
        return cls(**given)

    def info(self) -> dict[str, Any]:
        """Return the keys of a feature's info block."""
        return {f'video.{key}': getattr(self, key) for key in _INFO_KEYS}

    def depths(self, unit: str) -> NDArray[np.float64]:
        """Return how far away each code is, shape (4096,), in the unit."""
        share = np.arange(LAST_CODE + 1) / LAST_CODE
        if not self.use_log:
            metres = self.depth_min + share * (self.depth_max - self.depth_min)
        else:
            low, high = self._logarithms()
            metres = np.exp(low + share * (high - low)) - self.shift
        limited = np.clip(metres, self.depth_min, self.depth_max) * PER_METRE[unit]
        return np.asarray(limited, dtype=np.float64)

    def codes(self, depth: NDArray[Any]) -> NDArray[np.uint16]:
        """Return the codes of depths, uint16 in [mm] or float32 in [m], any shape."""
        if depth.dtype == np.uint16:
            return np.asarray(self._table()[depth])
        with np.errstate(invalid='ignore', divide='ignore'):
            return self._computed(depth.astype(np.float32, copy=False))

    def _computed(self, metres: NDArray[np.float32]) -> NDArray[np.uint16]:
        known = np.nan_to_num(metres, nan=0.0, posinf=self.depth_max, neginf=0.0)
        known = np.clip(known, self.depth_min, self.depth_max)
        if self.use_log:
            low, high = self._logarithms()
            share = (np.log(known + np.float32(self.shift)) - low) / (high - low)
        else:
            share = (known - self.depth_min) / (self.depth_max - self.depth_min)
        return np.asarray(np.rint(share * LAST_CODE), dtype=np.uint16)

    def _logarithms(self) -> tuple[float, float]:
        return math.log(self.depth_min + self.shift), math.log(self.depth_max + self.shift)

    def _table(self) -> NDArray[np.uint16]:
        """Return the code of every depth in millimetres, made once."""
        if self not in _TABLES:
            metres = np.arange(1 << 16, dtype=np.float32) / np.float32(1000)
            _TABLES[self] = self._computed(metres)
        return _TABLES[self]


_TABLES: dict[DepthScale, NDArray[np.uint16]] = {}
