from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_scene import (
    ACTION,
    CAMERA,
    PERIOD,
    STATE,
    T0,
    every,
    pictures,
    ramp,
    run,
    stamps_from,
)
from synthetic_messages import MS, S

from lerobot_recorder.numeric_stream import NumericStream
from lerobot_recorder.streams import Flag, StreamConfig, Take
from lerobot_recorder.synchronizer import AlignedSet, SyncConfig, Synchronizer


def commands(stamps, upto_s=1.0) -> list[AlignedSet]:
    samples = pictures('cam', every(30, upto_s))
    samples += [(s + MS, 'action', s, np.array([float(s)])) for s in stamps]
    return run(samples, [CAMERA, ACTION])[0]


@settings(max_examples=100, deadline=None)
@given(gaps_=st.lists(st.integers(1 * MS, 150 * MS), min_size=1, max_size=30))
def test_next_is_the_first_command_at_or_after_within_a_period_else_the_one_in_force(gaps_):
    stamps = stamps_from(gaps_, T0 - 20 * MS)
    for aligned in commands(stamps):
        after = [s for s in stamps if aligned.target_ns <= s < aligned.target_ns + PERIOD]
        before = [s for s in stamps if s <= aligned.target_ns]
        expected = after[0] if after else before[-1]
        assert aligned.taken['action'].stamp_ns == expected
        assert aligned.taken['action'].value[0] == expected
        assert (aligned.taken['action'].flag is Flag.FRESH) == bool(after)


def test_a_command_exactly_at_the_picture_is_the_one():
    tick = every(30, 1)
    sets = commands(tick)
    assert [s.taken['action'].stamp_ns for s in sets] == tick[: len(sets)]


def test_a_command_exactly_one_period_on_belongs_to_the_next_row():
    sets = commands([T0 - MS, T0 + PERIOD])
    assert [s.taken['action'].stamp_ns for s in sets[:2]] == [T0 - MS, T0 + PERIOD]


def test_elements_are_found_by_themselves():
    samples = pictures('cam', every(30, 1))
    for k, stamp in enumerate(every(100, 1.1, T0 - 50 * MS)):
        value = np.array([ramp(stamp)[0], np.nan, 7.0 if k == 2 else np.nan])
        if k % 3 == 0:
            value[1] = -ramp(stamp)[0]
        samples.append((stamp, 'state', stamp, value))
    quiet = StreamConfig('state', Take.INTERPOLATE, may_be_silent=True)
    sets, _ = run(samples, [CAMERA, quiet])
    assert len(sets) == 30
    for aligned in sets:
        seconds = ramp(aligned.target_ns)[0]
        assert aligned.taken['state'].value == pytest.approx([seconds, -seconds, 7.0], abs=1e-9)
        assert aligned.taken['state'].flag is Flag.HELD
        assert aligned.taken['state'].stamp_ns == T0 - 30 * MS


def test_a_joint_never_heard_of_is_named_as_missing():
    sync = Synchronizer(SyncConfig(30, (CAMERA, STATE)))
    for stamp in every(30, 1):
        sync.add('cam', stamp, 0, stamp)
        sync.add('state', stamp, np.array([1.0, np.nan]), stamp)
    assert sync.poll(T0 + S) == []
    assert sync.missing() == {'state': [1]}


def test_a_seldom_heard_joint_does_not_pile_up_the_others():
    quiet = StreamConfig('state', Take.INTERPOLATE, may_be_silent=True)
    sync = Synchronizer(SyncConfig(30, (CAMERA, quiet)))
    sync.add('state', T0 - MS, np.array([np.nan, 1.0]), T0)
    for k, stamp in enumerate(every(30, 60)):
        sync.add('state', stamp, np.array([k, np.nan]), stamp)
        sync.add('cam', stamp, k, stamp)
        sync.poll(stamp)
    tracks = sync._streams['state']._tracks
    assert max(len(track.stamps) for track in tracks) < 20


def test_the_time_of_the_next_row_may_lie_a_little_before_that_of_the_last():
    stream = NumericStream(STATE, PERIOD)
    for stamp in every(100, 1):
        stream.add(stamp, ramp(stamp), stamp)
    late = T0 + 505 * MS
    stream.commit(stream.take(late), late)
    earlier = late - PERIOD
    assert stream.take(earlier).value == pytest.approx(ramp(earlier))


def test_a_line_waits_for_a_partner_that_may_be_on_its_way():
    """A sample that overtook others by less than the watermark does not settle what they tell."""
    stream = NumericStream(STATE, PERIOD)
    stream.add(T0, ramp(T0), T0)
    stream.add(T0 + 90 * MS, ramp(T0), T0 + 90 * MS)
    target, watermark = T0 + 5 * MS, 100 * MS
    assert not stream.is_settled(target, T0 + 90 * MS, watermark)
    stream.add(T0 + 150 * MS, ramp(T0), T0 + 150 * MS)
    assert not stream.is_settled(target, T0 + 150 * MS, watermark)
    stream.add(T0 + 190 * MS, ramp(T0), T0 + 190 * MS)
    assert stream.is_settled(target, T0 + 190 * MS, watermark)
