from __future__ import annotations

import math
import random

import numpy as np
import pytest
from sync_scene import (
    ACTION,
    CAMERA,
    PERIOD,
    SECOND,
    STATE,
    T0,
    Sample,
    every,
    pictures,
    run,
    vectors,
)
from synthetic_messages import MS, S

from lerobot_recorder.streams import Flag
from lerobot_recorder.synchronizer import AlignedSet, SyncMode


def angle(stamp_ns: int) -> float:
    return math.sin(2 * math.pi * 0.5 * (stamp_ns - T0) / S)


def two_cameras(seconds: float = 60.0) -> list[Sample]:
    chance = random.Random(3)
    first = [s for s in every(29.97, seconds) if chance.random() > 0.01]
    first = [s for s in first if not T0 + 20 * S <= s < T0 + 20 * S + 400 * MS]
    second = [T0 + round((s - T0) * (1 + 50e-6)) for s in every(30, seconds, T0 + 5 * MS)]
    samples = pictures('cam', first, latency_ns=30 * MS)
    samples += pictures('cam2', second, latency_ns=60 * MS)
    samples += vectors('state', every(100, seconds + 0.1, T0 - 50 * MS), angle)
    return samples + vectors('action', every(50, seconds + 0.1, T0 - 50 * MS), angle)


def joint_errors(sets: list[AlignedSet]) -> np.ndarray:
    return np.array(
        [
            abs(s.taken['state'].value[0] - angle(s.taken['cam'].stamp_ns)) * 1e3
            for s in sets
            if s.taken['cam'].flag is Flag.FRESH
        ]
    )


def test_aligned_joints_are_those_of_the_picture():
    sets, sync = run(two_cameras(), [CAMERA, SECOND, STATE, ACTION])
    assert len(sets) == pytest.approx(1799, abs=2) and sync.lost is None
    assert joint_errors(sets).max() < 0.5
    drift = sets[-1].taken['cam'].stamp_ns - sets[0].tick_ns - sets[-1].index * S / 30
    assert abs(drift) < 30 * MS
    between = [abs(s.taken['cam2'].stamp_ns - s.taken['cam'].stamp_ns) for s in sets]
    assert np.percentile(between, 50) < PERIOD


def test_as_seen_joints_are_those_of_another_moment():
    sets, _ = run(two_cameras(), [CAMERA, SECOND, STATE, ACTION], mode=SyncMode.AS_SEEN)
    assert 30 < joint_errors(sets).mean() < 150
