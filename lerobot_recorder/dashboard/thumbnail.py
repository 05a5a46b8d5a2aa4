"""Pictures made small: JPEGs for a browser."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.images import to_picture
from lerobot_recorder.messages import RawMessage, decode

QUALITY = 75


def thumbnail(picture: NDArray[Any], width: int) -> bytes:
    """Return a picture as a JPEG that is at most so wide.

    Args:
        picture: RGB, shape (height, width, 3), or distances, shape (height, width).
        width: limit [px].
    """
    found = picture.shape[1]
    if found > width:
        size = (width, max(1, round(picture.shape[0] * width / found)))
        near = cv2.INTER_AREA if picture.ndim == 3 else cv2.INTER_NEAREST
        picture = cv2.resize(picture, size, interpolation=near)
    bgr = picture[..., ::-1] if picture.ndim == 3 else _shaded(picture)
    settings = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    done, data = cv2.imencode('.jpg', np.ascontiguousarray(bgr), settings)
    assert done
    return data.tobytes()


def message_thumbnail(raw: RawMessage, width: int) -> bytes:
    """Return an image message as a JPEG that is at most so wide.

    Raises:
        StreamError: it is no picture that is known.
    """
    picture = to_picture(decode(raw), raw.msgtype, raw.topic)
    rgb = getattr(picture, 'rgb', None)
    return thumbnail(rgb() if rgb else picture.depth(), width)  # type: ignore[union-attr]


def _shaded(depth: NDArray[Any]) -> NDArray[np.uint8]:
    """Return distances in colours, near ones warm; what is unknown is black."""
    known = np.isfinite(depth) & (depth > 0)
    if not known.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    near, far = np.percentile(depth[known], (2, 98))
    share = (far - np.where(known, depth, far)) / max(float(far - near), 1e-6)
    shades = np.clip(share * 255, 0, 255).astype(np.uint8)
    colours = np.asarray(cv2.applyColorMap(shades, cv2.COLORMAP_TURBO), dtype=np.uint8)
    colours[~known] = 0
    return colours
