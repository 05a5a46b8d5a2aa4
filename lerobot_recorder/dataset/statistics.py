"""Statistics of one episode and of a whole dataset, as training reads them.

Minimum, maximum, mean, standard deviation (population) and count of a dataset are exact: they are
joined from the episodes by the parallel formula. Its quantiles are those of all values too, not
LeRobot's mean of the episodes' quantiles: of pictures exactly, by adding histograms of 256 bins;
of numbers exactly up to `QuantileSketch.LIMIT` frames, and beyond that with a rank error far
below 0.1 %.

Pictures are decimated as LeRobot does it (about 150 columns) and every frame of an episode is
looked at; `count` is the number of pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.dataset.quantiles import (
    LEVELS,
    QUANTILES,
    Floats,
    QuantileSketch,
    at_ranks,
)

NAMES = ('min', 'max', 'mean', 'std', 'count', *QUANTILES)
_KNOTS = np.concatenate([[0.0], LEVELS, [1.0]])


@dataclass(frozen=True)
class Summary:
    """The statistics of one feature.

    Attributes:
        count: Frames, or pictures looked at.
        minimum, maximum, mean, std: Shape (dimensions,).
        quantiles: Shape (5, dimensions), in the order of `QUANTILES`.
    """

    count: int
    minimum: Floats
    maximum: Floats
    mean: Floats
    std: Floats
    quantiles: Floats

    def to_lists(self, picture: bool) -> dict[str, list[Any]]:
        """Return them as stats.json holds them: pictures as [channels][1][1]."""
        rows = [self.minimum, self.maximum, self.mean, self.std]
        lists: dict[str, list[Any]] = {}
        for name, row in zip(NAMES, rows, strict=False):
            lists[name] = _nested(row, picture)
        lists['count'] = [int(self.count)]
        for name, row in zip(QUANTILES, self.quantiles, strict=True):
            lists[name] = _nested(row, picture)
        return lists

    @classmethod
    def from_lists(cls, lists: Mapping[str, Any]) -> Summary:
        """Return statistics from stats.json or an episode's columns; quantiles may be absent."""

        def row(name: str) -> Floats:
            return np.asarray(lists[name], dtype=np.float64).reshape(-1)

        mean = row('mean')
        quantiles = [row(name) if lists.get(name) is not None else mean for name in QUANTILES]
        return cls(
            int(row('count')[0]), row('min'), row('max'), mean, row('std'), np.stack(quantiles)
        )


def joined(one: Summary, other: Summary) -> Summary:
    """Return the statistics of two sets of values, in no time.

    All are exact but the quantiles, which are the weighted mean of both (as LeRobot joins them);
    see `GlobalStatistics` for exact ones.
    """
    both = Accumulator(len(one.mean))
    both.join(one)
    both.join(other)
    share = other.count / both.count
    return both.with_quantiles(one.quantiles * (1 - share) + other.quantiles * share)


def summarize(values: NDArray[Any]) -> Summary:
    """Return the exact statistics of a column.

    Args:
        values: Shape (frames,) or (frames, ..., dimensions); at least one frame. All but the last
            axis are reduced, as LeRobot does it.
    """
    flat = _flat(values)
    return Summary(
        count=len(values),
        minimum=flat.min(axis=0),
        maximum=flat.max(axis=0),
        mean=flat.mean(axis=0),
        std=flat.std(axis=0),
        quantiles=np.quantile(flat, LEVELS, axis=0),
    )


@dataclass(frozen=True)
class Levels:
    """What the values of a camera's pixels mean.

    Attributes:
        channels: How many there are.
        values: What each value of a pixel stands for, shape (levels,), rising.
    """

    channels: int
    values: Floats


RGB = Levels(3, np.arange(256) / 255.0)


