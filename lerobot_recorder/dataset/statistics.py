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

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUANTILES = {'q01': 0.01, 'q10': 0.10, 'q50': 0.50, 'q90': 0.90, 'q99': 0.99}
NAMES = ('min', 'max', 'mean', 'std', 'count', *QUANTILES)
_LEVELS = np.array(list(QUANTILES.values()))
_KNOTS = np.concatenate([[0.0], _LEVELS, [1.0]])


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
        quantiles=np.quantile(flat, _LEVELS, axis=0),
    )


class PictureHistogram:
    """Counts of the 256 values of each channel over pictures of one size.

    Attributes:
        counts: Shape (3, 256).
        pictures: How many were added.
    """

    def __init__(self) -> None:
        self.counts = np.zeros((3, 256), dtype=np.int64)
        self.pictures = 0

    def add(self, rgb: NDArray[np.uint8]) -> None:
        """Add a picture, RGB, shape (height, width, 3)."""
        planes = decimated(rgb).transpose(2, 0, 1).reshape(3, -1)
        for counts, plane in zip(self.counts, planes, strict=True):
            counts += np.bincount(plane, minlength=256)
        self.pictures += 1

    def summary(self) -> Summary:
        """Return the statistics, pixels divided by 255."""
        values = np.arange(256) / 255.0
        total = self.counts.sum(axis=1)
        mean = self.counts @ values / total
        square = np.stack([c @ (values - m) ** 2 for c, m in zip(self.counts, mean, strict=True)])
        seen = self.counts > 0
        return Summary(
            count=self.pictures,
            minimum=values[seen.argmax(axis=1)],
            maximum=values[255 - seen[:, ::-1].argmax(axis=1)],
            mean=mean,
            std=np.sqrt(square / total),
            quantiles=_histogram_quantiles(self.counts.astype(np.float64)),
        )


class QuantileSketch:
    """Quantiles of values that arrive in portions, in bounded memory.

    Up to `LIMIT` rows every value is kept. When there are more, the values of each dimension are
    replaced by half as many that split them into portions of equal weight.
    """

    LIMIT = 50_000

    def __init__(self, dimensions: int) -> None:
        self._points = [np.zeros((dimensions, 0))]
        self._weights = [np.zeros(0)]
        self._size = 0

    def add(self, rows: Floats) -> None:
        """Add rows of shape (rows, dimensions)."""
        self.extend(rows.T, np.ones(len(rows)))

    def extend(self, points: Floats, weights: Floats) -> None:
        """Add weighted points of shape (dimensions, points), as another sketch holds them."""
        for start in range(0, len(weights), self.LIMIT // 2):
            part = weights[start : start + self.LIMIT // 2]
            if self._size + len(part) > self.LIMIT:
                self._compress()
            self._points.append(points[:, start : start + len(part)].copy())
            self._weights.append(part)
            self._size += len(part)

    def content(self) -> tuple[Floats, Floats]:
        """Return the points, shape (dimensions, points), and their weights."""
        if len(self._points) > 1:
            self._points = [np.concatenate(self._points, axis=1)]
            self._weights = [np.concatenate(self._weights)]
        return self._points[0], self._weights[0]

    def quantiles(self) -> Floats:
        """Return them, shape (5, dimensions)."""
        points, weights = self.content()
        positions = _LEVELS * (weights.sum() - 1.0)
        low = _points_at(points, weights, np.floor(positions))
        high = _points_at(points, weights, np.ceil(positions))
        fraction = (positions - np.floor(positions))[:, None]
        return np.asarray(low + (high - low) * fraction)

    def _compress(self) -> None:
        points, weights = self.content()
        kept = self.LIMIT // 2
        weight = weights.sum() / kept
        ranks = np.maximum((np.arange(kept) + 0.5) * weight - 0.5, 0.0)
        self._points = [np.ascontiguousarray(_points_at(points, weights, ranks).T)]
        self._weights = [np.full(kept, weight)]
        self._size = kept


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
    """Statistics of a camera over episodes."""

    def __init__(self) -> None:
        super().__init__(3)
        self._shares = np.zeros((3, 256))

    def add(self, summary: Summary, counts: NDArray[np.int64] | None) -> None:
        """Add an episode.

        Args:
            summary: Its statistics; `count` is the number of pictures.
            counts: Its histogram, shape (3, 256). None if nobody kept it: then quantiles are
                taken from the curve through the episode's own.
        """
        self.join(summary)
        histogram = _guess_histogram(summary) if counts is None else counts.astype(np.float64)
        share = histogram / histogram.sum(axis=1, keepdims=True)
        self._shares += share * summary.count

    def summary(self) -> Summary:
        """Return the statistics of all episodes."""
        return self.with_quantiles(_histogram_quantiles(self._shares * 1e6))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that `merge` needs, as arrays."""
        return {**self.moments(), 'shares': self._shares}

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Add the episodes of another object, by its state."""
        self.join_moments(state)
        self._shares = self._shares + state['shares']


def decimated(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return every k-th row and column, k as LeRobot chooses it for its statistics."""
    height, width = rgb.shape[:2]
    longest = max(height, width)
    if longest < 300:
        return rgb
    step = longest // 150
    return rgb[::step, ::step]


def _points_at(points: Floats, weights: Floats, ranks: Floats) -> Floats:
    columns = [_at_ranks(row, weights, ranks) for row in points]
    return np.stack(columns, axis=1)


def _flat(values: NDArray[Any]) -> Floats:
    last = values.shape[-1] if values.ndim > 1 else 1
    return values.reshape(-1, last).astype(np.float64)


def _nested(row: Floats, picture: bool) -> list[Any]:
    return [[[float(value)]] for value in row] if picture else [float(value) for value in row]


def _histogram_quantiles(counts: Floats) -> Floats:
    values = np.arange(256) / 255.0
    positions = _LEVELS * (counts[0].sum() - 1.0)
    fraction = positions - np.floor(positions)
    columns = []
    for channel in counts:
        low = _at_ranks(values, channel, np.floor(positions))
        high = _at_ranks(values, channel, np.ceil(positions))
        columns.append(low + (high - low) * fraction)
    return np.stack(columns, axis=1)


def _at_ranks(values: Floats, weights: Floats, ranks: Floats) -> Floats:
    if len(weights) and weights[0] == 1.0 and (weights == 1.0).all():
        ordered, last = np.sort(values), len(values) - 1
        return np.asarray(ordered[np.minimum(ranks.astype(np.int64), last)])
    order = np.argsort(values, kind='stable')
    reached = np.cumsum(weights[order])
    index = np.searchsorted(reached, ranks, side='right')
    return np.asarray(values[order][np.minimum(index, len(values) - 1)])


def _guess_histogram(summary: Summary) -> Floats:
    """Return 256 bins per channel whose quantiles are those of the summary."""
    edges = np.arange(257) - 0.5
    knots = np.vstack([summary.minimum, summary.quantiles, summary.maximum]) * 255.0
    channels = []
    for knot in knots.T:
        rising = np.maximum.accumulate(knot) + np.arange(len(knot)) * 1e-6
        channels.append(np.diff(np.interp(edges, rising, _KNOTS, left=0.0, right=1.0)))
    return np.stack(channels)
