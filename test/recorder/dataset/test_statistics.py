from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lerobot_recorder.dataset import statistics
from lerobot_recorder.dataset.quantiles import QuantileSketch
from lerobot_recorder.dataset.statistics import (
    NumberStatistics,
    PictureHistogram,
    PictureStatistics,
    Summary,
    summarize,
)

LEVELS = [0.01, 0.1, 0.5, 0.9, 0.99]


def test_a_column_is_summarized_exactly():
    values = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    lists = summarize(values).to_lists(picture=False)
    wide = values.astype(np.float64)
    assert list(lists) == ['min', 'max', 'mean', 'std', 'count', 'q01', 'q10', 'q50', 'q90', 'q99']
    assert lists['count'] == [200]
    np.testing.assert_array_equal(lists['min'], wide.min(0))
    np.testing.assert_allclose(lists['std'], wide.std(0))
    np.testing.assert_allclose(lists['q90'], np.quantile(wide, 0.9, axis=0))


def test_an_array_is_reduced_to_its_last_axis():
    values = np.arange(24.0).reshape(2, 3, 4)
    summary = summarize(values)
    assert summary.count == 2
    np.testing.assert_array_equal(summary.minimum, [0, 1, 2, 3])
    np.testing.assert_array_equal(summary.maximum, [20, 21, 22, 23])


def test_a_constant_and_a_bool_have_statistics():
    assert summarize(np.array([True, False, True, True])).mean == pytest.approx([0.75])
    assert summarize(np.full(9, 7, np.int64)).std.tolist() == [0.0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 2**31))
def test_joining_episodes_gives_the_statistics_of_all_values(lengths, seed):
    rng = np.random.default_rng(seed)
    parts = [rng.normal(rng.normal() * 10, 3, size=(length, 2)) for length in lengths]
    joined = NumberStatistics(2)
    for part in parts:
        joined.add(part, summarize(part))
    found, expected = joined.summary(), summarize(np.concatenate(parts))
    assert found.count == expected.count
    for name in ('minimum', 'maximum', 'mean', 'std', 'quantiles'):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-9
        )


def test_stamps_in_nanoseconds_keep_their_deviation():
    parts = [10**18 + np.arange(n, dtype=np.int64) * 33_000_000 for n in (50, 70)]
    joined = NumberStatistics(1)
    for part in parts:
        joined.add(part, summarize(part))
    exact = np.concatenate(parts) - 10**18
    np.testing.assert_allclose(joined.summary().std, [exact.std()], rtol=1e-4)


def test_a_sketch_beyond_its_limit_stays_within_a_tenth_of_a_percent():
    rng = np.random.default_rng(3)
    sketch, parts = QuantileSketch(2), []
    for number in range(90):
        part = rng.normal(number / 10, 1 + number % 3, size=(2500, 2))
        sketch.add(part)
        parts.append(part)
    everything = np.sort(np.concatenate(parts), axis=0)
    for level, row in zip(LEVELS, sketch.quantiles(), strict=True):
        for dimension in range(2):
            rank = np.searchsorted(everything[:, dimension], row[dimension]) / len(everything)
            assert abs(rank - level) < 1e-3


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5))
def test_a_histogram_gives_the_statistics_of_the_decimated_pixels(seed, count):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(16, 400)), int(rng.integers(16, 700)), 3)
    pictures = [
        rng.integers(0, rng.integers(2, 256), shape).astype(np.uint8) for _ in range(count)
    ]
    histogram = PictureHistogram()
    for picture in pictures:
        histogram.add(picture)
    pixels = np.concatenate([statistics.decimated(p).reshape(-1, 3) for p in pictures]) / 255.0
    found = histogram.summary()
    assert found.count == count
    np.testing.assert_allclose(found.minimum, pixels.min(0))
    np.testing.assert_allclose(found.maximum, pixels.max(0))
    np.testing.assert_allclose(found.mean, pixels.mean(0), atol=1e-12)
    np.testing.assert_allclose(found.std, pixels.std(0), atol=1e-12)
    np.testing.assert_allclose(found.quantiles, np.quantile(pixels, LEVELS, axis=0), atol=1e-12)


@pytest.mark.parametrize(
    ('size', 'expected'),
    [((480, 640), (120, 160)), ((640, 480), (160, 120)), ((240, 320), (120, 160)),
     ((48, 64), (48, 64)), ((720, 1280), (90, 160)), ((300, 300), (150, 150))],
)  # fmt: skip
def test_pictures_are_decimated_like_lerobot_does_it(size, expected):
    assert statistics.decimated(np.zeros((*size, 3), np.uint8)).shape[:2] == expected


def test_cameras_join_exactly_with_histograms_and_closely_without():
    rng = np.random.default_rng(5)
    exact, guessed, pixels = PictureStatistics(), PictureStatistics(), []
    for mean in (60, 130, 190):
        histogram = PictureHistogram()
        for _ in range(4):
            picture = rng.normal(mean, 25, (40, 40, 3)).clip(0, 255).astype(np.uint8)
            histogram.add(picture)
            pixels.append(picture.reshape(-1, 3))
        exact.add(histogram.summary(), histogram.counts)
        guessed.add(histogram.summary(), None)
    flat = np.concatenate(pixels) / 255.0
    expected = np.quantile(flat, LEVELS, axis=0)
    np.testing.assert_allclose(exact.summary().quantiles, expected, atol=1 / 255 + 1e-9)
    np.testing.assert_allclose(exact.summary().std, flat.std(0), atol=1e-12)
    np.testing.assert_allclose(guessed.summary().quantiles, expected, atol=0.05)
    np.testing.assert_allclose(guessed.summary().mean, flat.mean(0), atol=1e-12)


def test_lists_come_back():
    summary = summarize(np.arange(12.0).reshape(4, 3))
    for picture in (True, False):
        again = Summary.from_lists(summary.to_lists(picture))
        np.testing.assert_array_equal(again.quantiles, summary.quantiles)
    assert np.shape(summary.to_lists(picture=True)['min']) == (3, 1, 1)
