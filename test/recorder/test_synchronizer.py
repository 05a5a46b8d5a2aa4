from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
    ramp,
    run,
    stamps_from,
    summary,
    vectors,
)
from synthetic_messages import MS, S

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.streams import Flag, StreamConfig, Take
from lerobot_recorder.synchronizer import AlignedSet, SyncConfig, Synchronizer

WHOLE = 55  # rows that do not depend on when a take of 2 s ends


def take_with_everything(seed: int) -> tuple[list[Sample], list[StreamConfig]]:
    jitter = random.Random(seed)
    shaken = [s + jitter.randrange(-4 * MS, 4 * MS) for s in every(30, 2)]
    samples = pictures('cam', shaken)
    samples += pictures('cam2', [s for s in every(29.5, 2, T0 + 9 * MS) if jitter.random() > 0.05])
    samples += vectors('state', every(100, 2.1, T0 - 50 * MS), ramp)
    samples += vectors('action', every(40, 2.2, T0 - 40 * MS), ramp)
    return samples, [CAMERA, SECOND, STATE, ACTION]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_of_arrival_does_not_matter_within_the_watermark(seed):
    samples, streams = take_with_everything(seed)
    expected, _ = run(samples, streams)
    assert len(expected) >= WHOLE
    jitter = random.Random(seed + 1)
    delays = {name: jitter.randrange(0, 60 * MS) for name in ('cam', 'cam2', 'state', 'action')}
    other = [(r + delays[name], name, s, v) for r, name, s, v in samples]
    assert summary(run(other, streams)[0])[:WHOLE] == summary(expected)[:WHOLE]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_when_it_is_polled_does_not_matter(seed):
    samples, streams = take_with_everything(seed)
    at_once, _ = run(samples, streams, poll=False)
    assert summary(run(samples, streams)[0])[:WHOLE] == summary(at_once)[:WHOLE]


def test_partial_messages_interleaved_otherwise_give_the_same_sets():
    def halves(flip):
        samples = pictures('cam', every(30, 1))
        for k, stamp in enumerate(every(100, 1.1, T0 - 50 * MS)):
            one, two = np.array([k, np.nan]), np.array([np.nan, -k])
            for late, part in enumerate([two, one] if flip else [one, two]):
                samples.append((stamp + late, 'state', stamp, part))
        return samples

    first, second = (run(halves(flip), [CAMERA, STATE])[0] for flip in (False, True))
    assert summary(first) == summary(second)
    assert len(first) == 30


gaps = st.lists(st.integers(1 * MS, 120 * MS), min_size=5, max_size=60)


