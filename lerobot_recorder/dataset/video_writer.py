"""One camera's video of one episode, encoded in a thread of its own while it is recorded.

The container is `hybrid_fragmented` (FFmpeg >= 7.1): readable up to its last half second after
kill -9, and an ordinary MP4 after it was closed. That needs frames in order, hence no B-frames.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import realtime
from lerobot_recorder.dataset.i420 import to_i420
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.picture import PlanarPicture
from lerobot_recorder.dataset.picture_thread import EncodingError, Sink

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
        height, width: Size of the pictures [px].
        fps: Pictures per second.
        config: How they are encoded.
    """

    key: str
    path: Path
    height: int
    width: int
    fps: int
    config: VideoConfig


class VideoSink(Sink):
    """Frames into an MP4 file, in the caller's thread.

    Attributes:
        frames: How many it got.
    """

    def __init__(self, target: VideoTarget) -> None:
        self._target = target
        self._time_base = Fraction(1, target.fps)
        self._container: Any = None
        self.frames = 0

    def _open(self, encoder: str, pix_fmt: str, options: dict[str, str]) -> Any:
        """Start the container and the encoder; return its context, not yet open."""
        target = self._target
        self._container = av.open(str(target.path), 'w', container_options=_CONTAINER)
        try:
            self._stream = self._container.add_stream(encoder, rate=target.fps, options=options)
        except (ValueError, av.FFmpegError) as error:
            self.abandon()
            raise self._error('is not in this FFmpeg', error) from error
        self._stream.width, self._stream.height = target.width, target.height
        self._stream.pix_fmt = pix_fmt
        context = self._stream.codec_context
        context.time_base = self._time_base
        return context

    def _start(self, context: Any) -> None:
        """Open the encoder, no thread of it at real-time priority."""
        os.environ.setdefault('SVT_LOG', '1')  # errors only: it would tell its life on stderr
        try:
            with realtime.no_new_realtime_threads():
                context.open()
        except (ValueError, av.FFmpegError) as error:
            self.abandon()
            raise self._error('cannot be opened', error) from error
        unknown = sorted(context.options)
        if unknown:
            self.abandon()
            raise self._error(f'does not know the options {unknown}')

    def abandon(self) -> None:
        """Close the file without what is still inside: AV1 takes half a second to give it up."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _encode(self, frame: av.VideoFrame) -> None:
        frame.pts, frame.time_base = self.frames, self._time_base
        try:
            self._container.mux(self._stream.encode(frame))
        except av.FFmpegError as error:
            raise self._error(f'failed at frame {self.frames}', error) from error
        self.frames += 1

    def close(self) -> None:
        """Write what is still inside, and the index."""
        if self._container is None:
            return
        try:
            if self.frames:
                self._container.mux(self._stream.encode(None))
        except av.FFmpegError as error:
            raise self._error('failed at the end', error) from error
        finally:
            self._container.close()

    def _error(self, what: str, error: Exception | None = None) -> EncodingError:
        target = self._target
        said = f': {error}' if error is not None else ''
        hint = (
            'is the device there and free? --dataset.rgb_encoder.vcodec=auto takes what works'
            if target.config.kind.is_hardware
            else 'check --dataset.rgb_encoder.preset, crf, g and extra_options'
        )
        return EncodingError(
            f'encoder {target.config.kind.ffmpeg} ({target.width}x{target.height}) '
            f'{what}{said}; {hint}'
        )


class Encoder(VideoSink):
    """RGB pictures into a video."""

    def __init__(self, target: VideoTarget) -> None:
        super().__init__(target)
        self._size = target.height, target.width
        self._reformatter = VideoReformatter()
        self._last: tuple[Any, NDArray[np.uint8] | None] = (None, None)

    def open(self) -> None:
        """Start the container and the encoder.

        Raises:
            EncodingError: FFmpeg has no such encoder, or it cannot be opened this way.
        """
        config = self._target.config
        self._pix_fmt = config.pix_fmt_for(*self._size)
        if self._pix_fmt is None:
            raise self._error('needs even sizes')
        context = self._open(config.kind.ffmpeg, self._pix_fmt, config.options())
        context.color_range = _LIMITED_RANGE
        context.colorspace = context.color_primaries = context.color_trc = _BT601
        self._start(context)

    def write(self, picture: Any, sampled: bool) -> NDArray[np.uint8] | None:
        """Add a `Picture`; return its pixels, RGB, possibly decimated."""
        planar = isinstance(picture, PlanarPicture) and self._pix_fmt in ('yuv420p', 'nv12')
        if planar and self._size == (picture.height, picture.width):
            frame = self._to_frame(self._once(picture, picture.i420))
            pixels = picture.sample() if sampled else None  # while they are in the cache
            self._encode(frame)
            return pixels
        rgb = self._once(picture, picture.rgb)
        self._check(rgb)
        self._encode(self._frame_of(rgb))
        return rgb

    def _once(self, picture: Any, convert: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return what a picture is converted to; one that is repeated is converted once."""
        known, converted = self._last
        if converted is None or known is not picture:
            converted = np.asarray(convert())
            self._last = picture, converted
        return converted

    def _check(self, rgb: NDArray[np.uint8]) -> None:
        expected = (*self._size, 3)
        if rgb.shape != expected or rgb.dtype != np.uint8:
            raise DatasetError(
                f'{self._target.key}: got a picture {rgb.dtype} {rgb.shape}, '
                f'expected uint8 {expected}'
            )

    def _frame_of(self, rgb: NDArray[np.uint8]) -> av.VideoFrame:
        if self._pix_fmt in ('yuv420p', 'nv12'):
            return self._to_frame(to_i420(rgb))
        return self._reformat(as_frame(np.ascontiguousarray(rgb), 'rgb24'))

    def _to_frame(self, planes: NDArray[np.uint8]) -> av.VideoFrame:
        frame = as_frame(planes, 'yuv420p')
        return frame if self._pix_fmt == 'yuv420p' else self._reformat(frame)

    def _reformat(self, frame: av.VideoFrame) -> av.VideoFrame:
        return self._reformatter.reformat(frame, format=self._pix_fmt)


def as_frame(array: NDArray[np.uint8], pix_fmt: str) -> av.VideoFrame:
    """Return an array as a frame, without copying where this PyAV can."""
    try:
        return av.VideoFrame.from_numpy_buffer(array, format=pix_fmt)
    except (AttributeError, NotImplementedError, ValueError):
        return av.VideoFrame.from_ndarray(array, format=pix_fmt)
