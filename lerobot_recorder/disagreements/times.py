"""Whether the streams run on one clock, and fast enough for the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.health import Level
from lerobot_recorder.disagreements.signals import Signal
from lerobot_recorder.findings import Finding
from lerobot_recorder.mapping import is_action
from lerobot_recorder.preflight import AHEAD_NS, OLD_NS
from lerobot_recorder.rates import LOW
from lerobot_recorder.stream_health import DRIFT_NS

FEW = 20
"""Fewer messages tell nothing of a clock."""
DOUBLED = 0.01
SILENT = 0.5
SHARE = 0.1
MIN_SPAN_NS = 5 * NS_PER_S
_CLOCK = 'give its source "clock: source" to take the time of logging, or offset_ms'


def check_times(signals: Sequence[Signal], fps: int) -> Iterator[Finding]:
    """Yield what is odd about the stamps of streams.

    Args:
        signals: the streams of numbers.
        fps: rows per second.
    """
    stamped = [one for one in signals if len(one.lags_ns) >= FEW]
    usual_ns = float(np.median([np.median(one.lags_ns) for one in stamped])) if stamped else 0.0
    for one in signals:
        yield from _rate(one, fps)
        yield from _silence(one)
        if len(one.stamps_ns) < FEW:
            continue
        yield from _doubles(one)
        yield from _header(one, bool(stamped))
        yield from _distance(one, usual_ns)
        yield from _drift(one)


def _rate(one: Signal, fps: int) -> Iterator[Finding]:
    rate = one.rate_hz
    if rate is None or rate >= LOW * fps or len(one.stamps_ns) < FEW:
        return
    between = (
        'each is held until the next' if is_action(one.feature) else 'the rest is interpolated'
    )
    text = f'comes at {rate:.1f} Hz, the rows at {fps}: {between}'
    advice = f'lower --dataset.fps to {max(1, round(rate))}, or leave it so on purpose'
    yield Finding(Level.WARN, f'{one.feature} {one.topic}', text, advice)


def _silence(one: Signal) -> Iterator[Finding]:
    if one.silent_share < SILENT or not is_action(one.feature):
        return
    text = f'is silent for {one.silent_share:.0%} of the time: its last value is held'
    advice = 'cut out the time in which nobody commands (--start_s, --end_s, or episodes)'
    yield Finding(Level.WARN, f'{one.feature} {one.topic}', text, advice)


def _doubles(one: Signal) -> Iterator[Finding]:
    steps = np.diff(one.stamps_ns)
    subject, share = f'{one.feature} {one.topic}', float((steps == 0).mean())
    if share > DOUBLED:
        text = f'{share:.0%} of its messages have the stamp of the one before'
        yield Finding(Level.WARN, subject, text, 'the first of each is taken; mend its driver')
    back = float((steps < 0).mean())
    if back > DOUBLED:
        text = f'{back:.0%} of its stamps lie before the one before'
        yield Finding(Level.WARN, subject, text, 'two publishers on one topic? Record them apart')


def _header(one: Signal, others_have: bool) -> Iterator[Finding]:
    if len(one.lags_ns) >= len(one.stamps_ns) * (1 - SHARE) or not others_have:
        return
    steps = np.diff(one.arrivals_ns)
    jitter_ms = float(np.percentile(np.abs(steps - np.median(steps)), 90)) / 1e6
    why = 'has no header' if one.headers_ns is None else 'has header stamps of zero'
    text = (
        f'{why}, others have one: it is placed by its arrival, which varies by {jitter_ms:.0f} ms '
        'from message to message'
    )
    advice = 'give offset_ms if its way into the bag is known to be long'
    yield Finding(Level.WARN, f'{one.feature} {one.topic}', text, advice)


def _distance(one: Signal, usual_ns: float) -> Iterator[Finding]:
    """Yield whether a stream's clock is another than that of most."""
    if len(one.lags_ns) < FEW:
        return
    lag_ns, subject = float(np.median(one.lags_ns)), f'{one.feature} {one.topic}'
    apart_ns = lag_ns - usual_ns
    if apart_ns > OLD_NS:
        text = f'its stamps are {apart_ns / 1e9:.2f} s older on arrival than those of the others'
        yield Finding(Level.WARN, subject, f'{text}: a clock behind, or a slow device', _CLOCK)
    elif apart_ns < -AHEAD_NS:
        text = f'its clock is {-apart_ns / 1e9:.2f} s ahead of that of the others'
        yield Finding(Level.WARN, subject, text, _CLOCK)


def _drift(one: Signal) -> Iterator[Finding]:
    lags = one.lags_ns
    span_ns = int(np.ptp(one.stamps_ns))
    if len(lags) < 4 * FEW or span_ns < MIN_SPAN_NS:
        return
    part = len(lags) // 4
    drift_ns = float(np.median(lags[-part:]) - np.median(lags[:part]))
    if abs(drift_ns) > DRIFT_NS:
        text = (
            f'its stamps and the log run apart: {drift_ns / 1e6:+.0f} ms within '
            f'{span_ns / 1e9:.0f} s'
        )
        yield Finding(Level.WARN, f'{one.feature} {one.topic}', text, _CLOCK)
