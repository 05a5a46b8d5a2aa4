"""Draws simulated arms as a camera sees them: shaded capsules, shadow, markers.

Everything is placed to a fraction of a pixel and anti-aliased, so that motion is
smooth and angles can be measured in the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.figure import Body, Color, Figure, Pose
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
_NEAREST_M = 0.03
# Shells of a shaded capsule: share of the radius, shift towards the light, brightness.
_SHELLS = ((1.0, 0.0, 0.66), (0.78, 0.10, 0.88), (0.42, 0.26, 1.0))
_LIT_SIDE = np.array([-0.45, -0.9])
_OUTLINES = ((1.0, 0.0, _OUTLINE_PIXELS), *((size, move, 0.0) for size, move, _ in _SHELLS))


class Renderer:
    """One camera's picture of the world."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._texture = table_texture()
        self._room = None if view.rides else draw_room(view, self._texture)
        self._mask = np.zeros((view.height, view.width), np.uint8)

    def draw(self, image: Image, bodies: Sequence[Body]) -> None:
        """Draw the world.

        Args:
            image: where to draw, HWC uint8, rgb.
            bodies: what stands in it; a riding camera rides on the first.
        """
        posed = [(body.figure, body.poses) for body in bodies]
        view = self.view
        if view.rides and bodies:
            view = view.at(posed[0][1][bodies[0].figure.camera_link])
        if self._room is not None:
            np.copyto(image, self._room)
        elif not view.rides:
            draw_room_quickly(view, self._texture, image)
        for figure, poses in posed:
            self._draw_shadow(image, view, figure.capsule_ends(poses), figure.radii)
        for figure, poses in posed:
            _draw_body(image, view, figure, poses)
        for figure, poses in posed:
            draw_markers(image, view, figure, poses)

    def _draw_shadow(self, image: Image, view: View, ends: Floats, radii: Floats) -> None:
        if not len(ends):
            return
        ends = ends - ends[..., 2:] / _LIGHT[2] * _LIGHT
        pixels, sizes, _ = _projected(view, ends, radii)
        outlines = _outlines(pixels, sizes, _SHADOW)[0]
        lowest = outlines.min((0, 1)) / _ONE - _SHADOW_BLUR
        highest = outlines.max((0, 1)) / _ONE + _SHADOW_BLUR
        x0, y0 = np.clip(lowest, 0, (view.width, view.height)).astype(int)
        x1, y1 = np.clip(highest, 0, (view.width, view.height)).astype(int)
        if x1 <= x0 or y1 <= y0 or view.rides:
            return
        mask = self._mask[y0:y1, x0:x1]
        mask[:] = 0
        for outline in outlines - np.array([x0, y0]) * _ONE:
            cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_8, _SHIFT)
        soft = cv2.blur(mask, (_SHADOW_BLUR, _SHADOW_BLUR))
        part = image[y0:y1, x0:x1]
        taken = cv2.multiply(part, cv2.merge([soft] * 3), scale=_SHADOW_STRENGTH / 255)
        cv2.subtract(part, taken, dst=part)


def draw_markers(image: Image, view: View, figure: Figure, poses: Sequence[Pose]) -> None:
    """Draw the markers of one body, the nearest last."""
    pixels, depths = view.project_with_depth(figure.marker_centres(poses))
    radii = MARKER_RADIUS * view.focal / depths
    for index in np.argsort(-depths):
        if depths[index] < _NEAREST_M:
            continue
        centre = tuple(np.rint(pixels[index] * _ONE).astype(int).tolist())
        rim = round((radii[index] + _OUTLINE_PIXELS) * _ONE)
        cv2.circle(image, centre, rim, _RIM, -1, cv2.LINE_AA, _SHIFT)
        inner = round(radii[index] * _ONE)
        color = figure.markers[index].color
        cv2.circle(image, centre, inner, color, -1, cv2.LINE_AA, _SHIFT)


def _draw_body(image: Image, view: View, figure: Figure, poses: Sequence[Pose]) -> None:
    if not figure.capsules:
        return
    pixels, radii, depths = _projected(view, figure.capsule_ends(poses), figure.radii)
    outlines = _outlines(pixels, radii, _OUTLINES)
    for index in np.argsort(-depths):
        if depths[index] < _NEAREST_M:
            continue
        colors = _shades(figure.capsules[index].color)
        for outline, color in zip(outlines[:, index], colors, strict=True):
            cv2.fillConvexPoly(image, outline, color, cv2.LINE_AA, _SHIFT)


@cache
def _shades(color: Color) -> tuple[Color, ...]:
    """Return the colours of a capsule's rim and shells."""
    red, green, blue = color
    shells = [
        (round(red * bright), round(green * bright), round(blue * bright))
        for _, _, bright in _SHELLS
    ]
    return (_RIM, *shells)


def _projected(view: View, ends: Floats, radii: Floats) -> tuple[Floats, Floats, Floats]:
    """Return ends (n, 2, 2), radii (n, 2) [pixels] and the capsules' mean depths (n) [m]."""
    pixels, depths = view.project_with_depth(ends.reshape(-1, 3))
    depths = depths.reshape(-1, 2)
    sizes = radii * view.focal / np.maximum(depths, _NEAREST_M)
    return pixels.reshape(-1, 2, 2), sizes, depths.mean(1)


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
