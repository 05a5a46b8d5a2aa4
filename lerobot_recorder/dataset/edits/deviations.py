"""Whether statistics on the disk are those that the data have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.dataset import depth_writer, schema
from lerobot_recorder.dataset.quantiles import LEVELS, QUANTILES, Floats, at_ranks
from lerobot_recorder.dataset.statistics import PictureHistogram

WHOLE = 'stats.json'
_MOMENTS, _QUANTILES, _PICTURES = 1e-4, 0.02, 0.05
"""Deviations below these parts of a feature's range come of sampling and rounding ..."""
_RANKS = 0.02
"""... and so do quantiles of a level this close to their own, or of the next row."""
_MANY = 1e6
_Bounds = tuple[Floats, Floats]


@dataclass(frozen=True)
class Deviation:
    """One statistic on the disk that is not what the data say.

    Attributes:
        where: `stats.json`, or the episode.
        feature: Of what.
        name: `min`, `mean`, `q01` ...
        part: How far it is off, in parts of the feature's range; None if it is missing.
    """

    where: str
    feature: str
    name: str
    part: float | None


def _bounds(weighted: Iterable[tuple[Floats, Floats]]) -> _Bounds:
    """Return between what values quantiles may lie.

    Args:
        weighted: Values and how often each occurs, of each dimension.

    Returns:
        Two of shape (5, dimensions).
    """
    lows, highs = [], []
    for values, weights in weighted:
        last = float(weights.sum()) - 1.0
        ranks = np.clip([LEVELS - _RANKS, LEVELS + _RANKS], 0.0, 1.0) * last
        lows.append(at_ranks(values, weights, np.maximum(np.floor(ranks[0]) - 1, 0.0)))
        highs.append(at_ranks(values, weights, np.minimum(np.ceil(ranks[1]) + 1, last)))
    return np.stack(lows, axis=1), np.stack(highs, axis=1)


def bounds_of_episode(
    key: str, columns: Mapping[str, NDArray[Any]], histograms: Mapping[str, PictureHistogram]
) -> _Bounds:
    """Return between what values the quantiles of a feature may lie in an episode."""
    if key in histograms:
        counted = histograms[key]
        return _bounds((counted.levels.values, counts * 1.0) for counts in counted.counts)
    column = columns[key]
    rows = column.reshape(-1, column.shape[-1] if column.ndim > 1 else 1).astype(np.float64)
    return _bounds((values, np.ones(len(values))) for values in rows.T)


def bounds_of_all(key: str, state: Mapping[str, NDArray[Any]], feature: schema.Feature) -> _Bounds:
    """Return between what values they may lie in all of them, by `GlobalStatistics.state()`."""
    if schema.is_picture(feature):
        values = depth_writer.levels(feature).values
        return _bounds((values, shares * _MANY) for shares in state[f'{key}/shares'])
    weights = state[f'{key}/weights']
    return _bounds((values, weights) for values in state[f'{key}/points'])


@dataclass(frozen=True)
class Judge:
    """Compares the statistics of one feature.

    Attributes:
        where: Where they were found.
        key: Of what they are.
        feature: Its entry.
        bounds: Between what values each quantile may lie.
    """

    where: str
    key: str
    feature: schema.Feature
    bounds: _Bounds

    @property
    def is_picture(self) -> bool:
        """Whether it is a camera."""
        return schema.is_picture(self.feature)

    def deviations(self, told: Any, computed: Mapping[str, Any]) -> Iterator[Deviation]:
        """Yield the statistics that differ beyond what sampling and rounding explain."""
        there = told if isinstance(told, Mapping) else {}
        scale = self._range(computed)
        for name, value in computed.items():
            expected, found = _flat(value), _flat(there.get(name))
            if found is None or expected is None or found.shape != expected.shape:
                yield Deviation(self.where, self.key, name, None)
            elif not (self.is_picture and name in ('count', 'min', 'max')):
                # Those of pictures depend on how many were looked at.
                apart = np.abs(found - expected) / (1.0 if name == 'count' else scale)
                part = float(np.max(apart))
                if not self._is_close(name, found, part, scale):
                    yield Deviation(self.where, self.key, name, part)

    def _is_close(self, name: str, found: Floats, part: float, scale: Floats) -> bool:
        if name not in QUANTILES:
            return part <= (_PICTURES if self.is_picture else _MOMENTS)
        slack = scale * (_PICTURES if self.is_picture else _QUANTILES)
        low, high = (bound[list(QUANTILES).index(name)] for bound in self.bounds)
        return bool(((low - slack <= found) & (found <= high + slack)).all())

    def _range(self, computed: Mapping[str, Any]) -> Floats:
        """Return how far values can lie apart; of a constant, what its size lets round."""
        if self.is_picture:
            values = depth_writer.levels(self.feature).values
            return np.array([values[-1] - values[0]])
        low, high = (np.asarray(computed[name], np.float64).ravel() for name in ('min', 'max'))
        largest = np.maximum(np.abs(low), np.abs(high))
        return np.asarray(np.maximum(high - low, np.maximum(largest * 1e-3, 1e-9)))


def _flat(value: Any) -> Floats | None:
    """Return numbers in a row, None if that is not what they are."""
    try:
        found = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found).all() else None
