"""When the robot moved: how fast each element of its state changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.naming import OBSERVATION_STATE
from lerobot_recorder.conversion.config import EpisodesConfig
from lerobot_recorder.conversion.span import EpisodeSpan, Skipped, Spans
from lerobot_recorder.mapping import MappingConfig, is_action, is_image_feature

LOOKED_AT_HZ = 20
"""So often the state is looked at; a robot that moves does so for longer [1/s]."""
MEAN_OF = 5
"""So many of these are averaged: what is left of the noise of encoders moves nothing."""
OVER_S = 0.5
"""Over so much time it is seen how far it has moved [s]."""
SHARE = 0.05
"""Of the range that an element has in the bag: what it moves in a second at least."""
STILL_SHARE = 0.2
"""An element whose range is less than this share of the widest one's is judged by that."""

Intervals = Sequence[tuple[int, int]]


@dataclass
class MotionLog:
    """What is kept of one stream: some of its values.

    Attributes:
        stamps: when [ns].
        values: what, NaN where it was not told.
    """

    stamps: list[int] = field(default_factory=list)
    values: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, stamp_ns: int, value: NDArray[np.float64]) -> None:
        """Keep a value, if none has been for long enough."""
        if not self.stamps or stamp_ns - self.stamps[-1] >= NS_PER_S / LOOKED_AT_HZ * 0.9:
            self.stamps.append(stamp_ns)
            self.values.append(value.astype(np.float32))

    def moving(self, speed: float | None) -> list[tuple[int, int]]:
        """Return when it was faster than a speed [1/s], by default than its range asks for."""
        if len(self.stamps) < 2:
            return []
        times = np.array(self.stamps, np.int64)
        values = _averaged(_filled(np.stack(self.values).astype(np.float64)))
        least = speed if speed is not None else _usual_speed(values)
        before = np.searchsorted(times, times - round(OVER_S * NS_PER_S), 'right') - 1
        before = np.maximum(before, 0)
        taken_s = np.maximum((times - times[before]) / NS_PER_S, OVER_S)
        moved = np.abs(values - values[before]) > least * taken_s[:, None]
        at = np.flatnonzero(moved.any(axis=1))
        middles = (times[before] + times) // 2
        return [(int(middles[k]), int(middles[k])) for k in at]


def state_mapping(mapping: MappingConfig) -> MappingConfig | None:
    """Return the part of a mapping that tells how the robot moves, None if there is none."""
    known = {OBSERVATION_STATE: mapping.features.get(OBSERVATION_STATE)}
    found = {key: feature for key, feature in known.items() if feature is not None} or {
        key: feature
        for key, feature in mapping.features.items()
        if not is_image_feature(key) and not is_action(key) and not feature.is_window
    }
    return replace(mapping, features=found, native={}, reference=None) if found else None


def joined(intervals: Iterable[tuple[int, int]], near_ns: int) -> list[tuple[int, int]]:
    """Return intervals in order, those nearer than some time made one [ns]."""
    found: list[tuple[int, int]] = []
    for start_ns, end_ns in sorted(intervals):
        if found and start_ns - found[-1][1] <= near_ns:
            found[-1] = (found[-1][0], max(end_ns, found[-1][1]))
        else:
            found.append((start_ns, end_ns))
    return found


def without_rests(spans: Spans, moving: Intervals, config: EpisodesConfig) -> Spans:
    """Return spans without what is idle in them: at both ends, and long rests in the middle.

    Args:
        spans: as they are.
        moving: when the robot moved [ns].
        config: which rests are left out.
    """
    kept: list[EpisodeSpan] = []
    skipped = list(spans.skipped)
    for span in spans.spans:
        inside = [part for part in moving if part[1] >= span.start_ns and part[0] <= span.end_ns]
        if inside:
            kept += _cut(span, joined(inside, _rest_ns(config)), config)
        else:
            skipped.append(Skipped(span, 'the robot does not move in it'))
    return replace(spans, spans=tuple(kept), skipped=tuple(skipped))


def _cut(span: EpisodeSpan, parts: Intervals, config: EpisodesConfig) -> list[EpisodeSpan]:
    """Return a span for each part in which the robot moves; the last one has the outcome."""
    margin_ns = round(config.idle_margin_s * NS_PER_S)
    starts = [start_ns - margin_ns for start_ns, _ in parts]
    ends = [end_ns + margin_ns for _, end_ns in parts]
    if not config.trim_idle:
        starts[0], ends[-1] = span.start_ns, span.end_ns
    outcomes = [None] * (len(parts) - 1) + [span.outcome]
    return [
        replace(span.within(start_ns, end_ns), outcome=outcome)
        for start_ns, end_ns, outcome in zip(starts, ends, outcomes, strict=True)
    ]


def _rest_ns(config: EpisodesConfig) -> int:
    if config.split_idle_s is None:
        return 2**62
    least_s = max(config.split_idle_s, 2 * config.idle_margin_s)
    return round(least_s * NS_PER_S)


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values with what is not told as it was before."""
    for column in values.T:
        known = np.flatnonzero(np.isfinite(column))
        if len(known) < len(column):
            at = np.searchsorted(known, np.arange(len(column)), 'right') - 1
            column[:] = column[known[np.maximum(at, 0)]] if len(known) else 0.0
    return values


def _averaged(values: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.pad(values, ((MEAN_OF // 2, MEAN_OF // 2), (0, 0)), mode='edge')
    windows = np.lib.stride_tricks.sliding_window_view(padded, MEAN_OF, axis=0)
    return np.asarray(windows.mean(axis=-1))


def _usual_speed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.percentile(values, [1, 99], axis=0)
    spread = high - low
    least = STILL_SHARE * spread.max(initial=0.0)
    return np.asarray(SHARE * np.maximum(spread, least))