@settings(max_examples=150, deadline=None)
@given(cam=gaps, cam2=gaps, state=gaps, late=st.integers(-80 * MS, 80 * MS))
def test_nothing_is_invented(cam, cam2, state, late):
    cam, cam2 = stamps_from(cam, T0), stamps_from(cam2, T0 + late)
    state = stamps_from(state, T0 - late)
    values = {s: float(k % 7) for k, s in enumerate(state)}
    samples = pictures('cam', cam) + pictures('cam2', cam2)
    samples += vectors('state', state, values.__getitem__)
    sets, _ = run(samples, [CAMERA, SECOND, STATE])
    for k, aligned in enumerate(sets):
        assert aligned.index == k
        assert aligned.tick_ns == sets[0].tick_ns + (k * S + 15) // 30
        for name, stamps in (('cam', cam), ('cam2', cam2)):
            taken = aligned.taken[name]
            assert taken.value == (name, taken.stamp_ns) and taken.stamp_ns in stamps
        taken = aligned.taken['state']
        before = max(s for s in state if s <= taken.stamp_ns)
        if taken.flag is Flag.HELD or before == taken.stamp_ns:
            assert taken.value[0] == values[before]
        else:
            assert taken.stamp_ns == aligned.target_ns
            after = min(s for s in state if s > taken.stamp_ns)
            low, high = sorted((values[before], values[after]))
            assert low - 1e-9 <= taken.value[0] <= high + 1e-9
    if sets:
        first = max(cam[0], cam2[0] - PERIOD // 2, state[0])
        assert sets[0].tick_ns >= first


@settings(max_examples=100, deadline=None)
@given(cam=gaps, cam2=gaps)
def test_no_picture_is_taken_twice_as_fresh_and_stamps_never_go_back(cam, cam2):
    samples = pictures('cam', stamps_from(cam, T0)) + pictures('cam2', stamps_from(cam2, T0))
    sets, sync = run(samples, [CAMERA, SECOND])
    for name in ('cam', 'cam2'):
        stamps = [s.taken[name].stamp_ns for s in sets]
        fresh = [s.taken[name].stamp_ns for s in sets if s.taken[name].flag is Flag.FRESH]
        assert stamps == sorted(stamps)
        assert len(set(fresh)) == len(fresh)
        assert len(fresh) == sync.counts[name].fresh


def test_a_sample_exactly_at_the_target_comes_back_unchanged():
    value = np.array([0.1 + 0.2, -0.0, 1e300, 5e-324])
    samples = pictures('cam', every(30, 1))
    samples += [(s, 'state', s, value * (1 + k)) for k, s in enumerate(every(30, 1))]
    sets, _ = run(samples, [CAMERA, STATE])
    assert len(sets) == 30
    for k, aligned in enumerate(sets):
        assert aligned.taken['state'].value.tobytes() == (value * (1 + k)).tobytes()


def test_numbers_are_taken_at_the_stamp_of_the_reference_picture():
    shaken = [s + (k * 7919 % 11 - 5) * MS for k, s in enumerate(every(30, 2))]
    samples = pictures('cam', shaken) + vectors('state', every(100, 2.1, T0 - 50 * MS), ramp)
    sets, _ = run(samples, [CAMERA, STATE])
    assert len(sets) >= 58
    for aligned in sets:
        assert aligned.taken['state'].value[0] == pytest.approx(
            ramp(aligned.taken['cam'].stamp_ns)[0], abs=1e-9
        )


def test_nothing_begins_before_the_first_message_of_every_stream():
    samples = pictures('cam', every(30, 3))
    samples += vectors('state', every(100, 2, T0 + S), ramp)
    samples += vectors('action', every(50, 1.5, T0 + 1500 * MS), ramp)
    sets, _ = run(samples, [CAMERA, STATE, ACTION])
    assert T0 + 1500 * MS - PERIOD < sets[0].tick_ns <= T0 + 1500 * MS + PERIOD
    assert sets[0].taken['action'].stamp_ns == T0 + 1500 * MS


def test_start_ns_is_respected():
    samples = pictures('cam', every(30, 2)) + vectors('state', every(100, 2), ramp)
    sets, _ = run(samples, [CAMERA, STATE], start_ns=T0 + S + 1)
    assert sets[0].tick_ns == T0 + round(31 * S / 30)
    assert sets[0].index == 0


def test_waits_for_a_stream_that_never_comes_without_piling_up_pictures():
    sync = Synchronizer(SyncConfig(30, (CAMERA, SECOND, STATE)))
    for k, stamp in enumerate(every(30, 60)):
        sync.add('cam', stamp, k, stamp)
        sync.add('cam2', stamp, k, stamp)
        assert sync.poll(stamp) == []
        assert list(sync.missing()) == ['state']
    held = [len(sync._streams[name]._stamps) for name in ('cam', 'cam2')]
    assert max(held) < 40


def test_waits_for_a_late_start_without_piling_up_pictures():
    sync = Synchronizer(SyncConfig(30, (CAMERA, SECOND)), start_ns=T0 + 50 * S)
    for k, stamp in enumerate(every(30, 60)):
        sync.add('cam', stamp, k, stamp)
        sync.add('cam2', stamp, k, stamp)
        sync.poll(stamp)
        assert len(sync._streams['cam2']._stamps) < 40


@pytest.mark.parametrize('missing', range(0, 12))
def test_a_picture_missing_where_the_streams_meet_does_not_stop_the_take(missing):
    second = every(30, 2, T0 + 8 * MS)
    del second[missing]
    samples = pictures('cam', every(30, 2, T0 + 100 * MS)) + pictures('cam2', second)
    sets, _ = run(samples, [CAMERA, SECOND])
    assert len(sets) >= 54


def outage(name_out: str, seconds: float) -> tuple[list[AlignedSet], Synchronizer]:
    begin, end = T0 + 2 * S, T0 + 2 * S + round(seconds * S)
    samples = pictures('cam', every(30, 6)) + pictures('cam2', every(30, 6))
    samples += vectors('state', every(100, 6.1, T0 - 50 * MS), ramp)
    samples = [s for s in samples if s[1] != name_out or not begin <= s[2] < end]
    return run(samples, [CAMERA, SECOND, STATE])


@pytest.mark.parametrize('stream', ['cam', 'cam2'])
def test_an_outage_of_a_camera_is_repeated_and_counted(stream):
    sets, sync = outage(stream, 0.4)
    assert len(sets) == 180 and sync.lost is None
    assert sync.counts[stream].repeats == 12
    assert sync.counts[stream].longest_gap_ns == pytest.approx(0.4 * S, abs=2)
    flags = [s.taken[stream].flag for s in sets]
    assert flags[60:72] == [Flag.REPEAT] * 12 and set(flags[:60] + flags[72:]) == {Flag.FRESH}


def test_an_outage_of_numbers_is_held_and_counted_not_bridged():
    sets, sync = outage('state', 0.4)
    assert len(sets) == 180 and sync.lost is None
    held = [s for s in sets if s.taken['state'].flag is Flag.HELD]
    assert len(held) == sync.counts['state'].held == pytest.approx(12, abs=1)
    assert len({s.taken['state'].value[0] for s in held}) == 1
    assert held[0].taken['state'].stamp_ns == T0 + 1990 * MS


@pytest.mark.parametrize('stream', ['cam', 'cam2', 'state'])
def test_a_long_outage_ends_the_take(stream):
    sets, sync = outage(stream, 1.2)
    assert sync.lost == stream
    assert len(sets) == pytest.approx(90, abs=1)
    late = sets[-1].tick_ns - sets[-1].taken[stream].stamp_ns
    assert late <= S


def test_silence_of_commands_holds_and_is_no_loss():
    samples = pictures('cam', every(30, 5)) + vectors('action', every(50, 1), ramp)
    sets, sync = run(samples, [CAMERA, ACTION])
    assert len(sets) == 150 and sync.lost is None
    assert {float(s.taken['action'].value[0]) for s in sets[31:]} == {0.98}


def test_a_late_message_is_counted_and_does_not_come_back():
    samples = pictures('cam', every(30, 3)) + pictures('cam2', every(30, 3))
    late = [
        (r + (400 * MS if stamp == T0 + S else 0), name, stamp, value)
        for r, name, stamp, value in samples
        if name == 'cam2'
    ]
    sets, sync = run([s for s in samples if s[1] == 'cam'] + late, [CAMERA, SECOND])
    assert sync.counts['cam2'].late == 1
    assert sync.counts['cam2'].repeats == 1
    assert len(sets) == 90


def test_offset_moves_stamps_back():
    offset = StreamConfig('state', Take.INTERPOLATE, offset_ns=20 * MS)
    samples = pictures('cam', every(30, 1))
    delayed = every(100, 1.1, T0 - 50 * MS)
    samples += [(s + MS, 'state', s, ramp(s - 20 * MS)) for s in delayed]
    sets, _ = run(samples, [CAMERA, offset])
    assert len(sets) == 30
    for aligned in sets:
        assert aligned.taken['state'].value[0] == pytest.approx(ramp(aligned.target_ns)[0])


def test_offset_of_the_reference_moves_the_grid():
    offset = StreamConfig('cam', Take.NEAREST, offset_ns=20 * MS)
    samples = pictures('cam', every(30, 1)) + vectors('state', every(100, 1.2, T0 - S // 10), ramp)
    sets, _ = run(samples, [offset, STATE])
    assert sets[0].tick_ns == T0 - 20 * MS
    assert sets[0].taken['state'].value[0] == pytest.approx(-0.02)


def test_without_a_camera_the_grid_starts_where_all_streams_have_begun():
    late = StreamConfig('late', Take.HOLD, may_be_silent=True)
    samples = vectors('state', every(100, 2), ramp)
    samples += [(T0 + 500 * MS, 'late', T0 + 500 * MS, np.array([1.0]))]
    sets, _ = run(samples, [STATE, late])
    assert sets[0].tick_ns == T0 + 500 * MS
    assert len(sets) == pytest.approx(45, abs=1)


def test_streams_that_all_may_be_silent_end_with_their_last_sample():
    sets, _ = run(vectors('action', every(50, 1), ramp), [ACTION])
    assert 29 <= len(sets) <= 32
    sets, _ = run(vectors('hold', every(50, 1), ramp), [StreamConfig('hold', Take.HOLD)])
    assert 29 <= len(sets) <= 31


def test_flush_gives_the_rest_as_far_as_all_have_values_of_their_own():
    samples = pictures('cam', every(30, 2)) + pictures('cam2', every(30, 1.5))
    samples += vectors('state', every(100, 2), ramp)
    sets, _ = run(samples, [CAMERA, SECOND, STATE], poll=False)
    assert len(sets) == 45
    assert {t.flag for s in sets for t in s.taken.values()} == {Flag.FRESH}


def test_flush_stops_where_it_is_told():
    sync = Synchronizer(SyncConfig(30, (CAMERA,)))
    for stamp in every(30, 2):
        sync.add('cam', stamp, 0, stamp)
    assert len(sync.flush(T0 + S)) == 31


def test_the_grid_does_not_drift():
    sync = Synchronizer(SyncConfig(30, (CAMERA,)))
    sync.add('cam', T0, 0, T0)
    sync.poll(T0 + S)
    assert sync.tick_ns(30 * 3600) == T0 + 3600 * S
    assert sync.tick_ns(1) == T0 + 33_333_333 and sync.tick_ns(2) == T0 + 66_666_667


def test_two_streams_of_one_name_are_refused():
    with pytest.raises(StreamError, match="two streams are named 'cam'"):
        Synchronizer(SyncConfig(30, (CAMERA, CAMERA)))


def test_a_reference_that_is_no_stream_is_refused():
    with pytest.raises(StreamError, match="'top' is not one of the streams: cam, state"):
        Synchronizer(SyncConfig(30, (CAMERA, STATE), reference='top'))


def test_the_reference_named_leads():
    samples = pictures('cam', every(30, 1)) + pictures('cam2', every(30, 1, T0 + 10 * MS))
    sets, _ = run(samples, [CAMERA, SECOND], reference='cam2')
    assert sets[0].tick_ns == T0 + 10 * MS
