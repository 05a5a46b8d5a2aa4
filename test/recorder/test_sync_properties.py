"""What holds of every take, whatever the streams do."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_scene import ACTION, CAMERA, PERIOD, SECOND, STATE, T0, Sample, run, stamps_from, summary
from synthetic_messages import MS, S

from lerobot_recorder.picture_stream import SLIP_PHASE
from lerobot_recorder.streams import Flag, StreamConfig, Take
from lerobot_recorder.synchronizer import AlignedSet

STREAMS = (CAMERA, SECOND, STATE, ACTION)
SPACING = {'cam': S // 30, 'cam2': S // 30, 'state': S // 100, 'action': S // 50}
LATEST_MS = 60
"""Later than the watermark less a period, a message is too late by right."""


def wild_take(seed: int, end_ns: int = T0 + 2 * S) -> dict[str, list[int]]:
    """Stamps of four streams: own rates and phases, jitter, drops, outages, bursts."""
    chance = random.Random(seed)
    made = {}
    for name, period in SPACING.items():
        step = period * chance.choice([0.5, 0.97, 1.0, 1.0, 1.001, 1.03, 2.0])
        jitter = chance.choice([0.0, 0.05, 0.3]) * step
        at, stamps, drops = T0 - chance.random() * step, [], chance.choice([0, 0.02, 0.2])
        while at < end_ns + 100 * MS:
            at += step
            if chance.random() < 0.01:
                at += chance.choice([3, 10]) * step
            if chance.random() >= drops:
                stamps.append(round(at + chance.uniform(-jitter, jitter)))
        made[name] = sorted(set(stamps))
    return made


def arrivals(made: dict[str, list[int]], seed: int, doubled: float = 0.0) -> list[Sample]:
    chance = random.Random(seed)
    samples: list[Sample] = []
    for name, stamps in made.items():
        for stamp in stamps:
            value = (name, stamp) if name.startswith('cam') else np.array([number(stamp)])
            for _ in range(2 if chance.random() < doubled else 1):
                late = round(chance.uniform(0, LATEST_MS) * MS)
                samples.append((stamp + late, name, stamp, value))
    return samples


def number(stamp: int) -> float:
    return float(stamp // 1000 % 977)


def rows_until(sets: list[AlignedSet], end_ns: int) -> list[AlignedSet]:
    return [one for one in sets if one.tick_ns < end_ns]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_of_arrival_does_not_matter_within_the_watermark(seed):
    made = wild_take(seed)
    first, one = run(arrivals(made, seed), STREAMS)
    again, two = run(arrivals(made, seed + 1, doubled=0.2), STREAMS)
    at_once, _ = run(arrivals(made, seed + 2), STREAMS, poll=False)
    end = T0 + 2 * S - 200 * MS
    expected = summary(rows_until(at_once, end))
    assert summary(rows_until(first, end)) == expected
    assert summary(rows_until(again, end)) == expected
    assert one.lost == two.lost


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_counts_add_up_and_rows_are_on_the_grid(seed):
    made = wild_take(seed)
    sets, sync = run(arrivals(made, seed, doubled=0.1), STREAMS)
    for k, aligned in enumerate(sets):
        assert aligned.index == k
        assert aligned.tick_ns == sets[0].tick_ns + (k * S + 15) // 30
        assert set(aligned.taken) == set(SPACING)
    for counts in sync.counts.values():
        rows = counts.fresh + counts.repeats + counts.slips + counts.held
        assert rows == len(sets)
    for name in ('cam', 'cam2'):
        c = sync.counts[name]
        assert c.received == sum(s[1] == name for s in arrivals(made, seed, doubled=0.1))
        kept = c.before + c.fresh + c.skipped + c.late + c.duplicates + c.pending
        assert c.received == kept
        assert 0 <= c.skip_slips <= c.skipped and c.pending >= 0
        if name == 'cam2':
            flags = [s.taken[name].flag for s in sets]
            assert flags.count(Flag.FRESH) == c.fresh and flags.count(Flag.SLIP) == c.slips


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_value_is_a_sample_or_lies_between_two_neighbours(seed):
    made = wild_take(seed)
    sets, _ = run(arrivals(made, seed, doubled=0.1), STREAMS)
    for name in ('cam', 'cam2'):
        stamps = [one.taken[name].stamp_ns for one in sets]
        assert stamps == sorted(stamps) and set(stamps) <= set(made[name])
        fresh = [o.taken[name].stamp_ns for o in sets if o.taken[name].flag is Flag.FRESH]
        assert len(fresh) == len(set(fresh))
    for aligned in sets:
        check_state(aligned, made['state'])
        check_command(aligned, made['action'])
        picture = aligned.taken['cam']
        if picture.flag is Flag.FRESH:
            assert aligned.target_ns == picture.stamp_ns


def check_state(aligned: AlignedSet, stamps: list[int]) -> None:
    """The rule again, word for word."""
    target, taken = aligned.target_ns, aligned.taken['state']
    before = stamps[bisect_right(stamps, target) - 1]
    at = bisect_left(stamps, target)
    after = stamps[at] if at < len(stamps) else None
    if before == target:
        expected, flag = number(before), Flag.FRESH
    elif after is None or after - before > STATE.tolerance_ns:
        expected, flag = number(before), Flag.HELD
    else:
        share = (target - before) / (after - before)
        expected, flag = number(before) + share * (number(after) - number(before)), Flag.FRESH
    assert taken.flag is flag
    assert abs(taken.value[0] - expected) < 1e-6


def check_command(aligned: AlignedSet, stamps: list[int]) -> None:
    target, taken = aligned.target_ns, aligned.taken['action']
    at = bisect_left(stamps, target)
    if at < len(stamps) and stamps[at] < target + PERIOD:
        assert (taken.stamp_ns, taken.flag) == (stamps[at], Flag.FRESH)
    else:
        assert (taken.stamp_ns, taken.flag) == (stamps[at - 1], Flag.HELD)


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.integers(20 * MS, 47 * MS), min_size=20, max_size=80),
    phase=st.integers(0, PERIOD),
)
def test_pictures_that_could_be_one_to_one_never_lag_by_more_than_a_slip(steps, phase):
    """While pictures come, none is taken further from its tick than a slip allows."""
    made = {'cam': stamps_from([PERIOD] * 90, T0), 'cam2': stamps_from(steps, T0 + phase)}
    end = min(made['cam'][-1], made['cam2'][-1])
    sets, _ = run(arrivals(made, 1), (CAMERA, SECOND))
    for aligned in rows_until(sets, end - PERIOD):
        off = aligned.taken['cam2'].stamp_ns - aligned.tick_ns
        if aligned.taken['cam2'].flag is Flag.FRESH:
            assert abs(off) <= SLIP_PHASE * PERIOD + 47 * MS // 2


def test_a_stream_of_held_values_counts_up_too():
    hold = StreamConfig('state', Take.HOLD, may_be_silent=True)
    made = {'cam': stamps_from([PERIOD] * 60, T0), 'state': [T0 - MS, T0 + S]}
    sets, sync = run(arrivals(made, 1), (CAMERA, hold))
    assert sync.counts['state'].fresh + sync.counts['state'].held == len(sets) == 61
