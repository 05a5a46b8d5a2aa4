"""Which rate of rows fits what was heard."""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_recorder.survey import SeenTopic

DEFAULT_FPS = 30
NOMINAL_HZ = (5, 10, 15, 20, 24, 25, 30, 50, 60)
NEAR = 0.04
"""A measured rate this close to a nominal one is that one."""
HALF = 0.5


def suggest_fps(cameras: Sequence[SeenTopic], state: SeenTopic | None) -> tuple[int, str]:
    """Return rows per second that fit, and why.

    The slowest camera sets them, so that no picture is repeated; one that is less than half as
    fast as the fastest does not.

    Args:
        cameras: the cameras that are recorded.
        state: the robot's state, which sets the rate where there is no camera.
    """
    rates = {one.topic: one.rate_hz for one in cameras if one.rate_hz is not None}
    if not rates:
        if state is None or state.rate_hz is None or state.rate_hz >= DEFAULT_FPS:
            return DEFAULT_FPS, 'the usual; there is no camera'
        return nominal(state.rate_hz), f'{state.topic} comes at {state.rate_hz:.1f} Hz'
    fast = {topic: rate for topic, rate in rates.items() if rate >= HALF * max(rates.values())}
    told = ', '.join(f'{topic} {rate:.1f} Hz' for topic, rate in sorted(rates.items()))
    return nominal(min(fast.values())), told


def nominal(rate_hz: float) -> int:
    """Return the whole rate that a measured one can hold."""
    near = [rate for rate in NOMINAL_HZ if abs(rate_hz - rate) <= NEAR * rate]
    return near[0] if near else max(1, int(rate_hz))
