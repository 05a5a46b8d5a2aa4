from __future__ import annotations

import heapq
import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.streams import Flag, StreamConfig, Take
from lerobot_recorder.synchronizer import AlignedSet, SyncConfig, Synchronizer, SyncMode

S = 1_000_000_000
MS = 1_000_000
T0 = 1000 * S
PERIOD = round(S / 30)

CAMERA = StreamConfig('cam', Take.NEAREST)
SECOND = StreamConfig('cam2', Take.NEAREST)
STATE = StreamConfig('state', Take.INTERPOLATE)
ACTION = StreamConfig('action', Take.NEXT, may_be_silent=True)

HOUR = 3600 * 30
WHOLE = 55  # rows that do not depend on when a take of 2 s ends

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


# --- order of arrival ---------------------------------------------------------------------


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


# --- nothing invented -----------------------------------------------------------------------

gaps = st.lists(st.integers(1 * MS, 120 * MS), min_size=5, max_size=60)


def stamps_from(gap_list, start_ns) -> list[int]:
    return list(itertools.accumulate(gap_list, initial=start_ns))


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
        assert sync.waiting_for() == ['state']
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


# --- one to one -----------------------------------------------------------------------------


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
    assert forced - 1 <= counts.slips <= forced + 1
    assert flags[Flag.REPEAT] == 0 and counts.repeats == 0 and counts.late == 0
    assert counts.skipped == (counts.slips if ppm < 0 else 0)
    assert flags[Flag.SLIP] == (counts.slips if ppm > 0 else 0)
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


# --- gaps and losses ------------------------------------------------------------------------


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


# --- commands -------------------------------------------------------------------------------


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


# --- partial messages -----------------------------------------------------------------------


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


# --- offsets, fallbacks, ends ---------------------------------------------------------------


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
    sync.poll(T0)
    assert sync.tick_ns(30 * 3600) == T0 + 3600 * S
    assert sync.tick_ns(1) == T0 + 33_333_333 and sync.tick_ns(2) == T0 + 66_666_667


# --- as seen --------------------------------------------------------------------------------


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


# --- the scene of peers.md ------------------------------------------------------------------


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


# --- mistakes -------------------------------------------------------------------------------


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
