"""The room around the simulated arm: a table with a mat, and a wall."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.sim.camera_model import View

Image = NDArray[np.uint8]

_PER_METRE = 800
_X = (-0.40, 0.70)
_Y = (-0.75, 0.75)
_MAT_X = (0.07, 0.45)
_MAT_Y = (-0.33, 0.33)
_WOOD = np.array([208, 196, 180], float)
_MAT = (84, 91, 98)
_MAT_LINE = (122, 129, 135)
_MAT_TEXT = (205, 209, 212)
_SUPERSAMPLE = 2
_WALL_QUICKLY = (150, 152, 155)
TABLE_CENTRE = ((_X[0] + _X[1]) / 2, (_Y[0] + _Y[1]) / 2)
TABLE_HALF = ((_X[1] - _X[0]) / 2, (_Y[1] - _Y[0]) / 2)


def table_texture() -> Image:
    """Return the table from above, rgb: planks, and a cutting mat with a 5 cm grid."""
    height, width = (round((high - low) * _PER_METRE) for low, high in (_X, _Y))
    chance = np.random.default_rng(7)
    plank = np.repeat(chance.uniform(-7, 7, 9), -(-width // 9))[:width]
    grain = cv2.GaussianBlur(chance.normal(0, 18, (height, width)), (0, 0), 40, sigmaY=1.2)
    texture = _WOOD + (plank + 6 * grain)[..., None]
    seams = np.arange(width) % -(-width // 9) < 2
    texture[:, seams] -= 26
    image = np.ascontiguousarray(np.clip(texture, 0, 255), np.uint8)
    _draw_mat(image)
    return image


def texture_to_table() -> NDArray[np.float64]:
    """Return the homography from texture pixels to (x, y) on the table [m], 3 by 3."""
    scale = 1.0 / _PER_METRE
    return np.array([[0, -scale, _X[1]], [-scale, 0, _Y[1]], [0, 0, 1.0]])


def draw_room(view: View, texture: Image) -> Image:
    """Return wall and table as a standing view sees them, rgb."""
    s = _SUPERSAMPLE
    size = (view.width * s, view.height * s)
    finer = np.array([[s, 0, (s - 1) / 2], [0, s, (s - 1) / 2], [0, 0, 1.0]])
    image = np.array(_wall(size))
    _warp_table(finer @ table_homography(view), texture, image)
    small = cv2.resize(image, (view.width, view.height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small, np.uint8)


def draw_room_quickly(view: View, texture: Image, image: Image) -> None:
    """Draw wall and table into a picture, at half its resolution, for a view that moves."""
    height, width = image.shape[:2]
    coarse = cv2.warpPerspective(
        texture,
        np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1.0]]) @ table_homography(view),
        ((width + 1) // 2, (height + 1) // 2),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_WALL_QUICKLY,
    )
    cv2.resize(coarse, (width, height), dst=image, interpolation=cv2.INTER_LINEAR)


def table_homography(view: View) -> NDArray[np.float64]:
    """Return the homography from texture pixels to the picture's, 3 by 3."""
    on_table = np.column_stack([view.rotation[:, :2], -view.rotation @ view.eye])
    return np.asarray(view.matrix @ on_table @ texture_to_table())


def _warp_table(homography: NDArray[np.float64], texture: Image, image: Image) -> None:
    height, width = image.shape[:2]
    cv2.warpPerspective(
        texture,
        homography,
        (width, height),
        dst=image,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    )


def _wall(size: tuple[int, int]) -> Image:
    width, height = size
    shade = np.linspace(228, 168, height)[:, None, None] * np.array([0.99, 1.0, 1.01])
    return np.asarray(np.broadcast_to(shade, (height, width, 3)).clip(0, 255), np.uint8)


def _draw_mat(image: Image) -> None:
    upper_left = _texel(_MAT_X[1], _MAT_Y[1])
    lower_right = _texel(_MAT_X[0], _MAT_Y[0])
    cv2.rectangle(image, upper_left, lower_right, _MAT, -1)
    for x in np.arange(_MAT_X[0] + 0.04, _MAT_X[1], 0.05):
        cv2.line(image, _texel(x, _MAT_Y[0]), _texel(x, _MAT_Y[1]), _MAT_LINE, 1)
    for y in np.arange(_MAT_Y[0] + 0.03, _MAT_Y[1], 0.05):
        cv2.line(image, _texel(_MAT_X[0], y), _texel(_MAT_X[1], y), _MAT_LINE, 1)
    cv2.rectangle(image, upper_left, lower_right, _MAT_TEXT, 3)
    for side in (-1, 1):
        centre = _texel(0.245, 0.15 * side)
        cv2.circle(image, centre, round(0.052 * _PER_METRE), _MAT_TEXT, 3, cv2.LINE_AA)
    _write_name(image)


def _write_name(image: Image) -> None:
    """Write on the mat so that it reads from the front."""
    x1, y1 = _texel(0.41, 0.10)
    x2, y2 = _texel(0.37, -0.10)
    label = np.ascontiguousarray(image[y1:y2, x1:x2][::-1, ::-1])
    where = (4, label.shape[0] - 9)
    cv2.putText(label, 'lerobot_ros', where, cv2.FONT_HERSHEY_DUPLEX, 0.85, _MAT_TEXT, 1, 16)
    image[y1:y2, x1:x2] = label[::-1, ::-1]


def _texel(x: float, y: float) -> tuple[int, int]:
    return round((_Y[1] - y) * _PER_METRE), round((_X[1] - x) * _PER_METRE)
