"""Draws simulated arms as a camera sees them: shaded capsules, shadow, markers.

Everything is placed to a fraction of a pixel and anti-aliased, so that motion is
smooth and angles can be measured in the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.sim.body import BODY, RADII, capsule_ends
from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.kinematics import Pose, link_poses, transform
from lerobot_drivers.sim.markers import MARKERS
from lerobot_drivers.sim.markers import RADIUS as MARKER_RADIUS
from lerobot_drivers.sim.scenery import Image, draw_room, draw_room_quickly, table_texture

Floats = NDArray[np.float64]
Shell = tuple[float, float, float]

_SHIFT = 5
_ONE = 1 << _SHIFT
_ARC = np.linspace(-np.pi / 2, np.pi / 2, 10)
_LIGHT = np.array([-0.25, 0.35, -1.0])
_SHADOW_STRENGTH = 0.45
_SHADOW_BLUR = 9
_SHADOW: tuple[Shell, ...] = ((1.0, 0.0, 0.0),)
_OUTLINE_PIXELS = 1.2
_RIM = (35, 37, 40)
# Shells of a shaded capsule: share of the radius, shift towards the light, brightness.
_SHELLS = ((1.0, 0.0, 0.66), (0.78, 0.10, 0.88), (0.42, 0.26, 1.0))
_LIT_SIDE = np.array([-0.45, -0.9])
_OUTLINES = ((1.0, 0.0, _OUTLINE_PIXELS), *((size, move, 0.0) for size, move, _ in _SHELLS))
_COLORS = [
    [_RIM, *(tuple(round(part * bright) for part in capsule.color) for _, _, bright in _SHELLS)]
    for capsule in BODY
]


class Renderer:
    """One camera's picture of the world."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._texture = table_texture()
        self._room = None if view.mount is not None else draw_room(view, self._texture)
        self._mask = np.zeros((view.height, view.width), np.uint8)

    def draw(self, image: Image, arms: Sequence[Floats], places: Sequence[Floats]) -> None:
        """Draw the world.

        Args:
            image: where to draw, HWC uint8, rgb.
            arms: six joint angles of each arm [rad]; a riding camera rides on the first.
            places: where each arm's base stands [m].
        """
        poses = [_placed(link_poses(a), p) for a, p in zip(arms, places, strict=True)]
        view = self.view.at(poses[0]) if poses else self.view
        if self._room is not None:
            np.copyto(image, self._room)
        elif view.mount is None:
            draw_room_quickly(view, self._texture, image)
        for pose in poses:
            self._draw_shadow(image, view, pose)
        for pose in poses:
            _draw_body(image, view, pose)
        for pose in poses:
            draw_markers(image, view, pose)

    def _draw_shadow(self, image: Image, view: View, poses: list[Pose]) -> None:
        ends = capsule_ends(poses)
        ends = ends - ends[..., 2:] / _LIGHT[2] * _LIGHT
        outlines = _outlines(*_projected(view, ends), _SHADOW)[0]
        lowest = outlines.min((0, 1)) / _ONE - _SHADOW_BLUR
        highest = outlines.max((0, 1)) / _ONE + _SHADOW_BLUR
        x0, y0 = np.clip(lowest, 0, (view.width, view.height)).astype(int)
        x1, y1 = np.clip(highest, 0, (view.width, view.height)).astype(int)
        if x1 <= x0 or y1 <= y0 or view.mount is not None:
            return
        mask = self._mask[y0:y1, x0:x1]
        mask[:] = 0
        for outline in outlines - np.array([x0, y0]) * _ONE:
            cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_8, _SHIFT)
        soft = cv2.blur(mask, (_SHADOW_BLUR, _SHADOW_BLUR))
        part = image[y0:y1, x0:x1]
        taken = cv2.multiply(part, cv2.merge([soft] * 3), scale=_SHADOW_STRENGTH / 255)
        cv2.subtract(part, taken, dst=part)


def draw_markers(image: Image, view: View, poses: list[Pose]) -> None:
    """Draw the markers of one arm, the nearest last."""
    centres = np.array([transform(poses[marker.link], marker.offset) for marker in MARKERS])
    pixels, depths = view.project_with_depth(centres)
    radii = MARKER_RADIUS * view.focal / depths
    for index in np.argsort(-depths):
        if depths[index] < 0.03:
            continue
        centre = tuple(np.rint(pixels[index] * _ONE).astype(int).tolist())
        rim = round((radii[index] + _OUTLINE_PIXELS) * _ONE)
        cv2.circle(image, centre, rim, _RIM, -1, cv2.LINE_AA, _SHIFT)
        inner = round(radii[index] * _ONE)
        cv2.circle(image, centre, inner, MARKERS[index].color, -1, cv2.LINE_AA, _SHIFT)


def _draw_body(image: Image, view: View, poses: list[Pose]) -> None:
    pixels, radii, depths = _projected_with_depth(view, capsule_ends(poses))
    order = np.argsort(-depths)
    outlines = _outlines(pixels, radii, _OUTLINES)
    for index in order:
        if depths[index] < 0.03:
            continue
        for outline, color in zip(outlines[:, index], _COLORS[index], strict=True):
            cv2.fillConvexPoly(image, outline, color, cv2.LINE_AA, _SHIFT)


def _placed(poses: list[Pose], place: Floats) -> list[Pose]:
    for pose in poses:
        pose[:3, 3] += place
    return poses


def _projected(view: View, ends: Floats) -> tuple[Floats, Floats]:
    pixels, radii, _ = _projected_with_depth(view, ends)
    return pixels, radii


def _projected_with_depth(view: View, ends: Floats) -> tuple[Floats, Floats, Floats]:
    """Return ends (n, 2, 2), radii (n, 2) [pixels] and the capsules' mean depths (n) [m]."""
    pixels, depths = view.project_with_depth(ends.reshape(-1, 3))
    depths = depths.reshape(-1, 2)
    radii = RADII * view.focal / np.maximum(depths, 0.03)
    return pixels.reshape(-1, 2, 2), radii, depths.mean(1)


def _outlines(pixels: Floats, radii: Floats, shells: Sequence[Shell]) -> NDArray[np.int32]:
    """Return outlines of capsules in fixed point, (shells, n, m, 2).

    Args:
        pixels: ends of the capsules (n, 2, 2) [pixels].
        radii: at both ends (n, 2) [pixels].
        shells: for each wanted outline its share of the radius, the move towards the
            light as a share of that, and what is added to the radius [pixels].
    """
    along = pixels[:, 1] - pixels[:, 0]
    heading = np.arctan2(along[:, 1], along[:, 0])[:, None]
    angles = heading + np.concatenate([_ARC, np.pi + _ARC])
    circle = np.stack([np.cos(angles), np.sin(angles)], -1)
    end = np.repeat([1, 0], len(_ARC))
    centres, sizes = pixels[:, end], radii[:, end, None]
    outlines = [
        centres + (sizes * share + more) * (circle + move * _LIT_SIDE)
        for share, move, more in shells
    ]
    limited = np.clip(np.stack(outlines), -4000, 8000)
    return np.rint(limited * _ONE).astype(np.int32)
