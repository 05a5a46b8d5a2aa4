"""How long the disk will last: what is free, and about what a recording needs.

What a picture needs depends on what it shows. The prices are those of docs/performance.md, of a
noisy film: real scenes need less, so the time told is rather too short.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lerobot_recorder.dataset import schema

BYTES_PER_PIXEL = 0.09
"""Of a video: 27 kB per 640x480 picture, the dearest of the software presets."""
BYTES_PER_PIXEL_JPEG = 0.21
BYTES_PER_PIXEL_IMAGE = 1.7
"""Of pictures as PNG, and of depth without loss."""
BYTES_PER_NUMBER = 12
"""In the Parquet file, the journal and their statistics."""
BYTES_PER_STAMP = 12
"""In the table of true stamps, per feature."""
GIB = 1 << 30


@dataclass(frozen=True)
class DiskRoom:
    """What is left of a disk.

    Attributes:
        free_bytes: what this user may still write.
        bytes_per_s: what recording needs, about.
    """

    free_bytes: int
    bytes_per_s: float

    @property
    def minutes_left(self) -> float:
        """How long recording can go on [min]."""
        return self.free_bytes / self.bytes_per_s / 60 if self.bytes_per_s else math.inf

    @property
    def told(self) -> str:
        """The room in words."""
        minutes = self.minutes_left
        told = f'{minutes:.0f} min' if minutes < 120 else f'{min(minutes / 60, 9999):.0f} h'
        return f'{self.free_bytes / GIB:.1f} GiB free, enough for about {told}'


def needed_per_s(features: schema.Features, fps: int, vcodec: str | None = None) -> float:
    """Return about how much recording needs [bytes/s].

    Args:
        features: what is recorded, stored as they say (``video`` or ``image``).
        fps: rows per second.
        vcodec: the encoder, where it matters: ``mjpeg`` keeps JPEGs as they come.
    """
    return fps * sum(_needed(feature, vcodec) for feature in features.values())


def _needed(feature: Mapping[str, Any], vcodec: str | None) -> float:
    if not schema.is_picture(feature):
        return BYTES_PER_NUMBER * float(math.prod(feature['shape'])) + BYTES_PER_STAMP
    height, width = schema.size_of(feature)
    if feature['dtype'] == 'image' or schema.is_depth(feature):
        price = BYTES_PER_PIXEL_IMAGE
    else:
        price = BYTES_PER_PIXEL_JPEG if vcodec == 'mjpeg' else BYTES_PER_PIXEL
    return price * height * width + BYTES_PER_STAMP


def nearest_folder(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    absolute = folder.absolute()
    return next((path for path in (absolute, *absolute.parents) if path.is_dir()), Path('/'))


def free_bytes(folder: Path) -> int:
    """Return what this user may still write to the disk on which a folder lies, or will lie.

    Raises:
        OSError: the disk does not tell.
    """
    return shutil.disk_usage(nearest_folder(folder)).free
