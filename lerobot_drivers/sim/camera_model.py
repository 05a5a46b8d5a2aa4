"""Where simulated cameras stand and how they see: pinholes without distortion."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.sim.figure import Pose

Pixels = NDArray[np.float64]

_FOCAL_PER_WIDTH = 1.12
_WRIST_FOCAL_PER_WIDTH = 0.62
_STANDPOINTS = {
    'front': ((0.80, -0.34, 0.50), (0.17, 0.0, 0.095)),
    'side': ((0.30, -0.88, 0.34), (0.165, 0.0, 0.09)),
    'top': ((0.20, 0.0, 1.05), (0.201, 0.0, 0.0)),
    'cam_high': ((1.55, 0.0, 1.20), (0.20, 0.0, 0.14)),
    'cam_low': ((1.75, 0.0, 0.20), (0.20, 0.0, 0.20)),
}
_ORBIT_CENTRE = (0.17, 0.0, 0.09)
_WRIST_EYE = (0.095, 0.0, 0.02)
_WRIST_TARGET = (0.0, 0.0, -0.115)


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera; x is right, y down, z ahead, as in REP 103's optical frames.

    The centre of the upper left pixel is (0, 0).

    Attributes:
        width: of the picture [pixels].
        height: of the picture [pixels].
        focal: focal length [pixels].
        eye: where it stands, in the base frame or in its mount's [m].
        rotation: 3 by 3, from there into the camera's axes.
        rides: whether it stands on a robot, on its figure's ``camera_link``.
    """

    width: int
    height: int
    focal: float
    eye: NDArray[np.float64]
    rotation: NDArray[np.float64]
    rides: bool = False

    @classmethod
    def named(cls, name: str, width: int, height: int) -> View:
        """Return the view of a camera's name: ``front``, ``cam_high``, ``wrist`` and others.

        A name that holds one of these has that view; any other one looks at the arm
        from a direction of its own.
        """
        wide = min(width, height * 4 / 3)
        if 'wrist' in name:
            rotation = _looking(_WRIST_EYE, _WRIST_TARGET, (1.0, 0.0, 0.0))
            focal = _WRIST_FOCAL_PER_WIDTH * wide
            return cls(width, height, focal, np.array(_WRIST_EYE), rotation, rides=True)
        known = next((key for key in _STANDPOINTS if key in name), None)
        eye, target = _STANDPOINTS[known] if known else (_orbit(name), _ORBIT_CENTRE)
        up = (0.0, 0.0, 1.0)
        return cls(
            width, height, _FOCAL_PER_WIDTH * wide, np.array(eye), _looking(eye, target, up)
        )

    @property
    def centre(self) -> tuple[float, float]:
        """The principal point [pixels]."""
        return (self.width - 1) / 2, (self.height - 1) / 2

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The camera matrix, 3 by 3 [pixels]."""
        cx, cy = self.centre
        return np.array([[self.focal, 0, cx], [0, self.focal, cy], [0, 0, 1.0]])

    def at(self, mount: Pose) -> View:
        """Return a riding view as it stands in the world when its mount is there."""
        eye = mount[:3, :3] @ self.eye + mount[:3, 3]
        return replace(self, eye=eye, rotation=self.rotation @ mount[:3, :3].T, rides=False)

    def project(self, points: NDArray[np.float64]) -> Pixels:
        """Return where points of the base frame, (n, 3) [m], appear, (n, 2) [pixels]."""
        return self.project_with_depth(points)[0]

    def project_with_depth(
        self, points: NDArray[np.float64]
    ) -> tuple[Pixels, NDArray[np.float64]]:
        """Return pixels and distances along the optical axis [m]; behind us is put at 1 mm."""
        seen = (np.asarray(points, float) - self.eye) @ self.rotation.T
        depth = np.maximum(seen[:, 2], 1e-3)
        pixels = self.focal * seen[:, :2] / depth[:, None] + self.centre
        return pixels, depth


def _looking(
    eye: Sequence[float], target: Sequence[float], up: Sequence[float]
) -> NDArray[np.float64]:
    ahead = np.subtract(target, eye)
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, up)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(ahead, right), ahead])


def _orbit(name: str) -> tuple[float, float, float]:
    angle = (zlib.crc32(name.encode()) % 360) * math.pi / 180
    x, y, _ = _ORBIT_CENTRE
    return x + 0.75 * math.cos(angle), y + 0.75 * math.sin(angle), 0.5
