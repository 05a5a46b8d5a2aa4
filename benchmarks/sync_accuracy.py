"""How far the numbers of a row are from its picture, by way of matching.

    python benchmarks/sync_accuracy.py             one minute, four ways
    python benchmarks/sync_accuracy.py --hours 1   label drift, repeats and slips over an hour

Two cameras (29.97 Hz, 30 ms late, 1 % drops and one outage of 0.4 s a minute; 30 Hz less
50 ppm, 60 ms late), joint states at 100 Hz and commands at 50 Hz; the joint goes
sin(2 pi 0.5 t) and a message shows it at its stamp. The last two ways are the usual ones of
others, restated in a few lines: the latest value at each tick of a timer, and sets of messages
whose header stamps are approximately the same (one row per set, a picture used once).
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lerobot_recorder.streams import StreamConfig, StreamCounts, Take
from lerobot_recorder.synchronizer import AlignedSet, SyncConfig, Synchronizer, SyncMode

S = 1_000_000_000
MS = 1_000_000
FPS = 30
PERIOD = S // FPS
STREAMS = ('front', 'wrist', 'state', 'action')
CONFIGS = (
    StreamConfig('front', Take.NEAREST),
    StreamConfig('wrist', Take.NEAREST),
    StreamConfig('state', Take.INTERPOLATE),
    StreamConfig('action', Take.NEXT, may_be_silent=True),
)


class Message(NamedTuple):
    """A message: when it was received and acquired [ns], and on which stream."""

    received: int
    stamp: int
    stream: str


class Row(NamedTuple):
    """What a row holds: stamps [ns], of the state the time it is true of, and the joint [rad]."""

    front: int
    wrist: int
    state: int
    action: int
    joint: float


def angle(stamp: int) -> float:
    """Return the true joint angle [rad] at a time [ns]."""
    return math.sin(2 * math.pi * 0.5 * (stamp % (2 * S)) / S)


@dataclass(frozen=True)
class Source:
    """A stream as its device makes it."""

    name: str
    hertz: float
    latency_ms: float
    start: int = 0
    drops: float = 0.0
    outage: bool = False


SOURCES = (
    Source('front', 29.97, 28, drops=0.01, outage=True),
    Source('wrist', 30 / (1 + 50e-6), 58, 7 * MS),
    Source('state', 100, 0.5),
    Source('action', 50, 0.5),
)


@dataclass
class Scene:
    """One take: its messages in order of arrival, and the stamps of all that was made."""

    seconds: float
    seed: int = 0
    made: dict[str, list[int]] = field(default_factory=dict)
    sent: dict[str, list[int]] = field(default_factory=dict)

    def messages(self) -> Iterator[Message]:
        """Yield the messages in order of arrival."""
        chance = random.Random(self.seed)
        return heapq.merge(*(sorted(self._stream(source, chance)) for source in SOURCES))

    def _stream(self, source: Source, chance: random.Random) -> Iterator[Message]:
        count = round(source.hertz * self.seconds)
        self.made[source.name] = [source.start + round(k * S / source.hertz) for k in range(count)]
        self.sent[source.name] = []
        for stamp in self.made[source.name]:
            delay = round((source.latency_ms + chance.uniform(0, 4)) * MS)
            out = source.outage and 20 * S <= stamp % (60 * S) < 20 * S + 400 * MS
            if chance.random() >= source.drops and not out:
                self.sent[source.name].append(stamp)
                yield Message(stamp + delay, stamp, source.name)

    def command_for(self, stamp: int) -> int:
        """Return the command a row must hold by the rule: the first at or after its observation.

        None within a period falls back to the one in force.
        """
        sent = self.sent['action']
        at = bisect_left(sent, stamp)
        if at < len(sent) and sent[at] < stamp + PERIOD:
            return sent[at]
        return sent[max(at - 1, 0)]


class Forced(NamedTuple):
    """Ticks of a camera that differ from one picture, one tick; from the generator's truth."""

    repeats: int
    skips: int
    drops: int
    clocks: int
    others: int


