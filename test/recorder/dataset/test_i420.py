"""Planes for encoders, against the definition of BT.601 in video range."""

from __future__ import annotations

import numpy as np
import pytest

from lerobot_recorder.dataset.i420 import to_i420

TO_YCBCR = np.array(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
)
OFFSETS = np.array([16.0, 128.0, 128.0])


def expected(rgb):
    """Luma of each pixel, colours of the mean of each four; shapes as planes have them."""
    height, width, _ = rgb.shape
    luma = (rgb @ TO_YCBCR[0] / 255 + OFFSETS[0]).reshape(height, width)
    mean = rgb.reshape(height // 2, 2, width // 2, 2, 3).astype(float).mean(axis=(1, 3))
    colours = mean @ TO_YCBCR[1:].T / 255 + OFFSETS[1:]
    return luma, colours[..., 0], colours[..., 1]


def parts(planes, height, width):
    luma = planes[:height]
    below = planes[height:].reshape(2, height // 2, width // 2)
    return luma, below[0], below[1]


@pytest.mark.parametrize('size', [(48, 64), (2, 2), (6, 130), (480, 640)])
@pytest.mark.parametrize('is_bgr', [False, True])
@pytest.mark.parametrize('channels', [3, 4])
def test_planes_are_those_of_the_definition(size, is_bgr, channels):
    rgb = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    given = rgb[..., ::-1] if is_bgr else rgb
    if channels == 4:
        given = np.dstack([given, np.full(size, 7, np.uint8)])
    found = parts(to_i420(given, is_bgr), *size)
    for plane, wanted in zip(found, expected(rgb), strict=True):
        assert np.abs(plane - wanted).max() <= 1.6


def test_extremes_stay_in_range():
    for colour in ((0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)):
        rgb = np.full((4, 4, 3), colour, np.uint8)
        luma, cb, cr = parts(to_i420(rgb), 4, 4)
        assert luma.min() >= 16 and luma.max() <= 235
        assert min(cb.min(), cr.min()) >= 16 and max(cb.max(), cr.max()) <= 240


def test_a_view_with_gaps_is_taken_as_well():
    rgb = np.random.default_rng(2).integers(0, 256, (48, 128, 3), dtype=np.uint8)
    assert np.array_equal(to_i420(rgb[:, ::2]), to_i420(np.ascontiguousarray(rgb[:, ::2])))
