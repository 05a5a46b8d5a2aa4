"""One depth camera's video of one episode: 12-bit HEVC without loss, as LeRobot 0.6 writes it."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.depth_codes import MILLIMETRES, PER_METRE, DepthScale
from lerobot_recorder.dataset.statistics import RGB, Levels
from lerobot_recorder.dataset.video_writer import VideoSink, VideoTarget

PIX_FMT = 'gray12le'
_ENCODER = 'libx265'
_PRESET = 'ultrafast'
_LOSSLESS = 'lossless=1'
#: Largest depth that an image in Parquet can tell in its statistics [mm].
_LARGEST_MM = (1 << 16) - 1


def info(gop: int) -> dict[str, Any]:
    """Return LeRobot's encoder keys of a depth feature's info block."""
    return {
        'video.g': gop,
        'video.crf': None,
        'video.preset': _PRESET,
        'video.fast_decode': 0,
        'video.video_backend': 'pyav',
        'video.extra_options': {'x265-params': _LOSSLESS},
    }


def levels(feature: schema.Feature) -> Levels:
    """Return what the values counted of a camera's pixels mean.

    Of depth these are the codes of the video, or millimetres where images are kept as they are;
    in the unit of the feature, as LeRobot keeps statistics of depth.
    """
    if not schema.is_depth(feature):
        return RGB
    block = feature.get('info') or {}
    unit = block.get('depth_unit', MILLIMETRES)
    if schema.is_video(feature):
        return Levels(1, DepthScale.of_info(block).depths(unit))
    per_mm = PER_METRE[unit] / PER_METRE[MILLIMETRES]
    return Levels(1, np.arange(_LARGEST_MM + 1, dtype=np.float64) * per_mm)


def in_millimetres(depth: NDArray[Any]) -> NDArray[np.uint16]:
    """Return depths as whole millimetres for the statistics; what is no distance is 0."""
    if depth.dtype == np.uint16:
        return depth
    known = np.nan_to_num(depth * np.float32(1000), nan=0.0, posinf=_LARGEST_MM, neginf=0.0)
    return np.asarray(np.rint(known.clip(0, _LARGEST_MM)), dtype=np.uint16)


class DepthEncoder(VideoSink):
    """Depth pictures into a video."""

    def __init__(self, target: VideoTarget) -> None:
        super().__init__(target)
        self._scale = target.config.depth

    def open(self) -> None:
        """Start the container and the encoder.

        Raises:
            EncodingError: FFmpeg has no x265, or not for 12 bits.
        """
        options = {
            'preset': _PRESET,
            'g': str(self._target.config.gop),
            'bf': '0',
            'threads': '1',
            'x265-params': f'{_LOSSLESS}:pools=none:log-level=none',
        }
        self._start(self._open(_ENCODER, PIX_FMT, options))

    def write(self, picture: Any, sampled: bool) -> NDArray[np.uint16]:
        """Add a `DepthPicture`; return its codes."""
        depth, target = picture.depth(), self._target
        if depth.shape != (target.height, target.width):
            raise DatasetError(
                f'{target.key}: got a depth picture of shape {depth.shape}, '
                f'expected {(target.height, target.width)}'
            )
        codes = self._scale.codes(depth)
        frame = av.VideoFrame(target.width, target.height, PIX_FMT)
        plane: Any = frame.planes[0]
        rows = np.frombuffer(plane, dtype=np.uint16).reshape(target.height, -1)
        rows[:, : target.width] = codes
        self._encode(frame)
        return codes
