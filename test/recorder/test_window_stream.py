from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_scene import CAMERA, T0, every, pictures, run, stamps_from, summary
from synthetic_messages import MS, S, header, make, raw

from lerobot_drivers.common.errors import ConfigError, StreamError
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.streams import Flag, StreamConfig, Take, Taken, Window
from lerobot_recorder.synchronizer import AlignedSet, SyncMode
from lerobot_recorder.window_stream import WindowStream

K = 34
FORCE = StreamConfig('force', Take.WINDOW, window=Window(K, 1000.0))
FEATURE = {'observation.wrench': {'topic': '/w', 'window': {'rate_hz': 1000}}}


def forces(stamps, latency_ns=MS):
    return [(s + latency_ns, 'force', s, np.array([s - T0, 1.0])) for s in stamps]


def windows(sets):
    return [each.taken['force'] for each in sets]


def test_a_window_holds_the_samples_up_to_the_row():
    samples = [*pictures('cam', every(30, 2)), *forces(every(1000, 2.5, T0 - S // 2))]
    sets, sync = run(samples, [CAMERA, FORCE])
    assert len(sets) == 60
    for each in sets:
        taken = each.taken['force']
        assert taken.value.shape == (K, 2)
        stamps = taken.value[:, 0] + T0
        assert (np.diff(stamps) == MS).all() and taken.fresh == K
        assert 0 <= each.target_ns - stamps[-1] < MS
        assert taken.flag is Flag.FRESH and taken.stamp_ns == stamps[-1]
    assert sync.counts['force'].fresh == 60


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.5, 1.0, 3.0]))
def test_nothing_is_invented_and_nothing_comes_from_the_future(seed, mean_ms):
    random = np.random.default_rng(seed)
    gaps = random.exponential(mean_ms * MS, round(700 / mean_ms)).astype(int) + 1
    stamps = stamps_from(gaps.tolist(), T0 - 100 * MS)
    cameras = pictures('cam', every(30, 0.5))
    arrivals = np.maximum.accumulate(stamps + random.uniform(0, 80 * MS, len(stamps)).astype(int))
    shuffled = [
        (int(at), *sample[1:]) for at, sample in zip(arrivals, forces(stamps), strict=True)
    ]
    sets, _ = run([*cameras, *shuffled], [CAMERA, FORCE])
    assert len(sets) >= 10
    known = np.array(stamps)
    for each in sets:
        taken, slots = each.taken['force'], each.target_ns - np.arange(K - 1, -1, -1) * MS
        newest = [known[known <= slot].max() for slot in slots]
        assert (taken.value[:, 0] + T0).astype(np.int64).tolist() == newest
        own = [((known > slot - MS) & (known <= slot)).any() for slot in slots]
        assert taken.fresh == sum(own)
    in_order, _ = run([*cameras, *forces(stamps)], [CAMERA, FORCE])
    both = min(len(sets), len(in_order), 15)
    assert summary(in_order)[:both] == summary(sets)[:both]


