"""How far the joints of a row are from its picture, by way of matching.

    python benchmarks/sync_accuracy.py

One minute of two cameras (29.97 Hz, 30 ms late, 1 % drops and one outage of 0.4 s; 30 Hz,
60 ms late, its clock 50 ppm off), joint states at 100 Hz and commands at 50 Hz; the joint
goes sin(2 pi 0.5 t). The last two ways are the usual ones of others, restated here in a
few lines: the latest value at each tick of a timer, and sets of messages whose header
stamps are approximately the same (one row per set, a picture used once).
"""

from __future__ import annotations

import math
import random
import sys
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from lerobot_recorder.streams import StreamConfig, Take
from lerobot_recorder.synchronizer import SyncConfig, Synchronizer, SyncMode

S = 1_000_000_000
MS = 1_000_000
FPS = 30
SECONDS = 60
STREAMS = ('front', 'wrist', 'state', 'action')


@dataclass(frozen=True)
class Message:
    """A message: when it was received and acquired [ns], and on which stream."""

    received: int
    stamp: int
    stream: str


@dataclass(frozen=True)
class Row:
    """What a row holds: stamps of both pictures [ns] and the joint's value [rad]."""

    front: int
    wrist: int
    joint: float


def angle(stamp: int) -> float:
    """Return the true joint angle [rad] at a time [ns]."""
    return math.sin(2 * math.pi * 0.5 * stamp / S)


def scene() -> list[Message]:
    """Return all messages in order of arrival."""
    chance = random.Random(0)

    def stream(name: str, hertz: float, latency_ms: float, start: int = 0) -> list[Message]:
        stamps = [start + round(k * S / hertz) for k in range(round(hertz * SECONDS))]
        delays = [round((latency_ms + chance.uniform(0, 4)) * MS) for _ in stamps]
        return [Message(s + d, s, name) for s, d in zip(stamps, delays, strict=True)]

    front = [
        m
        for m in stream('front', 29.97, 28)
        if chance.random() > 0.01 and not 20 * S <= m.stamp < 20 * S + 400 * MS
    ]
    wrist = stream('wrist', 30 / (1 + 50e-6), 58, 7 * MS)
    numbers = stream('state', 100, 0.5) + stream('action', 50, 0.5)
    return sorted([*front, *wrist, *numbers], key=lambda m: m.received)


def synchronized(messages: list[Message], mode: SyncMode) -> list[Row]:
    """Return the rows of our synchronizer."""
    streams = (
        StreamConfig('front', Take.NEAREST),
        StreamConfig('wrist', Take.NEAREST),
        StreamConfig('state', Take.INTERPOLATE),
        StreamConfig('action', Take.NEXT, may_be_silent=True),
    )
    sync = Synchronizer(SyncConfig(FPS, streams, mode=mode))
    rows = []
    for message in messages:
        value = np.array([angle(message.stamp)])
        sync.add(message.stream, message.stamp, value, message.received)
        rows += sync.poll(message.received)
    return [
        Row(
            r.taken['front'].stamp_ns,
            r.taken['wrist'].stamp_ns,
            float(r.taken['state'].value[0]),
        )
        for r in rows + sync.flush()
    ]


def latest_value(messages: list[Message]) -> list[Row]:
    """Return rows of the last value received at each tick of a timer."""
    latest: dict[str, int] = {}
    rows, tick = [], None
    for message in messages:
        while tick is not None and message.received > tick:
            rows.append(Row(latest['front'], latest['wrist'], angle(latest['state'])))
            tick += S // FPS
        latest[message.stream] = message.stamp
        if tick is None and len(latest) == len(STREAMS):
            tick = message.received
    return rows


def approximate_time(messages: list[Message], slop_ms: float = 50.0) -> list[Row]:
    """Return one row per front picture whose nearest messages lie within a tolerance."""
    stamps = {name: sorted(m.stamp for m in messages if m.stream == name) for name in STREAMS}
    used = -1
    rows = []
    for front in stamps['front']:
        near = {name: _nearest(stamps[name], front) for name in STREAMS[1:]}
        close = all(abs(stamp - front) <= slop_ms * MS for stamp in near.values())
        if close and near['wrist'] > used:
            used = near['wrist']
            rows.append(Row(front, near['wrist'], angle(near['state'])))
    return rows


def _nearest(stamps: list[int], wanted: int) -> int:
    around = stamps[max(bisect_left(stamps, wanted) - 1, 0) : bisect_right(stamps, wanted) + 1]
    return min(around, key=lambda stamp: abs(stamp - wanted))


def line(name: str, rows: list[Row]) -> str:
    """Return one line of the table; rows that repeat a picture count for the drift only."""
    pairs = zip(rows, [None, *rows], strict=False)
    own = [row for row, before in pairs if before is None or row.front != before.front]
    errors = np.array([abs(row.joint - angle(row.front)) for row in own]) * 1e3
    apart = np.array([abs(row.wrist - row.front) for row in own]) / MS
    drift = abs(rows[-1].front - rows[0].front - (len(rows) - 1) * S / FPS) / S
    return (
        f'{name:<24} {len(rows):>6} {errors.mean():>11.3f} {np.percentile(errors, 95):>11.3f} '
        f'{np.percentile(errors, 100):>11.3f} {np.percentile(apart, 95):>17.1f} {drift:>10.3f}'
    )


def main() -> int:
    """Print the table."""
    messages = scene()
    print(
        f'{"way":<24} {"rows":>6} {"mean [mrad]":>11} {"p95 [mrad]":>11} {"max [mrad]":>11} '
        f'{"cameras p95 [ms]":>17} {"drift [s]":>10}'
    )
    print(line('aligned (default)', synchronized(messages, SyncMode.ALIGNED)))
    print(line('as_seen', synchronized(messages, SyncMode.AS_SEEN)))
    print(line('latest value per tick', latest_value(messages)))
    print(line('approximate time', approximate_time(messages)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