def forced(scene: Scene, name: str, rows: list[Row]) -> Forced:
    """Return what the drops and the clocks of a camera forced upon rows, and what nothing did."""
    stamps = [getattr(row, name) for row in rows]
    made, sent = scene.made[name], scene.sent[name]
    spanned = bisect_left(made, stamps[-1]) - bisect_left(made, stamps[0]) + 1
    arrived = bisect_left(sent, stamps[-1]) - bisect_left(sent, stamps[0]) + 1
    used = len(set(stamps))
    repeats, skips, drops = len(stamps) - used, arrived - used, spanned - arrived
    hertz = next(source.hertz for source in SOURCES if source.name == name)
    run_off = (FPS - hertz) * (stamps[-1] - stamps[0]) / S
    net = len(stamps) - spanned
    clocks = min(max(net, math.floor(run_off)), math.ceil(run_off))
    others = max(0, repeats + skips - drops - abs(clocks))
    return Forced(repeats, skips, drops, clocks, others)


@dataclass
class Matched:
    """The rows of one way of matching, and our own counters where it is ours."""

    name: str
    rows: list[Row]
    counts: dict[str, StreamCounts] = field(default_factory=dict)


def synchronized(messages: Iterable[Message], mode: SyncMode) -> Matched:
    """Return the rows of our synchronizer."""
    sync = Synchronizer(SyncConfig(FPS, CONFIGS, mode=mode))
    rows: list[Row] = []
    for message in messages:
        value = np.array([angle(message.stamp)])
        sync.add(message.stream, message.stamp, value, message.received)
        rows += map(_row, sync.poll(message.received))
    rows += map(_row, sync.flush())
    return Matched(mode.value, rows, sync.counts)


def _row(aligned: AlignedSet) -> Row:
    stamps = {name: taken.stamp_ns for name, taken in aligned.taken.items()}
    return Row(**stamps, joint=float(aligned.taken['state'].value[0]))


def latest_value(messages: Iterable[Message]) -> Matched:
    """Return rows of the last value received at each tick of a timer."""

    def ticks() -> Iterator[Row]:
        latest: dict[str, int] = {}
        tick = 0
        for message in messages:
            while tick and message.received > tick:
                yield Row(**latest, joint=angle(latest['state']))
                tick += PERIOD
            latest[message.stream] = message.stamp
            if not tick and len(latest) == len(STREAMS):
                tick = message.received

    return Matched('latest value per tick', list(ticks()))


def approximate_time(messages: Iterable[Message], slop_ms: float = 50.0) -> Matched:
    """Return one row per front picture whose nearest messages lie within a tolerance."""
    stamps: dict[str, list[int]] = {name: [] for name in STREAMS}
    for message in messages:
        stamps[message.stream].append(message.stamp)
    rows, used = [], -1
    for front in sorted(stamps['front']):
        near = {name: _nearest(stamps[name], front) for name in STREAMS[1:]}
        if max(abs(at - front) for at in near.values()) <= slop_ms * MS and near['wrist'] > used:
            used = near['wrist']
            rows.append(Row(front, **near, joint=angle(near['state'])))
    return Matched('approximate time', rows)


def _nearest(stamps: list[int], wanted: int) -> int:
    around = stamps[max(bisect_left(stamps, wanted) - 1, 0) : bisect_right(stamps, wanted) + 1]
    return min(around, key=lambda stamp: abs(stamp - wanted))


def own_rows(rows: list[Row]) -> list[Row]:
    """Return the rows with a picture of their own, not one repeated."""
    pairs = zip(rows, [None, *rows], strict=False)
    return [row for row, before in pairs if before is None or row.front != before.front]


def joint_errors(rows: list[Row]) -> np.ndarray:
    """Return how far each row's joint is from the truth at its picture's exposure [mrad]."""
    return np.array([abs(row.joint - angle(row.front)) for row in own_rows(rows)]) * 1e3