def test_a_gap_is_held_told_and_counted():
    stamps = [s for s in every(1000, 3, T0 - S // 2) if not T0 + S <= s < T0 + S + 200 * MS]
    sets, sync = run([*pictures('cam', every(30, 2)), *forces(stamps)], [CAMERA, FORCE])
    held = [t for t in windows(sets) if t.flag is Flag.HELD]
    assert 6 <= len(held) <= 8 == sync.counts['force'].held + 8 - len(held)
    assert min(t.fresh for t in held) == 0
    assert sync.counts['force'].longest_gap_ns > 150 * MS


def test_a_late_start_begins_with_the_first_whole_window():
    samples = [*pictures('cam', every(30, 2)), *forces(every(1000, 2, T0 + S // 2))]
    sets, _ = run(samples, [CAMERA, FORCE])
    assert sets[0].target_ns >= T0 + S // 2 + (K - 1) * MS
    assert windows(sets)[0].fresh == K


def test_a_burst_is_placed_by_its_stamps():
    burst = [((s - T0) // (50 * MS) * 50 * MS + T0 + 50 * MS, n, s, v)
             for _, n, s, v in forces(every(1000, 3, T0 - S // 2))]  # fmt: skip
    cameras = pictures('cam', every(30, 2))
    smooth, _ = run([*cameras, *forces(every(1000, 3, T0 - S // 2))], [CAMERA, FORCE])
    sets, _ = run([*cameras, *burst], [CAMERA, FORCE])
    assert summary(sets) == summary(smooth)


def test_a_sensor_that_falls_silent_ends_the_take():
    sets, sync = run([*pictures('cam', every(30, 4)), *forces(every(1000, 2))], [CAMERA, FORCE])
    assert sync.lost == 'force' and 75 <= len(sets) <= 91


def test_as_seen_the_window_is_of_what_had_arrived():
    samples = [*pictures('cam', every(30, 2)), *forces(every(1000, 3), latency_ns=40 * MS)]
    sets, _ = run(samples, [CAMERA, FORCE], mode=SyncMode.AS_SEEN)
    for each in sets:
        newest = each.taken['force'].value[-1, 0] + T0
        assert 40 * MS <= each.tick_ns - newest < 41 * MS


def test_samples_that_are_not_needed_are_forgotten():
    stream = WindowStream(FORCE, S // 30)
    for stamp in every(1000, 10):
        stream.add(stamp, np.zeros(6), stamp)
        if stamp % (S // 10) == 0:
            stream.drop_before(stamp)
    assert len(stream._stamps) < 250


def wrench(at=T0, values=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0)):
    force, torque = (make('geometry_msgs/msg/Vector3', *part) for part in (values[:3], values[3:]))
    inner = make('geometry_msgs/msg/Wrench', force, torque)
    return raw('/w', make('geometry_msgs/msg/WrenchStamped', header(at), inner), at)


def plan(features=FEATURE, **more):
    made = RowPlan(build_mapping({'features': features, **more}, 'm'))
    made.learn(wrench())
    made.settle()
    return made


def test_the_feature_is_two_dimensional():
    made = plan()
    names = [f'{what}.{axis}' for what in ('force', 'torque') for axis in 'xyz']
    assert made.features() == {
        'observation.wrench': {'dtype': 'float32', 'shape': [34, 6], 'names': names}
    }
    taken = {'observation.wrench': Taken(np.ones((34, 6)), T0, Flag.FRESH, fresh=34)}
    row = made.row(AlignedSet(0, T0, T0, taken))
    assert row.values['observation.wrench'].shape == (34, 6)
    assert row.values['observation.wrench'].dtype == np.float32


def test_its_length_can_be_chosen():
    features = {'observation.w': {'topic': '/w', 'window': {'rate_hz': 1000, 'samples': 50}}}
    assert plan(features).features()['observation.w']['shape'] == [50, 6]
    assert plan(fps=50).features()['observation.wrench']['shape'] == [20, 6]


def test_a_sample_with_a_hole_is_unusable():
    made = plan()
    assert list(made.samples(wrench(values=(1.0, np.nan, 3.0, 4.0, 5.0, 6.0)))) == []
    assert 'lacks force.y' in made.last_errors()[0]


@pytest.mark.parametrize(
    ('features', 'told'),
    [
        ({'action': FEATURE['observation.wrench']}, 'action cannot be a window'),
        ({'observation.state': FEATURE['observation.wrench']}, 'observation.state cannot be'),
        ({'observation.w': {'topic': '/w', 'take': 'window'}}, r'needs window: \{rate_hz'),
        ({'observation.w': {'topic': '/w', 'window': {'rate_hz': 0}}}, 'a rate above 0, found 0'),
        (
            {'observation.w': {'topic': '/w', 'take': 'hold', 'window': {'rate_hz': 9}}},
            'a window is not taken by hold',
        ),
        (
            {'observation.w': {'sources': [{'topic': '/w', 'window': {'rate_hz': 9}}, {'topic': '/v'}]}},  # noqa: E501
            'need the same window, or none',
        ),
    ],
)  # fmt: skip
def test_windows_that_cannot_be(features, told):
    with pytest.raises(ConfigError, match=told):
        build_mapping({'features': features}, 'm')


def test_true_stamps_as_columns_are_no_input_of_a_policy():
    features = {
        **FEATURE,
        'action': {'sources': [{'topic': '/w'}, {'topic': '/v', 'joints': ['a']}]},
    }
    made = plan(features, stamps=True)
    found = {key: value for key, value in made.features().items() if key not in features}
    assert list(found) == ['sync.tick_ns', 'sync.wrench_ns', 'sync.action_ns', 'sync.action_1_ns']
    assert all(f == {'dtype': 'int64', 'shape': [1], 'names': None} for f in found.values())
    taken = {
        'observation.wrench': Taken(np.ones((34, 6)), T0 + 1, Flag.FRESH),
        'action': Taken(np.ones(6), T0 + 2, Flag.FRESH),
        'action#1': Taken(np.ones(1), T0 + 3, Flag.FRESH),
    }
    row = made.row(AlignedSet(0, T0, T0, taken))
    assert [int(row.values[key][0] - T0) for key in found] == [0, 1, 2, 3]
    with pytest.raises(ConfigError, match=r'sync\.tick_ns occur twice'):
        plan({**FEATURE, 'sync.tick_ns': {'topic': '/w'}}, stamps=True).features()


def test_a_topic_without_a_message_is_told():
    with pytest.raises(StreamError, match='cannot be recorded as numbers'):
        made = plan()
        for _ in range(10):
            list(made.samples(raw('/w', make('std_msgs/msg/String', 'x'), T0)))
