from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sync_scene import CAMERA, PERIOD, T0, every, pictures, run, summary
from synthetic_messages import MS, S, header, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.rotation import (
    RotationStream,
    find_rotations,
    normalized,
    on_the_side_of,
    slerp,
)
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.streams import StreamConfig, Take

POSE = StreamConfig('pose', Take.INTERPOLATE, rotations=((1, 2, 3, 4),))
XYZW = ('x', 'y', 'z', 'w')


@st.composite
def quaternions(draw):
    found = draw(arrays(np.float64, 4, elements=st.floats(-1, 1)))
    assume(np.linalg.norm(found) > 0.1)
    return found / np.linalg.norm(found)


def angle(one, other):
    """Between two rotations, whatever their quaternions' signs [rad]."""
    return 4 * math.atan2(
        min(np.linalg.norm(one - other), np.linalg.norm(one + other)) / 2,
        max(np.linalg.norm(one + other), np.linalg.norm(one - other)) / 2,
    )


@given(quaternions(), quaternions(), st.floats(0, 1))
def test_slerp_stays_on_the_sphere_and_on_the_way(one, other, share):
    found = slerp(one, other, share)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-12)
    whole = angle(one, other)
    assert angle(one, found) == pytest.approx(share * whole, abs=3e-5)
    assert angle(found, other) == pytest.approx((1 - share) * whole, abs=3e-5)


@given(quaternions(), quaternions(), st.floats(0, 1))
def test_signs_do_not_matter(one, other, share):
    assume(abs(one @ other) > 1e-9)
    assert angle(slerp(one, -other, share), slerp(one, other, share)) < 1e-6


def turning(stamp_ns, rate=3.0, noisy_sign=None):
    half = rate * (stamp_ns - T0) / S / 2
    sign = -1 if noisy_sign and noisy_sign[stamp_ns // MS % len(noisy_sign)] else 1
    return np.array([stamp_ns - T0, 0, 0, sign * math.sin(half), sign * math.cos(half)])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_rows_follow_the_turn_whatever_the_signs_and_the_order(signs, random):
    cameras = pictures('cam', every(30, 2))
    stamps = every(100, 2.1, T0 - 100 * MS)
    arrivals = itertools.accumulate((s + random.randint(1, 60) * MS for s in stamps), max)
    poses = [
        (at, 'pose', s, turning(s, noisy_sign=signs))
        for at, s in zip(arrivals, stamps, strict=True)
    ]
    sets, _ = run([*cameras, *poses], [CAMERA, POSE])
    assert 59 <= len(sets) <= 61
    rows = np.array([each.taken['pose'].value for each in sets])
    for each, row in zip(sets, rows, strict=True):
        assert row[0] == pytest.approx(each.target_ns - T0, abs=1)
        assert angle(row[1:], turning(each.target_ns)[1:]) < 1e-6
        assert np.linalg.norm(row[1:]) == pytest.approx(1, abs=1e-12)
    assert (np.sum(rows[1:, 1:] * rows[:-1, 1:], axis=1) > 0.9).all(), 'a sign jumped'
    assert rows[0, 4] > 0
    in_order, _ = run([*cameras, *((s, 'pose', s, v) for _, _, s, v in poses)], [CAMERA, POSE])
    assert summary(in_order)[:59] == summary(sets)[:59]


def test_a_line_through_the_sphere_would_be_noticed():
    start, end = np.array([0, 0, 0, 1.0]), np.array([0, 0, 1.0, 0])
    found = slerp(start, end, 0.25)
    assert angle(start, found) == pytest.approx(math.pi / 4)
    straight = start + 0.25 * (end - start)
    assert abs(angle(start, straight / np.linalg.norm(straight)) - math.pi / 4) > 0.1


def test_the_side_is_that_of_the_last_one_and_else_defined():
    half = np.array([0.6, 0, 0, -0.8])
    assert on_the_side_of(half, None)[3] == 0.8
    assert on_the_side_of(half, half) is half
    assert on_the_side_of(np.array([0, 0, -1.0, 0]), None)[2] == 1
    assert on_the_side_of(half, np.array([0, 1.0, 0, 0]))[3] == 0.8


def test_a_held_rotation_keeps_its_side():
    stream = RotationStream(StreamConfig('p', Take.HOLD, rotations=((0, 1, 2, 3),)), PERIOD)
    stream.add(T0, np.array([0, 0, 0, -1.0]), T0)
    taken = stream.take(T0 + S)
    assert taken.value[3] == 1
    stream.commit(taken, T0 + S)


def test_quaternions_are_found_by_name():
    names = ['orientation.w', *(f'rotation.{axis}' for axis in XYZW), 'x', 'orientation.x']
    assert find_rotations(names) == (((1, 2, 3, 4),), ['orientation.x', 'orientation.w'])


@given(arrays(np.float64, 4, elements=st.floats(-1e3, 1e3)))
def test_what_points_nowhere_has_no_length(values):
    found = normalized(values, ((0, 1, 2, 3),))
    if np.linalg.norm(values) < 1e-6:
        assert found is None
    else:
        assert np.linalg.norm(found) == pytest.approx(1)


def pose(x, *turn, at=T0):
    position = make('geometry_msgs/msg/Point', x, 0.0, 0.0)
    orientation = make('geometry_msgs/msg/Quaternion', *turn)
    inner = make('geometry_msgs/msg/Pose', position, orientation)
    return raw('/p', make('geometry_msgs/msg/PoseStamped', header(at), inner), at)


def plan(**source):
    features = {'observation.pose': {'topic': '/p', **source}}
    made = RowPlan(build_mapping({'features': features}, 'm'))
    made.learn(pose(0.0, 0.0, 0.0, 0.0, 1.0))
    made.settle()
    return made


@pytest.mark.parametrize('bad', [(0.0,) * 4, (math.nan, 0.0, 0.0, 1.0), (math.inf, 0.0, 0.0, 1.0)])
def test_an_impossible_quaternion_is_unusable(bad):
    made = plan()
    (channel,) = made.all_channels()
    assert list(made.samples(pose(1.0, *bad))) == []
    assert channel.errors == 1
    (sample,) = made.samples(pose(1.0, 0.0, 0.0, 0.0, 2.0))
    assert sample.value.tolist() == [1, 0, 0, 0, 0, 0, 1]
    assert channel.stream_config().rotations == ((3, 4, 5, 6),)


def test_a_part_of_a_quaternion_is_not_interpolated():
    with pytest.raises(StreamError, match=r'orientation\.z, orientation\.w are a part of'):
        plan(joints=['position.x', 'orientation.z', 'orientation.w'])
    held = plan(joints=['orientation.z', 'orientation.w'], take='hold')
    assert [s.value.tolist() for s in held.samples(pose(1.0, 0.0, 0.0, 0.0, 1.0))] == [[0, 1]]


def test_elements_of_a_quaternion_have_no_unit():
    with pytest.raises(StreamError, match=r'units are given for orientation\.w'):
        plan(units={'orientation.w': {'mode': 'degrees'}})