class PictureHistogram:
    """Counts of the values of each channel over pictures of one size.

    Args:
        levels: What the values mean.

    Attributes:
        levels: What the values mean.
        pictures: How many were added.
    """

    def __init__(self, levels: Levels = RGB) -> None:
        self.levels = levels
        self._counts = np.zeros((levels.channels, len(levels.values)), dtype=np.int64)
        self.pictures = 0

    @classmethod
    def of_counts(
        cls, counts: NDArray[np.int64], levels: Levels, pictures: int
    ) -> PictureHistogram:
        """Return what was counted before."""
        histogram = cls(levels)
        histogram._counts, histogram.pictures = counts, pictures
        return histogram

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each value occurs, shape (channels, levels)."""
        return self._counts

    def wants_next(self) -> bool:
        """Return whether the next picture is to be added."""
        return True

    def skip(self) -> None:
        """Pass over a picture that was not wanted."""

    def add(self, pixels: NDArray[Any]) -> None:
        """Add a picture, shape (height, width, channels), or (height, width) of one channel."""
        self._counts += self.count(pixels)
        self.pictures += 1

    def count(self, pixels: NDArray[Any]) -> NDArray[np.int64]:
        """Return the counts of one picture, decimated as LeRobot does it."""
        few, size = decimated(pixels), len(self.levels.values)
        few = np.ascontiguousarray(few.reshape(*few.shape[:2], self.levels.channels))
        channels = range(self.levels.channels)
        counts = [cv2.calcHist([few], [c], None, [size], [0, size]) for c in channels]
        return np.stack([one.ravel() for one in counts]).astype(np.int64)

    def summary(self) -> Summary:
        """Return the statistics, in what the values stand for."""
        return _summary_of_counts(self.counts, self.pictures, self.levels.values)


class Accumulator:
    """Statistics of one feature over episodes, joined by the parallel formula."""

    def __init__(self, dimensions: int) -> None:
        self.count = 0
        self._minimum = np.full(dimensions, np.inf)
        self._maximum = np.full(dimensions, -np.inf)
        self._mean = np.zeros(dimensions)
        self._square = np.zeros(dimensions)

    def join(self, other: Summary) -> None:
        """Add an episode's minimum, maximum, mean and deviation."""
        total = self.count + other.count
        delta = other.mean - self._mean
        self._mean = self._mean + delta * (other.count / total)
        self._square = (
            self._square
            + other.std**2 * other.count
            + delta**2 * (self.count * other.count / total)
        )
        self._minimum = np.minimum(self._minimum, other.minimum)
        self._maximum = np.maximum(self._maximum, other.maximum)
        self.count = total

    def moments(self) -> dict[str, NDArray[Any]]:
        """Return count, minimum, maximum, mean and sum of squared deviations."""
        return {
            'count': np.array(self.count),
            'minimum': self._minimum,
            'maximum': self._maximum,
            'mean': self._mean,
            'square': self._square,
        }

    def join_moments(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Add what another object's `moments` returned."""
        count = int(state['count'])
        if count:
            std = np.sqrt(state['square'] / count)
            limits = state['minimum'], state['maximum']
            self.join(Summary(count, *limits, state['mean'], std, np.zeros((5, 0))))

    def with_quantiles(self, quantiles: Floats) -> Summary:
        """Return the statistics of all that was joined."""
        std = np.sqrt(self._square / self.count)
        return Summary(self.count, self._minimum, self._maximum, self._mean, std, quantiles)


class NumberStatistics(Accumulator):
    """Statistics of a numeric feature over episodes."""

    def __init__(self, dimensions: int) -> None:
        super().__init__(dimensions)
        self._sketch = QuantileSketch(dimensions)

    def add(self, values: NDArray[Any], summary: Summary) -> None:
        """Add an episode: its column, shape (frames, ...), and its statistics."""
        self.join(summary)
        self._sketch.add(_flat(values))

    def summary(self) -> Summary:
        """Return the statistics of all episodes."""
        return self.with_quantiles(self._sketch.quantiles())

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that `merge` needs, as arrays."""
        points, weights = self._sketch.content()
        return {**self.moments(), 'points': points, 'weights': weights}

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Add the episodes of another object, by its state."""
        self.join_moments(state)
        self._sketch.extend(state['points'].astype(np.float64), state['weights'])


class PictureStatistics(Accumulator):
    """Statistics of a camera over episodes.

    Args:
        levels: What the values of its pixels mean.
    """

    def __init__(self, levels: Levels = RGB) -> None:
        super().__init__(levels.channels)
        self._values = levels.values
        self._shares = np.zeros((levels.channels, len(levels.values)))

    def add(self, summary: Summary, counts: NDArray[np.int64] | None) -> None:
        """Add an episode.

        Args:
            summary: Its statistics; `count` is the number of pictures.
            counts: Its histogram, shape (channels, levels). None if nobody kept it: then
                quantiles are taken from the curve through the episode's own.
        """
        self.join(summary)
        if counts is None or counts.shape != self._shares.shape:
            histogram = _guess_histogram(summary, self._values)
        else:
            histogram = counts.astype(np.float64)
        share = histogram / histogram.sum(axis=1, keepdims=True)
        self._shares += share * summary.count

    def summary(self) -> Summary:
        """Return the statistics of all episodes."""
        return self.with_quantiles(_histogram_quantiles(self._shares * 1e6, self._values))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that `merge` needs, as arrays."""
        return {**self.moments(), 'shares': self._shares}

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Add the episodes of another object, by its state."""
        self.join_moments(state)
        self._shares = self._shares + state['shares']


def decimated(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return every k-th row and column, k as LeRobot chooses it for its statistics."""
    step = decimation(*pixels.shape[:2])
    return pixels[::step, ::step]


def decimation(height: int, width: int) -> int:
    """Return LeRobot's k for pictures of a size [px]; 1 for those that are decimated already."""
    longest = max(height, width)
    return 1 if longest < 300 else longest // 150


def _flat(values: NDArray[Any]) -> Floats:
    last = values.shape[-1] if values.ndim > 1 else 1
    return values.reshape(-1, last).astype(np.float64)


def _nested(row: Floats, picture: bool) -> list[Any]:
    return [[[float(value)]] for value in row] if picture else [float(value) for value in row]


def _summary_of_counts(counts: NDArray[np.int64], pictures: int, values: Floats) -> Summary:
    total = counts.sum(axis=1)
    mean = counts @ values / total
    square = np.stack([c @ (values - m) ** 2 for c, m in zip(counts, mean, strict=True)])
    seen = counts > 0
    return Summary(
        count=pictures,
        minimum=values[seen.argmax(axis=1)],
        maximum=values[len(values) - 1 - seen[:, ::-1].argmax(axis=1)],
        mean=mean,
        std=np.sqrt(square / total),
        quantiles=_histogram_quantiles(counts.astype(np.float64), values),
    )


def _histogram_quantiles(counts: Floats, values: Floats) -> Floats:
    positions = LEVELS * (counts[0].sum() - 1.0)
    fraction = positions - np.floor(positions)
    columns = []
    for channel in counts:
        low = at_ranks(values, channel, np.floor(positions))
        high = at_ranks(values, channel, np.ceil(positions))
        columns.append(low + (high - low) * fraction)
    return np.stack(columns, axis=1)


def _guess_histogram(summary: Summary, values: Floats) -> Floats:
    """Return counts per channel whose quantiles are those of the summary."""
    middles = (values[1:] + values[:-1]) / 2
    edges = np.concatenate([[-np.inf], middles, [np.inf]])
    knots = np.vstack([summary.minimum, summary.quantiles, summary.maximum])
    channels = []
    for knot in knots.T:
        rising = np.maximum.accumulate(knot) + np.arange(len(knot)) * 1e-9
        channels.append(np.diff(np.interp(edges, rising, _KNOTS, left=0.0, right=1.0)))
    return np.stack(channels)
