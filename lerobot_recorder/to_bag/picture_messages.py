"""Pictures of a dataset as messages: JPEGs and PNGs as they lie there, all else decoded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset.dataset_reader import EpisodeView
from lerobot_recorder.image_headers import JPEG_SIGNATURE
from lerobot_recorder.images import COMPRESSED_IMAGE, IMAGE
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.to_bag.blank_messages import blank, serialized, set_header
from lerobot_recorder.to_bag.fact_messages import Lens
from lerobot_recorder.to_bag.outline import CameraPart
from lerobot_recorder.to_bag.row_samples import Sample

COMPRESSED = 'compressed'
JPEG_QUALITY = 95
_PNG_LEVEL = 1
_DEPTH = {'uint16': '16UC1', 'float32': '32FC1'}


class ImageKind(str, Enum):
    """As what pictures are written."""

    AUTO = 'auto'
    RAW = 'raw'
    JPEG = 'jpeg'
    PNG = 'png'


def as_kind(part: CameraPart, kind: ImageKind, is_depth: bool) -> CameraPart:
    """Return a camera as it is to be written: with the topic of that transport.

    Args:
        part: as it was.
        kind: what was asked for.
        is_depth: it measures distances; those are written raw.
    """
    is_asked = kind in (ImageKind.JPEG, ImageKind.PNG)
    is_compressed = part.is_compressed if kind is ImageKind.AUTO else is_asked
    is_compressed = is_compressed and not is_depth
    topic = part.topic
    if is_compressed and not part.is_compressed:
        topic = f'{topic}/{COMPRESSED}'
    elif part.is_compressed and not is_compressed:
        base, _, last = topic.rpartition('/')
        topic = base if last.startswith(COMPRESSED) else topic
    return replace(part, topic=topic, is_compressed=is_compressed)


@dataclass(frozen=True)
class CameraMessages:
    """The pictures of one camera in one episode.

    Attributes:
        part: the camera, as it is to be written.
        view: the episode.
        samples: its pictures, one for each message.
        lens: what is told beside them.
        kind: how pictures are compressed that do not lie compressed in the dataset.
    """

    part: CameraPart
    view: EpisodeView
    samples: Sequence[Sample]
    lens: Lens
    kind: ImageKind = ImageKind.AUTO

    def messages(self) -> Iterator[RawMessage]:
        """Yield each picture, and what the lens is, in the order of their arrival.

        Raises:
            DatasetFormatError: a picture is missing or damaged.
        """
        kept = self._compressed() if self.part.is_compressed else None
        pictures = kept if kept is not None else self.view.frames(self.part.feature)
        for sample, picture in _at(self.samples, pictures):
            header_ns = sample.stamp_ns + self.part.offset_ns
            log_ns = sample.log_ns + self.part.offset_ns
            message = self._message(picture)
            set_header(message, header_ns, self.part.frame_id or self.lens.frame_id)
            data = serialized(message)
            yield RawMessage(self.part.topic, message.__msgtype__, data, 0, log_ns)
            told = self.lens.message(header_ns, log_ns)
            if told is not None:
                yield told

    def lens_messages(self) -> Iterator[RawMessage]:
        """Yield what the lens is beside each picture, without the pictures."""
        for sample in self.samples:
            offset_ns = self.part.offset_ns
            told = self.lens.message(sample.stamp_ns + offset_ns, sample.log_ns + offset_ns)
            if told is not None:
                yield told

    def _compressed(self) -> Iterator[bytes] | None:
        """Return the pictures as they lie in the dataset, None if that is not what is asked."""
        kept = self.view.compressed_frames(self.part.feature)
        first = next(kept, None) if kept is not None else None
        if kept is None or first is None:
            return None
        found = ImageKind.JPEG if first.startswith(JPEG_SIGNATURE) else ImageKind.PNG
        is_fit = self.kind in (ImageKind.AUTO, found)
        return itertools.chain([first], kept) if is_fit else None

    def _message(self, picture: Any) -> Any:
        if isinstance(picture, bytes):
            return _compressed_message(picture)
        if self.part.is_compressed:
            return _compressed_message(self._encoded(picture))
        return _image(picture)

    def _encoded(self, rgb: NDArray[Any]) -> bytes:
        ending, option = '.jpg', [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        if self.kind is ImageKind.PNG:
            ending, option = '.png', [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL]
        good, data = cv2.imencode(ending, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), option)
        if not good:
            raise DatasetFormatError(f'{self.part.feature}: a picture cannot be compressed')
        return bytes(data.tobytes())


def _at(samples: Sequence[Sample], pictures: Iterator[Any]) -> Iterator[tuple[Sample, Any]]:
    """Yield the samples with the picture of their row."""
    due = iter(sorted(samples, key=lambda sample: sample.row))
    sample = next(due, None)
    for row, picture in enumerate(pictures):
        if sample is None:
            return
        if row == sample.row:
            yield sample, picture
            sample = next(due, None)


def _image(pixels: NDArray[Any]) -> Any:
    message = blank(IMAGE)
    message.height, message.width = pixels.shape[:2]
    message.encoding = 'rgb8' if pixels.ndim == 3 else _DEPTH[pixels.dtype.name]
    message.step = pixels.strides[0] if pixels.flags.c_contiguous else pixels[0].nbytes
    message.data = np.ascontiguousarray(pixels).view(np.uint8).ravel()
    return message


def _compressed_message(data: bytes) -> Any:
    message = blank(COMPRESSED_IMAGE)
    name = 'jpeg' if data.startswith(JPEG_SIGNATURE) else 'png'
    message.format = f'rgb8; {name} compressed bgr8'
    message.data = np.frombuffer(data, dtype=np.uint8)
    return message
