"""Transforms for tests, and the same as matrices, which the product does not use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from synthetic_messages import header, make, raw

TF = 'tf2_msgs/msg/TFMessage'
Pose = tuple[float, ...]


def spin(angle: float, axis: str, shift: tuple[float, float, float] = (0, 0, 0)) -> Pose:
    """A pose turned about one axis [rad]."""
    turned = [math.sin(angle / 2) * (a == axis) for a in 'xyz']
    return (*shift, *turned, math.cos(angle / 2))


def transform(parent: str, child: str, stamp_ns: int, pose: Pose) -> Any:
    moved = make('geometry_msgs/msg/Vector3', *map(float, pose[:3]))
    turned = make('geometry_msgs/msg/Quaternion', *map(float, pose[3:]))
    head = header(stamp_ns)
    head.frame_id = parent
    both = make('geometry_msgs/msg/Transform', moved, turned)
    return make('geometry_msgs/msg/TransformStamped', head, child, both)


def tf(stamp_ns: int, links: Mapping[tuple[str, str], Pose], topic: str = '/tf', late_ns: int = 0):
    """A message of links, each (parent, child) -> pose."""
    found = [transform(*frames, stamp_ns, pose) for frames, pose in links.items()]
    return raw(topic, make(TF, found), stamp_ns + late_ns)


def matrix(pose: Any) -> np.ndarray:
    """The homogeneous matrix of a pose, from the textbook."""
    tx, ty, tz, x, y, z, w = (float(value) for value in pose)
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), tx],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), ty],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), tz],
        [0, 0, 0, 1],
    ])  # fmt: skip
