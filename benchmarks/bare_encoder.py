"""An encoder alone, given frames ready made: what no recorder can be cheaper than."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
from numpy.typing import NDArray

from lerobot_recorder.dataset import realtime
from lerobot_recorder.dataset.i420 import to_i420
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.video_writer import as_frame

FPS = 30


def bare_ms(config: VideoConfig, film: Sequence[NDArray[Any]], frames: int) -> float:
    """Return CPU of the encoder per picture, opening and closing included [ms].

    Args:
        config: the encoder.
        film: RGB, played round and round.
        frames: how many.
    """
    height, width = film[0].shape[:2]
    context: Any = av.CodecContext.create(config.kind.ffmpeg, 'w')
    context.width, context.height, context.pix_fmt = width, height, 'yuv420p'
    context.time_base, context.options = Fraction(1, FPS), config.options()
    planes = [to_i420(picture) for picture in film]
    began = time.process_time()
    with realtime.no_new_realtime_threads():
        context.open()
    for number in range(frames):
        frame = as_frame(planes[number % len(planes)], 'yuv420p')
        frame.pts = number
        context.encode(frame)
    context.encode(None)
    return (time.process_time() - began) * 1e3 / frames