def drift(rows: list[Row]) -> float:
    """Return the furthest a picture's true time runs off its label against the first [s]."""
    fronts = np.array([row.front for row in own_rows(rows)], dtype=np.int64)
    index = {row.front: at for at, row in reversed(list(enumerate(rows)))}
    labels = np.array([index[front] for front in fronts]) / FPS
    return float(np.abs((fronts - fronts[0]) / S - labels).max())


def accuracy(scene: Scene, matched: Matched) -> str:
    """Return one line: joint error, and how far each stream is from where it should be."""
    errors, rows = joint_errors(matched.rows), own_rows(matched.rows)
    state = np.array([row.state - row.front for row in rows]) / MS
    apart = np.array([row.wrist - row.front for row in rows]) / MS
    wanted = np.array([scene.command_for(row.front) for row in rows])
    command = (np.array([row.action for row in rows]) - wanted) / MS
    figures = (
        f'{errors.mean():>7.3f} {np.percentile(errors, 95):>7.3f} {errors.max():>7.3f} '
        f'{_skew(state)} {_skew(command)} {100 * np.mean(command == 0):>6.1f} {_skew(apart)} '
        f'{1e3 * drift(matched.rows):>8.1f}'
    )
    return f'{matched.name:<22} {len(matched.rows):>6} {figures}'


def _skew(values: np.ndarray) -> str:
    return f'{np.abs(values).mean():>6.1f} {np.percentile(np.abs(values), 95):>6.1f}'


def pictures(scene: Scene, matched: Matched) -> Iterator[str]:
    """Yield one line per camera: what differs from one picture, one tick, and why."""
    for camera in ('front', 'wrist'):
        truth = forced(scene, camera, matched.rows)
        ours = matched.counts.get(camera)
        told = '-'
        if ours is not None:
            told = (
                f'repeats {ours.repeats}, slips {ours.slips}, skipped {ours.skipped} '
                f'(by slip {ours.skip_slips})'
            )
        yield (
            f'{matched.name:<22} {camera:<6} {truth.repeats:>8} {truth.skips:>6} '
            f'{truth.drops:>8} {truth.clocks:>8} {truth.others:>8}  {told}'
        )


def compare(scene: Scene, hours: float) -> None:
    ways = [
        lambda: synchronized(scene.messages(), SyncMode.ALIGNED),
        lambda: synchronized(scene.messages(), SyncMode.AS_SEEN),
        lambda: latest_value(scene.messages()),
    ]
    if not hours:
        ways.append(lambda: approximate_time(scene.messages()))
    matched = [way() for way in ways]
    print(
        f'{"":<22} {"":>6} {"joint error [mrad]":^23} {"state [ms]":^13} {"command [ms]":^13} '
        f'{"right":>6} {"cameras [ms]":^13} {"label":>8}\n'
        f'{"way":<22} {"rows":>6} {"mean":>7} {"p95":>7} {"max":>7} {"mean":>6} {"p95":>6} '
        f'{"mean":>6} {"p95":>6} {"[%]":>6} {"mean":>6} {"p95":>6} {"[ms]":>8}'
    )
    for one in matched:
        print(accuracy(scene, one))
    print(
        "\ncommand: how far the row's lies from the first at or after the picture; label: furthest"
        "\na picture's time runs off index / fps\n\n"
        f'{"":<22} {"":<6} {"in the rows":^15} {"forced by":^17} {"by":>8}\n'
        f'{"way":<22} {"camera":<6} {"repeats":>8} {"skips":>6} {"drops":>8} {"clocks":>8} '
        f'{"nothing":>8}  our own counters'
    )
    for one in matched:
        for line in pictures(scene, one):
            print(line)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description='accuracy of matching, against the truth')
    parser.add_argument('--hours', type=float, default=0.0, help='length of the take')
    hours = parser.parse_args().hours
    began = time.process_time()
    compare(Scene(hours * 3600 if hours else 60.0), hours)
    print(f'\n{time.process_time() - began:.1f} s of CPU')
    return 0


if __name__ == '__main__':
    sys.exit(main())
