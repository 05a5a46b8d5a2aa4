"""Signals of an arm whose state follows its commands, to be spoilt."""

from __future__ import annotations

import numpy as np

from lerobot_drivers.common.units import NormMode
from lerobot_recorder.disagreements.signals import Signal

T0 = 1_700_000_000_000_000_000
MS = 1_000_000
STATE, ACTION = 'observation.state', 'action'


def course(seconds: np.ndarray, joints: int) -> np.ndarray:
    """Return where each joint is told to go, a course that never repeats itself."""
    speeds = np.array([[0.7, 1.9, 4.3]]) * (1 + 0.13 * np.arange(joints)[:, None])
    waves = np.sin(seconds[:, None, None] * speeds + np.arange(joints)[None, :, None])
    return waves.sum(axis=2) / 3


def signal(
    feature: str, hz: float = 50.0, seconds: float = 20.0, delay_s: float = 0.0, **more
) -> Signal:
    """Return a stream of an arm with joints a, b and c.

    Args:
        feature: the feature.
        hz: messages per second.
        seconds: how long.
        delay_s: how far it is behind the commands.
        more: what else the signal tells.
    """
    times = np.arange(round(seconds * hz)) / hz
    stamps = T0 + np.round(times * 1e9).astype(np.int64)
    names = more.pop('names', ('a', 'b', 'c'))
    known = {
        'topic': f'/{feature.rpartition(".")[2]}',
        'values': course(times - delay_s, len(names)),
        'arrivals_ns': stamps + 2 * MS,
        'headers_ns': stamps,
        'modes': (NormMode.RADIANS,) * len(names),
    }
    return Signal(feature, names=names, **{**known, **more})


def state(**more) -> Signal:
    return signal(STATE, **{'hz': 100.0, 'delay_s': 0.12, **more})


def action(**more) -> Signal:
    return signal(ACTION, **more)
