"""Settings of augmentation while recording: ``--dataset.augmentation.*``."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.processors.augment import Change

Amount = float | tuple[float, float]
"""A number: the most it may be. Two: from where to where."""
RATIOS = ('brightness', 'contrast', 'saturation')
SHIFTS = ('hue', 'rotation', 'translation')
SIZES = ('noise', 'blur')
LARGEST = {'hue': 0.5, 'rotation': 180.0, 'translation': 1.0}


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """How pictures are changed at random while they are recorded.

    Attributes:
        enable: whether they are.
        brightness, contrast, saturation: 0.2 draws a factor from 0.8 to 1.2.
        hue: most it turns, in parts of the whole circle.
        rotation: most a picture is turned [deg].
        translation: most it is shifted, in parts of its size.
        noise: most noise, standard deviation [grey levels of 255].
        blur: most blur, standard deviation [px].
        edges: what fills the edges of a picture turned or shifted.
        probability: how many of the episodes, or frames, are changed at all.
        per: each ``episode`` its own change, so that the video stays steady, or each ``frame``.
        cameras: whose pictures; None takes all in colour.
        seed: same seed, same changes; None draws one for the session. It is recorded.
    """

    __pydantic_config__ = STRICT_KEYS

    enable: bool = True
    brightness: Amount = 0.0
    contrast: Amount = 0.0
    saturation: Amount = 0.0
    hue: Amount = 0.0
    rotation: Amount = 0.0
    translation: Amount = 0.0
    noise: Amount = 0.0
    blur: Amount = 0.0
    edges: Literal['reflect', 'replicate', 'black'] = 'reflect'
    probability: float = 1.0
    per: Literal['episode', 'frame'] = 'episode'
    cameras: list[str] | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        for name in (*RATIOS, *SHIFTS, *SIZES):
            lower, upper = self.span(name)
            largest = LARGEST.get(name, math.inf)
            is_good = -largest <= lower <= upper <= largest and math.isfinite(upper)
            if not is_good or (name not in SHIFTS and lower < 0):
                expected = f'at most {largest:g}' if largest < math.inf else '0 or more'
                raise ValueError(
                    f'{name} must be {expected}, or [from, to], found {getattr(self, name)!r}'
                )
        if not 0 < self.probability <= 1:
            raise ValueError(
                f'probability must be above 0 and at most 1, found {self.probability}'
            )
        if self.seed is not None and self.seed < 0:
            raise ValueError(f'seed must not be negative, found {self.seed}')
        if self.enable and not self.changes:
            names = ', '.join((*RATIOS, *SHIFTS, *SIZES))
            raise ValueError(f'nothing is to be changed; give one of {names}, or enable=false')

    @property
    def changes(self) -> list[str]:
        """Names of what is changed."""
        neutral = {name: (1.0, 1.0) for name in RATIOS}
        return [
            name
            for name in (*RATIOS, *SHIFTS, *SIZES)
            if self.span(name) != neutral.get(name, (0.0, 0.0))
        ]

    def span(self, name: str) -> tuple[float, float]:
        """Return from where to where a change is drawn."""
        amount = getattr(self, name)
        if not isinstance(amount, int | float):
            return amount[0], amount[1]
        if name in RATIOS:
            return max(0.0, 1.0 - amount), 1.0 + amount if amount >= 0 else -math.inf
        return (0.0 if name in SIZES else -amount), amount

    def draw(self, seed: int, take: int, camera: str, frame: int = 0) -> Change:
        """Return the change of a take's pictures, or of one frame of it: the same for the same.

        Args:
            seed: the session's.
            take: number of the take in its session.
            camera: whose pictures.
            frame: number of the row, 0 for the whole take.
        """
        random = np.random.default_rng([seed, take, zlib.crc32(camera.encode()), frame])
        # All are drawn, wanted or not: one more wish does not change the others.
        changed = random.random() < self.probability
        drawn = {
            field.name: float(random.uniform(*self.span(_amount_of(field.name))))
            for field in fields(Change)
        }
        return Change(**drawn) if changed else Change()


def _amount_of(name: str) -> str:
    """Return the setting that a part of a change is drawn by."""
    return 'translation' if name in ('shift_x', 'shift_y') else name
