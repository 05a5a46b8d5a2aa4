"""One camera's video of one episode, encoded in a thread of its own while it is recorded.

The container is `hybrid_fragmented` (FFmpeg >= 7.1): readable up to its last half second after
kill -9, and an ordinary MP4 after it was closed. That needs frames in order, hence no B-frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.picture_thread import PictureThread, Sink

#: A fragment is written at least this often [us].
FRAGMENT_US = 500_000
_CONTAINER = {
    'movflags': 'hybrid_fragmented',
    'frag_duration': str(FRAGMENT_US),
    'flush_packets': '1',
}
_LIMITED_RANGE, _BT601 = 1, 6


@dataclass(frozen=True)
class VideoTarget:
    """What a video is to be.

    Attributes:
        key: The camera's feature, for messages.
        path: The file.
        height, width: Size of the pictures [px], both even.
        fps: Pictures per second.
        config: How they are encoded.
    """

    key: str
    path: Path
    height: int
    width: int
    fps: int
    config: VideoConfig


class Encoder(Sink):
    """Pictures into an MP4 file, in the caller's thread."""

    def __init__(self, target: VideoTarget) -> None:
        self._target = target
        self._time_base = Fraction(1, target.fps)
        self.frames = 0

    def open(self) -> None:
        """Start the container and the encoder."""
        target = self._target
        options = {
            'preset': target.config.preset,
            'crf': str(target.config.crf),
            'g': str(target.config.gop),
            'bf': '0',
            'threads': '1',
        }
        self._container = av.open(str(target.path), 'w', container_options=_CONTAINER)
        stream: Any = self._container.add_stream(
            target.config.encoder, rate=target.fps, options=options
        )
        stream.width, stream.height = target.width, target.height
        stream.pix_fmt = target.config.pix_fmt
        context = stream.codec_context
        context.time_base = self._time_base
        context.color_range = _LIMITED_RANGE
        context.colorspace = context.color_primaries = context.color_trc = _BT601
        self._stream = stream

    def write(self, rgb: NDArray[np.uint8]) -> None:
        """Add a picture, RGB, shape (height, width, 3)."""
        expected = (self._target.height, self._target.width, 3)
        if rgb.shape != expected or rgb.dtype != np.uint8:
            raise DatasetError(
                f'{self._target.key}: got a picture {rgb.dtype} {rgb.shape}, '
                f'expected uint8 {expected}'
            )
        frame = _to_frame(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420))
        frame.pts, frame.time_base = self.frames, self._time_base
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Write what is still inside, and the index."""
        if self.frames:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def abandon(self) -> None:
        """Close the file without what is still inside: AV1 takes half a second to give it up."""
        self._container.close()


class VideoWriter(PictureThread):
    """An encoder in a thread of its own, behind a queue that blocks when it is full.

    Args:
        target: What the video is to be.
        queue_size: Pictures that may wait.
    """

    def __init__(self, target: VideoTarget, queue_size: int = 30) -> None:
        super().__init__(target.key, Encoder(target), queue_size)


def _to_frame(planes: NDArray[np.uint8]) -> av.VideoFrame:
    try:
        return av.VideoFrame.from_numpy_buffer(planes, format='yuv420p')
    except (AttributeError, NotImplementedError, ValueError):
        return av.VideoFrame.from_ndarray(planes, format='yuv420p')
