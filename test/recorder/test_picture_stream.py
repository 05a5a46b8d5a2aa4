from __future__ import annotations

import heapq
import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_scene import (
    CAMERA,
    PERIOD,
    SECOND,
    STATE,
    T0,
    every,
    pictures,
    ramp,
    run,
    summary,
    vectors,
)
from synthetic_messages import MS, S

from lerobot_recorder.streams import Flag
from lerobot_recorder.synchronizer import SyncConfig, Synchronizer

HOUR = 3600 * 30


@pytest.mark.parametrize(('ppm', 'jitter_ms'), [(50, 0), (-50, 4)])
def test_an_hour_of_two_clocks_gives_only_the_slips_that_the_clocks_force(ppm, jitter_ms):
    jitter = random.Random(5)

    def second(k):
        return T0 + round(k * S / 30 * (1 + ppm * 1e-6) + jitter.uniform(-1, 1) * jitter_ms * MS)

    one = ((s + 30 * MS, 'cam', s) for s in (T0 + k * S // 30 for k in range(HOUR)))
    two = ((s + 60 * MS, 'cam2', s) for s in (second(k) for k in range(HOUR + 10)))
    sync = Synchronizer(SyncConfig(30, (CAMERA, SECOND)))
    flags: dict[Flag, int] = dict.fromkeys(Flag, 0)
    rows = 0
    for received, name, stamp in heapq.merge(one, two):
        sync.add(name, stamp, stamp, received)
        for aligned in sync.poll(received):
            flags[aligned.taken['cam2'].flag] += 1
            rows += 1
        if stamp >= T0 + 3600 * S - PERIOD:
            break
    counts = sync.counts['cam2']
    forced = 3600 * 50e-6 * 30
    assert forced - 1 <= counts.slips + counts.skip_slips <= forced + 1
    assert flags[Flag.REPEAT] == 0 and counts.repeats == 0 and counts.late == 0
    assert counts.skipped == counts.skip_slips and bool(counts.skip_slips) == (ppm < 0)
    assert flags[Flag.SLIP] == counts.slips and bool(counts.slips) == (ppm > 0)
    assert rows == pytest.approx(HOUR, abs=4)
    assert sync.counts['cam'].fresh == rows


@pytest.mark.parametrize('phase_ms', [-16.6, -12, -3, 0, 3, 12, 16.6])
def test_every_drop_gives_one_repeat(phase_ms):
    second = every(30, 10, T0 + round(phase_ms * MS))
    dropped = [second[k] for k in range(20, 290, 23)]
    kept = [s for s in second if s not in dropped]
    sets, sync = run(pictures('cam', every(30, 10)) + pictures('cam2', kept), [CAMERA, SECOND])
    counts = sync.counts['cam2']
    assert (counts.repeats, counts.slips, counts.skipped) == (len(dropped), 0, 0)
    phases = {
        s.taken['cam2'].stamp_ns - s.tick_ns for s in sets if s.taken['cam2'].flag is Flag.FRESH
    }
    assert max(phases) - min(phases) < 2 * MS


def test_drops_of_the_reference_give_one_repeat_each_and_time_goes_on():
    first = every(30, 10)
    dropped = [first[k] for k in range(20, 290, 23)]
    samples = pictures('cam', [s for s in first if s not in dropped])
    samples += vectors('state', every(100, 10.1, T0 - 50 * MS), ramp)
    sets, sync = run(samples, [CAMERA, STATE])
    assert len(sets) == 300
    assert sync.counts['cam'].repeats == len(dropped)
    for aligned in sets:
        assert aligned.taken['state'].value[0] == pytest.approx(aligned.index / 30, abs=1e-6)


@pytest.mark.parametrize('phase', [0.45, 0.5, 0.55, -0.5])
def test_a_second_camera_half_a_period_off_does_not_chatter(phase):
    jitter = random.Random(1)
    second = [s + round(phase * PERIOD) + jitter.randrange(-3 * MS, 3 * MS) for s in every(30, 30)]
    _, sync = run(pictures('cam', every(30, 30)) + pictures('cam2', second), [CAMERA, SECOND])
    counts = sync.counts['cam2']
    assert counts.slips + counts.repeats + counts.skipped == 0
    assert counts.fresh >= 898


@pytest.mark.parametrize('phase', [0.0, 0.3, 0.5, 0.9])
def test_a_60_hz_camera_on_a_30_hz_grid_is_decimated_without_defects(phase):
    jitter = random.Random(1)
    second = [
        s + round(phase * S / 60) + jitter.randrange(-MS, MS) for s in every(60, 20, T0 - 33 * MS)
    ]
    sets, sync = run(pictures('cam', every(30, 20)) + pictures('cam2', second), [CAMERA, SECOND])
    counts = sync.counts['cam2']
    assert counts.slips + counts.repeats == 0
    assert counts.fresh == len(sets)
    assert counts.skipped == pytest.approx(600, abs=5)
    steps = np.diff([s.taken['cam2'].stamp_ns for s in sets[2:-2]])
    assert steps.min() > 25 * MS and steps.max() < 42 * MS


@pytest.mark.parametrize('phase', [0.0, 0.4, 0.74, 0.76])
def test_a_15_hz_camera_on_a_30_hz_grid_is_repeated_every_other_tick(phase):
    jitter = random.Random(1)
    second = [s + round(phase * PERIOD) + jitter.randrange(-MS, MS) for s in every(15, 20, T0 - S)]
    sets, sync = run(pictures('cam', every(30, 18)) + pictures('cam2', second), [CAMERA, SECOND])
    counts = sync.counts['cam2']
    assert counts.skipped == 0
    assert abs(counts.fresh - len(sets) / 2) <= 1
    runs = [
        len(list(group)) for _, group in itertools.groupby(s.taken['cam2'].stamp_ns for s in sets)
    ]
    assert set(runs[1:-1]) <= {2, 3} and runs.count(3) <= 1


def test_a_reference_slower_than_the_grid_slips_and_stays_consistent():
    samples = pictures('cam', every(29.97, 120))
    samples += vectors('state', every(100, 120.1, T0 - 50 * MS), ramp)
    sets, sync = run(samples, [CAMERA, STATE])
    assert sync.counts['cam'].repeats == 0
    assert sync.counts['cam'].slips == pytest.approx(3.6, abs=1)
    for aligned in sets:
        assert abs(aligned.taken['cam'].stamp_ns - aligned.tick_ns) <= 0.76 * PERIOD
        assert aligned.taken['state'].value[0] == pytest.approx(
            ramp(aligned.taken['cam'].stamp_ns)[0], abs=1e-6
        )


def test_doubled_stamps_count_as_duplicates_and_change_nothing():
    once = pictures('cam', every(30, 2)) + pictures('cam2', every(30, 2))
    twice = once + pictures('cam2', every(30, 2), latency_ns=31 * MS, tag='again')
    expected, _ = run(once, [CAMERA, SECOND])
    sets, sync = run(twice, [CAMERA, SECOND])
    assert summary(sets) == summary(expected)
    assert sync.counts['cam2'].duplicates == 60


def test_a_burst_is_taken_as_it_was_stamped():
    stamps = every(30, 3)
    burst = [stamps[40] + k * MS for k in range(5)]
    second = stamps[:36] + burst + stamps[41:]
    sets, sync = run(pictures('cam', stamps) + pictures('cam2', second), [CAMERA, SECOND])
    assert len(sets) == 90
    assert sync.counts['cam2'].repeats == 4
    assert [s.taken['cam2'].stamp_ns for s in sets[41:]] == stamps[41:]


@settings(max_examples=60, deadline=None)
@given(
    outage=st.integers(2, 25),
    before=st.floats(-0.7, 0.7),
    after=st.floats(-0.7, 0.7),
)
def test_a_reference_that_comes_back_at_another_phase_goes_on(outage, before, after):
    """Time at which numbers are taken may go back a little then; nothing needed is gone."""
    first = every(30, 2)
    drift = [s + round(before * PERIOD * k / 60) for k, s in enumerate(first)]
    back = every(30, 2, T0 + round((60 + outage + after) * S / 30))
    samples = pictures('cam', drift + back)
    samples += vectors('state', every(100, 6, T0 - 50 * MS), ramp)
    samples = [s for s in samples if s[2] <= back[-1] + 10 * MS]
    sets, sync = run(samples, [CAMERA, STATE])
    assert len(sets) >= 119 + outage - 1
    assert sets[-1].taken['cam'].stamp_ns == back[-1]
    assert sync.lost is None
