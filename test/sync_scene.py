"""Streams of stamped samples for tests of the synchronizer."""

from __future__ import annotations

import itertools

import numpy as np
from synthetic_messages import MS, S

from lerobot_recorder.streams import StreamConfig, Take
from lerobot_recorder.synchronizer import AlignedSet, SyncConfig, Synchronizer, SyncMode

T0 = 1000 * S
PERIOD = round(S / 30)

CAMERA = StreamConfig('cam', Take.NEAREST)
SECOND = StreamConfig('cam2', Take.NEAREST)
STATE = StreamConfig('state', Take.INTERPOLATE)
ACTION = StreamConfig('action', Take.NEXT, may_be_silent=True)

Sample = tuple[int, str, int, object]  # (received, stream, stamp, value)


def pictures(name, stamps, latency_ns=30 * MS, tag=None) -> list[Sample]:
    return [(s + latency_ns, name, s, (tag or name, s)) for s in stamps]


def vectors(name, stamps, function, latency_ns=1 * MS) -> list[Sample]:
    return [(s + latency_ns, name, s, np.atleast_1d(function(s))) for s in stamps]


def every(hertz, seconds, start_ns=T0) -> list[int]:
    return [start_ns + round(k * S / hertz) for k in range(round(hertz * seconds))]


def ramp(stamp_ns: int) -> np.ndarray:
    return np.array([(stamp_ns - T0) / S])


def run(
    samples, streams, *, mode=SyncMode.ALIGNED, start_ns=0, fps=30, poll=True, **more
) -> tuple[list[AlignedSet], Synchronizer]:
    sync = Synchronizer(SyncConfig(fps, tuple(streams), mode=mode, **more), start_ns)
    sets: list[AlignedSet] = []
    for received, stream, stamp, value in sorted(samples, key=lambda s: s[0]):
        sync.add(stream, stamp, value, received)
        if poll:
            sets += sync.poll(received)
    sets += sync.flush()
    return sets, sync


def summary(sets: list[AlignedSet]) -> list[tuple]:
    return [
        (s.index, s.target_ns, [(t.stamp_ns, t.flag, str(t.value)) for t in s.taken.values()])
        for s in sets
    ]


def stamps_from(gap_list, start_ns) -> list[int]:
    return list(itertools.accumulate(gap_list, initial=start_ns))
