"""From the float32 of a dataset back to what was on the topic, so that it becomes the same again.

A value on its way into a dataset is scaled in double precision and rounded to float32, which
hides what doubles lose on the way back and forth. It does not hide it where a unit has an offset
and a value that never was on the topic (a line between two) lies within 1e-7 of zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.units import JointUnit
from lerobot_recorder.rotation import Quaternion

Floats = NDArray[np.float64]


def topic_values(rows: NDArray[np.float32], units: Sequence[JointUnit]) -> Floats:
    """Return values as they were on the topic [rad, m or as they are].

    Args:
        rows: in dataset units, shape (..., elements).
        units: of the elements.
    """
    scale = np.array([unit.scale for unit in units])
    offset = np.array([unit.offset for unit in units])
    return np.asarray((rows.astype(np.float64) - offset) / scale)


def unit_rotations(values: Floats, rotations: Sequence[Quaternion]) -> Floats:
    """Return values with quaternions of length one that are the same ones in float32.

    Rounding has made them a little longer or shorter. What is missing is spread over the elements
    in proportion to what rounding can have taken from each.

    Args:
        values: as a dataset holds them, shape (..., elements).
        rotations: where their quaternions are.
    """
    turned = values.copy()
    for rotation in rotations:
        part = values[..., list(rotation)]
        excess = (part**2).sum(axis=-1, keepdims=True) - 1
        slack = np.spacing(np.abs(part).astype(np.float32)).astype(np.float64)
        weight = (np.abs(part) * slack).sum(axis=-1, keepdims=True)
        share = np.divide(excess / 2, weight, out=np.zeros_like(excess), where=weight > 0)
        moved = part - np.sign(part) * slack * np.clip(share, -0.5, 0.5)
        turned[..., list(rotation)] = moved
    return np.asarray(turned)
