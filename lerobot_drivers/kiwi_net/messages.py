"""What a LeKiwi and its client tell each other.

Facts from LeRobot (``robots/lekiwi/lekiwi_host.py``): a command is JSON, key to number. An
observation is, since LeRobot 0.6, a JSON header with ``_cams`` and a frame of JPEG for each of
those; before that, one JSON in which pictures are JPEGs in base64. Pictures are encoded with
their channels as they are, so that red and blue of a JPEG are swapped, and swapped back.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DeviceError

JPEG_QUALITY = 90
_CAMERAS = '_cams'
_MOST_KEYS = 64


class Dialect(str, Enum):
    """How an observation is written: as LeRobot 0.6 does, or as it did before."""

    MULTIPART = 'multipart'
    JSON = 'json'


@dataclass(frozen=True)
class Observation:
    """What a LeKiwi tells.

    Attributes:
        state: key -> value in dataset units.
        pictures: camera -> JPEG.
    """

    state: Mapping[str, float]
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def command_bytes(action: Mapping[str, float]) -> bytes:
    """Return a command as it is sent."""
    return json.dumps({key: float(value) for key, value in action.items()}).encode()


def read_command(data: bytes) -> dict[str, float]:
    """Return a command.

    Raises:
        DeviceError: it is none.
    """
    return _numbers(_parsed(data, 'a command'), 'a command')


def observation_frames(observation: Observation, dialect: Dialect) -> list[bytes]:
    """Return an observation as it is sent, frame by frame."""
    if dialect is Dialect.JSON:
        texts = {n: base64.b64encode(jpeg).decode() for n, jpeg in observation.pictures.items()}
        return [json.dumps({**observation.state, **texts}).encode()]
    header = {_CAMERAS: list(observation.pictures), **observation.state}
    return [json.dumps(header).encode(), *observation.pictures.values()]


def read_observation(frames: Sequence[bytes]) -> Observation:
    """Return an observation of either dialect.

    Raises:
        DeviceError: it is none.
    """
    header = _parsed(frames[0], 'an observation')
    if _CAMERAS not in header:
        texts = {key: value for key, value in header.items() if isinstance(value, str)}
        rest = {key: value for key, value in header.items() if key not in texts}
        pictures = {name: _decoded(text) for name, text in texts.items()}
        return Observation(_numbers(rest, 'an observation'), pictures)
    names = header.pop(_CAMERAS)
    if not isinstance(names, list) or len(names) != len(frames) - 1:
        raise DeviceError(
            f'an observation names the cameras {names}, but holds {len(frames) - 1} pictures'
        )
    pictures = dict(zip(map(str, names), frames[1:], strict=True))
    return Observation(_numbers(header, 'an observation'), pictures)


def jpeg_of(image: NDArray[np.uint8]) -> bytes:
    """Return a picture as it is sent."""
    good, jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return jpeg.tobytes() if good else b''


def image_of(jpeg: bytes) -> NDArray[np.uint8]:
    """Return a picture that was sent, HWC, rgb.

    Raises:
        DeviceError: it is none.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if image is None:
        raise DeviceError(f'a picture of {len(jpeg)} bytes is no JPEG')
    return np.asarray(image, np.uint8)


def _parsed(data: bytes, what: str) -> dict[str, object]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DeviceError(f'{what} of {len(data)} bytes is no JSON: {error}') from error
    if not isinstance(found, dict) or len(found) > _MOST_KEYS:
        raise DeviceError(f'{what} is no mapping of up to {_MOST_KEYS} keys')
    return found


def _numbers(values: Mapping[str, object], what: str) -> dict[str, float]:
    wrong = [
        key
        for key, value in values.items()
        if isinstance(value, bool) or not isinstance(value, int | float) or not _fits(value)
    ]
    if wrong:
        raise DeviceError(f'{what} holds no finite number for {", ".join(wrong)[:200]}')
    return {key: float(value) for key, value in values.items()}  # type: ignore[arg-type]


def _fits(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DeviceError(f'a picture is no base64: {error}') from error
