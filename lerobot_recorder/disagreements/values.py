"""Whether numbers are those of a robot that moves: in its units, and not the same ones twice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from lerobot_drivers.common.health import Level
from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE
from lerobot_drivers.common.units import NormMode
from lerobot_recorder.disagreements.pairs import Pair, pairs
from lerobot_recorder.disagreements.signals import Signal
from lerobot_recorder.findings import Finding

FEW = 20
TURN = 2 * math.pi
DEGREE = 180 / math.pi
NEAR_ONE = 0.01
ALIKE = 0.9
"""Two courses correlated this well are those of one joint."""
SCALE = (0.5, 2.0)
NEAR = 0.1
_UNIT_NAMES = ('degrees', 'radians')
_UNITS = 'record both in one unit, or tell them apart with units: {...} of one source'


def check_values(signals: Sequence[Signal]) -> Iterator[Finding]:
    """Yield what is odd about the numbers of streams."""
    for one in signals:
        subject = f'{one.feature} {one.topic}'
        if one.doubled:
            text = f'its messages name {", ".join(one.doubled)} twice'
            yield Finding(Level.WARN, subject, text, 'one of the two values is taken')
        if len(one.values) >= FEW:
            yield from _still(one, subject)
            yield from _degrees(one, subject)
            yield from _lengths(one, subject)
    for pair in pairs(signals):
        yield from _pair(pair)


def _still(one: Signal, subject: str) -> Iterator[Finding]:
    if one.is_still:
        what = 'is there nobody who commands?' if one.feature == ACTION else 'is it frozen?'
        yield Finding(Level.WARN, subject, f'never changes; {what}',
                      'leave it out, or look at its driver')  # fmt: skip


def _degrees(one: Signal, subject: str) -> Iterator[Finding]:
    """Yield whether numbers that should be radians look like degrees."""
    if one.feature not in (OBSERVATION_STATE, ACTION) or len(one.modes) != len(one.names):
        return
    angles = [
        at
        for at, (name, mode) in enumerate(zip(one.names, one.modes, strict=True))
        if mode is NormMode.RADIANS and '.' not in name and 'wheel' not in name.lower()
    ]
    if not angles:
        return
    most = np.nan_to_num(np.abs(one.values[:, angles])).max(axis=0)
    if (most > TURN).sum() * 2 >= len(angles):
        names = ', '.join(one.names[at] for at, value in zip(angles, most, strict=True)
                          if value > TURN)  # fmt: skip
        text = f'{names}: values up to {most.max():.0f}, more than a turn: degrees, or counts?'
        advice = 'ROS has rad and m; values are kept as they are, and no units: are to be given'
        yield Finding(Level.WARN, subject, text, advice)


def _lengths(one: Signal, subject: str) -> Iterator[Finding]:
    if not one.norms.size:
        return
    off = np.abs(one.norms - 1) > NEAR_ONE
    if off.any(axis=1).mean() > NEAR_ONE:
        worst = one.norms.flat[int(np.argmax(np.abs(one.norms - 1)))]
        text = f'its quaternions are not of length 1 (up to {worst:.3g})'
        yield Finding(Level.WARN, subject, text, 'they are recorded as of length 1')


def _pair(pair: Pair) -> Iterator[Finding]:
    subject = f'{ACTION} {pair.action.topic}'
    if pair.is_mirrored:
        text = f'is {OBSERVATION_STATE} {pair.state.topic} over again: no command at all'
        advice = 'name the topic of the commands (--topics.action), or the state one row later'
        yield Finding(Level.WARN, subject, text, advice)
        return
    for name in pair.names:
        told = _joint(pair, name)
        if told:
            yield Finding(Level.WARN, subject, f'{name}: {told}', _UNITS)
    still = pair.still_ones()
    if still:
        text = f'{", ".join(still)}: commanded to move, but {pair.state.topic} says it never does'
        yield Finding(Level.WARN, subject, text, 'look at that motor, or leave the joint out')
    lag_s = pair.lag_s
    if lag_s is not None and lag_s < -pair.step_s:
        text = (
            f'comes {-lag_s * 1000:.0f} ms after the state that follows it: clocks, or a mirror?'
        )
        advice = 'compare the clocks of the two; offset_ms of its source puts it right'
        yield Finding(Level.WARN, subject, text, advice)
    elif lag_s is not None:
        text = f'the state follows it after about {max(0.0, lag_s) * 1000:.0f} ms'
        yield Finding(Level.OK, subject, text)


def _joint(pair: Pair, name: str) -> str:
    """Return how a joint's command differs from its state by more than following it."""
    fit = pair.fit(name)
    if fit is None or abs(fit.correlation) < ALIKE:
        return ''
    if fit.correlation < 0:
        return 'the command moves the other way than the state'
    for scale, (inner, outer) in ((DEGREE, _UNIT_NAMES), (1 / DEGREE, _UNIT_NAMES[::-1])):
        if abs(fit.scale / scale - 1) < NEAR:
            return f'the command is in {inner}, the state in {outer}'
    if not SCALE[0] < fit.scale < SCALE[1]:
        return (
            f'the command spans {fit.action_span:.3g} where the state spans '
            f'{fit.state_span:.3g}: another scale'
        )
    if abs(fit.offset) > max(fit.state_span, fit.action_span):
        return f'the command lies {fit.offset:+.3g} beside the state: another zero'
    return ''
