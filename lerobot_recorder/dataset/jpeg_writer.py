"""One camera's video of one episode made of the JPEGs that the camera sent, as they came.

Nothing is decoded but for the statistics. Pictures that came as something else, or as a JPEG
that one decoder could not take with those before it, are compressed to a JPEG like the others.
"""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.picture import JpegPicture
from lerobot_recorder.dataset.video_writer import VideoSink, VideoTarget
from lerobot_recorder.image_headers import JpegKind, jpeg_kind

QUALITY = 95
_FULL_RANGE, _BT601 = 2, 5
#: Factors of luma against chroma -> FFmpeg's pixel format.
_FORMATS: dict[tuple[int, ...], str] = {(2, 2): 'yuvj420p', (2, 1): 'yuvj422p', (1, 1): 'yuvj444p'}
_SAMPLING: dict[tuple[int, ...], int] = {(2, 2): 0x221111, (2, 1): 0x211111, (1, 1): 0x111111}


class JpegCopier(VideoSink):
    """JPEGs into a video.

    Attributes:
        reencoded: Pictures that could not be copied.
    """

    def __init__(self, target: VideoTarget) -> None:
        super().__init__(target)
        self._kind: JpegKind | None = None
        self.reencoded = 0

    def open(self) -> None:
        """Do nothing: the first picture says what the file is to be."""

    def write(self, picture: Any, sampled: bool) -> NDArray[np.uint8] | None:
        """Add a `Picture`; return its pixels if they were wanted."""
        data = picture.jpeg() if isinstance(picture, JpegPicture) else None
        found = jpeg_kind(data) if data is not None else None
        if self._kind is None:
            self._begin(found)
        rgb = None
        if data is None or found != self._kind:
            rgb = np.asarray(picture.rgb())
            data = self._compressed(rgb)
            self.reencoded += 1
        self._copy(data)
        return rgb if rgb is not None or not sampled else np.asarray(picture.rgb())

    def close(self) -> None:
        """Write the index."""
        if self._container is not None:
            self._container.close()

    def _begin(self, found: JpegKind | None) -> None:
        target = self._target
        if found is None or found.factors not in ((), *_FORMATS):
            found = JpegKind(target.height, target.width, (2, 2))
        self._kind = found
        context = self._open('mjpeg', _FORMATS.get(found.factors, 'yuvj420p'), {})
        context.color_range = _FULL_RANGE
        context.colorspace = _BT601

    def _compressed(self, rgb: NDArray[np.uint8]) -> bytes:
        assert self._kind is not None
        if rgb.shape != (self._kind.height, self._kind.width, 3):
            raise DatasetError(
                f'{self._target.key}: got a picture of shape {rgb.shape}, '
                f'expected {(self._kind.height, self._kind.width, 3)}'
            )
        options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        if self._kind.factors:
            options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLING[self._kind.factors]]
            pixels = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        else:
            pixels = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        good, data = cv2.imencode('.jpg', pixels, options)
        if not good:
            raise DatasetError(f'{self._target.key}: a picture cannot be compressed to a JPEG')
        return bytes(data.tobytes())

    def _copy(self, data: bytes) -> None:
        packet = av.Packet(data)
        packet.stream, packet.time_base = self._stream, self._time_base
        packet.pts = packet.dts = self.frames
        packet.duration, packet.is_keyframe = 1, True
        self._container.mux(packet)
        self.frames += 1
