"""Quaternions: which elements are one, and the way from one to the next on the sphere.

Elements are in ROS's order, x, y, z, w. A rotation is held by two quaternions of
opposite signs: what becomes a column of numbers stays on one side from row to row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.fixed_messages import ROTATIONS, XYZW
from lerobot_recorder.numeric_stream import NumericStream
from lerobot_recorder.streams import StreamConfig, Taken

Quaternion = tuple[int, int, int, int]
Floats = NDArray[np.float64]

SHORTEST = 1e-6
"""A quaternion shorter than this points nowhere."""
_NEARLY_ONE = 0.9995


def find_rotations(names: Sequence[str]) -> tuple[tuple[Quaternion, ...], list[str]]:
    """Return where among elements the quaternions are, and the elements of incomplete ones.

    Args:
        names: of the elements, such as ``position.x``, ``orientation.w``.
    """
    at = {name: number for number, name in enumerate(names)}
    whole: list[Quaternion] = []
    torn: list[str] = []
    prefixes = dict.fromkeys(name.rpartition('.')[0] for name in names)
    for prefix in (p for p in prefixes if p.rpartition('.')[2] in ROTATIONS):
        found = [f'{prefix}.{element}' for element in XYZW if f'{prefix}.{element}' in at]
        if len(found) == len(XYZW):
            x, y, z, w = (at[name] for name in found)
            whole.append((x, y, z, w))
        else:
            torn += found
    return tuple(whole), torn


def normalized(values: Floats, rotations: Sequence[Quaternion]) -> Floats | None:
    """Return a vector with its quaternions of length one, None if one of them points nowhere."""
    if not rotations:
        return values
    result: Floats = values.copy()
    for rotation in rotations:
        where = list(rotation)
        length = float(np.linalg.norm(values[where]))
        if not np.isfinite(length) or length < SHORTEST:
            return None
        result[where] /= length
    return result


def slerp(start: Floats, end: Floats, share: float) -> Floats:
    """Return the rotation a share of the shorter way from one quaternion to another.

    Args:
        start: of length one, shape (4,).
        end: of length one; either sign.
        share: 0 at the start, 1 at the end.
    """
    cosine = float(start @ end)
    if cosine < 0:
        end, cosine = -end, -cosine
    if cosine > _NEARLY_ONE:
        mixed = start + share * (end - start)
    else:
        angle = np.arccos(cosine)
        mixed = np.sin((1 - share) * angle) * start + np.sin(share * angle) * end
    return np.asarray(mixed / np.linalg.norm(mixed))


def on_the_side_of(quaternion: Floats, last: Floats | None) -> Floats:
    """Return the sign of a quaternion that is nearer to the last one.

    Without a last one, or at right angles to it, it is the one whose w is positive (or,
    where that is 0, the last element that is not).
    """
    side = 0.0 if last is None else float(quaternion @ last)
    if side == 0.0:
        side = next((float(element) for element in quaternion[::-1] if element), 1.0)
    return quaternion if side > 0 else -quaternion


class RotationStream(NumericStream):
    """Vectors some elements of which are quaternions: those go along the sphere.

    Quaternions that are added have length one (see ``normalized``).
    """

    def __init__(self, config: StreamConfig, period_ns: int) -> None:
        super().__init__(config, period_ns)
        self._last: Floats | None = None

    def take(self, target_ns: int) -> Taken | None:
        """Return the value at the target, None if the stream has not begun by then."""
        taken = super().take(target_ns)
        if taken is None:
            return None
        value = taken.value.copy()
        for rotation in self.config.rotations:
            where = list(rotation)
            last = None if self._last is None else self._last[where]
            value[where] = on_the_side_of(value[where], last)
        return Taken(value, taken.stamp_ns, taken.flag)

    def commit(self, taken: Taken, target_ns: int) -> None:
        """Count the value taken, and stay on its side."""
        self._last = taken.value
        super().commit(taken, target_ns)

    def _between(self, start: Floats, end: Floats, share: float) -> Floats:
        value = super()._between(start, end, share)
        for rotation in self.config.rotations:
            where = list(rotation)
            value[where] = slerp(start[where], end[where], share)
        return value
