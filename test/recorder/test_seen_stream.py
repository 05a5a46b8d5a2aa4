from __future__ import annotations

import numpy as np
from sync_scene import (
    CAMERA,
    STATE,
    T0,
    every,
    pictures,
    ramp,
    run,
    vectors,
)
from synthetic_messages import MS, S

from lerobot_recorder.synchronizer import SyncMode


def test_as_seen_is_the_last_value_received():
    samples = pictures('cam', every(30, 2), latency_ns=40 * MS)
    samples += vectors('state', every(100, 2), ramp, latency_ns=3 * MS)
    sets, sync = run(samples, [CAMERA, STATE], mode=SyncMode.AS_SEEN)
    assert len(sets) >= 58 and sync.lost is None
    for aligned in sets:
        for name in ('cam', 'state'):
            received = [s for s in samples if s[1] == name and s[0] <= aligned.tick_ns]
            assert aligned.taken[name].stamp_ns == received[-1][2]


def test_as_seen_keeps_what_a_partial_message_does_not_tell():
    samples = [
        (T0, 'state', T0, np.array([1.0, np.nan])),
        (T0 + 10 * MS, 'state', T0, np.array([np.nan, 2.0])),
        (T0 + 20 * MS, 'state', T0, np.array([3.0, np.nan])),
        (T0 + S, 'state', T0, np.array([4.0, 4.0])),
    ]
    sets, _ = run(samples, [STATE], mode=SyncMode.AS_SEEN)
    assert sets[0].tick_ns == T0 + 10 * MS
    assert list(sets[0].taken['state'].value) == [1.0, 2.0]
    assert list(sets[1].taken['state'].value) == [3.0, 2.0]


def test_as_seen_measures_silence_by_arrival_not_by_another_machines_clock():
    behind = [(r, name, stamp - 5 * S, v) for r, name, stamp, v in pictures('cam', every(30, 2))]
    sets, sync = run(behind, [CAMERA], mode=SyncMode.AS_SEEN)
    assert sync.lost is None and len(sets) == 60


def test_as_seen_loses_a_camera_too():
    samples = pictures('cam', every(30, 1)) + vectors('state', every(100, 4), ramp)
    sets, sync = run(samples, [CAMERA, STATE], mode=SyncMode.AS_SEEN)
    assert sync.lost == 'cam' and 55 <= len(sets) <= 62
