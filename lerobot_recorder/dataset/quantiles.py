"""Quantiles of weighted values, and of more values than memory should hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUANTILES = {'q01': 0.01, 'q10': 0.10, 'q50': 0.50, 'q90': 0.90, 'q99': 0.99}
LEVELS = np.array(list(QUANTILES.values()))


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
        positions = LEVELS * (weights.sum() - 1.0)
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


def at_ranks(values: Floats, weights: Floats, ranks: Floats) -> Floats:
    """Return the values at ranks, counted from 0, of weighted values of one dimension."""
    if len(weights) and weights[0] == 1.0 and (weights == 1.0).all():
        ordered, last = np.sort(values), len(values) - 1
        return np.asarray(ordered[np.minimum(ranks.astype(np.int64), last)])
    order = np.argsort(values, kind='stable')
    reached = np.cumsum(weights[order])
    index = np.searchsorted(reached, ranks, side='right')
    return np.asarray(values[order][np.minimum(index, len(values) - 1)])


def _points_at(points: Floats, weights: Floats, ranks: Floats) -> Floats:
    columns = [at_ranks(row, weights, ranks) for row in points]
    return np.stack(columns, axis=1)
