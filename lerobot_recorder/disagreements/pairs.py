"""An action beside the state that it is to move, joint by joint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE
from lerobot_recorder.disagreements.signals import WINDOW_NS, Floats, Signal

FEW = 30
MOVES = 1e-3
"""A joint whose values are spread by less does not move [rad or m]."""
LAGS_S = (-0.5, 1.0)
"""The state may follow the action by so much [s]."""
ALIKE = 0.7
SAME = 0.99
"""An action whose values are this share of the time those of the state is no action."""
FASTEST_HZ = 100.0
STRAY = 1
"""Stamps that may be nonsense, at either end [%]."""


@dataclass(frozen=True)
class Fit:
    """How a joint's command compares with its state.

    Attributes:
        correlation: of the two courses.
        scale: how many times as far the command goes.
        offset: middle of the command less that of the state.
        state_span, action_span: how far each goes.
    """

    correlation: float
    scale: float
    offset: float
    state_span: float
    action_span: float


@dataclass(frozen=True)
class Pair:
    """A part of the action and a part of the state that share joints."""

    state: Signal
    action: Signal

    @property
    def names(self) -> list[str]:
        """The joints that both have."""
        return [name for name in self.action.names if name in self.state.names]

    @cached_property
    def step_s(self) -> float:
        """How far apart the times lie at which the two are compared [s]."""
        rates = [one.rate_hz or 1.0 for one in (self.state, self.action)]
        return 1 / min(FASTEST_HZ, *rates)

    @cached_property
    def _times_ns(self) -> Floats:
        """Times at which both have values [ns]."""
        both = [
            np.percentile(one.stamps_ns, (STRAY, 100 - STRAY)) for one in (self.state, self.action)
        ]
        first, last = max(start for start, _ in both), min(end for _, end in both)
        return np.arange(first, min(last, first + 2 * WINDOW_NS), self.step_s * NS_PER_S)

    @property
    def is_long(self) -> bool:
        """Whether they have enough time in common to be compared."""
        return len(self._times_ns) >= FEW

    @cached_property
    def is_mirrored(self) -> bool:
        """Whether the action is nothing but the state's own values."""
        if not self.names or self.state.is_still:
            return False
        seen = {row.tobytes() for row in self._columns(self.state)}
        rows = self._columns(self.action)
        moving = len({row.tobytes() for row in rows}) > len(rows) // 10
        return moving and sum(row.tobytes() in seen for row in rows) >= SAME * len(rows)

    def _columns(self, one: Signal) -> Floats:
        at = [one.names.index(name) for name in self.names]
        return np.ascontiguousarray(one.values[:, at] + 0.0)

    def course(self, one: Signal, name: str) -> Floats:
        """Return the values of a joint at the common times, shape (times,)."""
        values = one.of(name)
        known = np.flatnonzero(np.isfinite(values))  # a message need not carry every joint
        if not len(known):
            return np.zeros(len(self._times_ns))
        order = known[np.argsort(one.stamps_ns[known], kind='stable')]
        return np.interp(self._times_ns, one.stamps_ns[order], values[order])

    def fit(self, name: str) -> Fit | None:
        """Return how a joint's command compares with its state, None where one does not move."""
        state, action = self.course(self.state, name), self.course(self.action, name)
        lag = 0 if self.lag_s is None else round(self.lag_s / self.step_s)
        state, action = _shifted(state, action, lag)
        spreads = float(np.std(state)), float(np.std(action))
        if len(state) < FEW or min(spreads) < MOVES:
            return None
        correlation = float(np.corrcoef(state, action)[0, 1])
        scale = spreads[1] / spreads[0]
        offset = float(np.median(action) - np.median(state))
        return Fit(correlation, scale, offset, float(np.ptp(state)), float(np.ptp(action)))

    def still_ones(self) -> list[str]:
        """Return the joints that are commanded to move and never do."""
        return [
            name
            for name in self.names
            if np.ptp(self.course(self.state, name)) == 0
            and np.std(self.course(self.action, name)) > MOVES
        ]

    @cached_property
    def lag_s(self) -> float | None:
        """How long after the action the state follows [s], None where they are not alike."""
        steps = range(round(LAGS_S[0] / self.step_s), round(LAGS_S[1] / self.step_s) + 1)
        moving = [self._speeds(name) for name in self.names]
        moving = [(s, a) for s, a in moving if np.std(s) > 0 and np.std(a) > 0]
        if not moving or len(self._times_ns) < FEW + max(steps[-1], -steps[0]):
            return None
        alike = {lag: float(np.mean([_alike(s, a, lag) for s, a in moving])) for lag in steps}
        same, turned = _best(alike), _best({lag: -value for lag, value in alike.items()})
        best = same if same is not None else turned  # a wave turned round is one that is late
        return None if best is None else best * self.step_s

    def _speeds(self, name: str) -> tuple[Floats, Floats]:
        state, action = self.course(self.state, name), self.course(self.action, name)
        return np.diff(state), np.diff(action)


def _best(alike: Mapping[int, float]) -> int | None:
    """Return the shortest lag of those at which two courses are most alike, None of strangers."""
    most = max(alike.values())
    if most < ALIKE:
        return None
    return min((lag for lag, value in alike.items() if value > most - 1e-6), key=abs)


def pairs(signals: Sequence[Signal]) -> Iterator[Pair]:
    """Yield every part of the action with the part of the state that has joints of it."""
    for action in (one for one in signals if one.feature == ACTION):
        for state in (one for one in signals if one.feature == OBSERVATION_STATE):
            pair = Pair(state, action)
            if state.topic != action.topic and pair.names and pair.is_long:
                yield pair


def _shifted(state: Floats, action: Floats, lag: int) -> tuple[Floats, Floats]:
    """Return the state so many steps later beside the action."""
    if lag >= 0:
        return state[lag:], action[: len(action) - lag]
    return state[:lag], action[-lag:]


def _alike(state: Floats, action: Floats, lag: int) -> float:
    first, second = _shifted(state, action, lag)
    if np.std(first) == 0 or np.std(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
