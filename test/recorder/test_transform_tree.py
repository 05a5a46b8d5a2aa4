from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_messages import MS, S
from transform_messages import matrix, spin

from lerobot_recorder.transform_links import compose, inverse
from lerobot_recorder.transform_tree import MAX_SAMPLES, TransformTree

CAMERA = np.array(spin(0.3, 'z', (0.1, 0.2, 0.3)))


def random_pose(rng):
    turn = rng.normal(size=4)
    return np.concatenate([rng.normal(size=3), turn / np.linalg.norm(turn)])


def near(pose, expected):
    return np.allclose(matrix(pose), expected, atol=1e-9)


@given(st.integers(0, 2**32))
def test_poses_are_what_their_matrices_are(seed):
    rng = np.random.default_rng(seed)
    one, other = random_pose(rng), random_pose(rng)
    assert near(compose(one, other), matrix(one) @ matrix(other))
    assert near(inverse(one), np.linalg.inv(matrix(one)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_a_chain_goes_up_and_down_a_tree_whatever_came_first(seed):
    rng = np.random.default_rng(seed)
    links = {
        ('world', 'base'): random_pose(rng),
        ('base', 'arm'): random_pose(rng),
        ('arm', 'tool'): random_pose(rng),
        ('base', 'head'): random_pose(rng),
        ('head', 'camera'): random_pose(rng),
    }
    tree = TransformTree('camera', 'tool')
    for number in rng.permutation(len(links)):
        (parent, child), pose = list(links.items())[number]
        if child in ('head', 'camera'):
            tree.add_static(parent, child, pose)
        else:
            tree.add(parent, child, S, pose)
    ((stamp_ns, pose),) = tree.poses()
    m = {child: matrix(pose) for (_, child), pose in links.items()}
    expected = np.linalg.inv(m['head'] @ m['camera']) @ m['arm'] @ m['tool']
    assert stamp_ns == S and near(pose, expected)
    assert sorted(tree.moving) == ['arm', 'tool'] and list(tree.poses()) == []


def test_links_of_other_rates_meet_where_one_of_them_has_a_sample():
    tree = TransformTree('base', 'tool')
    found = []
    for ms in range(0, 1000, 10):
        tree.add('base', 'arm', ms * MS, np.array(spin(ms / 1000, 'z')))
        if ms % 50 == 0:
            tree.add('arm', 'tool', ms * MS, np.array(spin(0, 'z', (ms / 1000, 0, 0))))
        found += tree.poses()
    assert [stamp for stamp, _ in found] == [ms * MS for ms in range(0, 951, 10)]
    for stamp, pose in found:
        seconds = stamp / S
        assert near(pose, matrix(spin(seconds, 'z')) @ matrix(spin(0, 'z', (seconds, 0, 0))))


def test_a_silent_link_silences_the_chain_and_nothing_is_invented_over_its_gap():
    tree, found = TransformTree('base', 'tool'), []
    for ms in range(0, 2000, 10):
        tree.add('base', 'arm', ms * MS, CAMERA)
        if ms <= 500 or ms >= 1500:
            tree.add('arm', 'tool', ms * MS, CAMERA)
        found += tree.poses()
    stamps = [stamp // MS for stamp, _ in found]
    assert stamps == [*range(0, 501, 10), *range(1500, 2000, 10)]
    assert tree.moving['tool'].longest_gap_ns == S


@pytest.mark.parametrize(('tolerance_ms', 'bridged'), [(None, True), (150, False)])
def test_a_slow_link_has_no_gap_unless_told(tolerance_ms, bridged):
    tree = TransformTree('base', 'tool', tolerance_ms and tolerance_ms * MS)
    for ms in range(0, 3001, 100):
        tree.add('base', 'arm', ms * MS, CAMERA)
    for ms in range(0, 3001, 200):
        tree.add('arm', 'tool', ms * MS, CAMERA)
    assert len(list(tree.poses())) == (31 if bridged else 16)


def test_late_and_doubled_samples_say_nothing_new():
    tree = TransformTree('base', 'tool')
    assert tree.add('base', 'tool', 2 * S, CAMERA)
    assert len(list(tree.poses())) == 1
    assert not tree.add('base', 'tool', 2 * S, CAMERA)
    assert not tree.add('base', 'tool', S, CAMERA)
    tree.begin()
    assert tree.chain is not None and list(tree.poses()) == []
    assert tree.add('base', 'tool', S, CAMERA)


def test_links_that_wait_for_another_do_not_pile_up():
    tree = TransformTree('base', 'tool')
    tree.know('arm', 'tool')
    for number in range(MAX_SAMPLES + 100):
        tree.add('base', 'arm', number * MS, CAMERA)
    assert len(tree.moving['arm'].stamps) == MAX_SAMPLES


def test_a_frame_that_goes_below_another_one_begins_anew():
    tree = TransformTree('world', 'cup')
    tree.add('world', 'table', S, CAMERA)
    tree.add('table', 'cup', S, CAMERA)
    assert len(list(tree.poses())) == 1
    tree.add('world', 'cup', 2 * S, CAMERA)
    ((stamp, pose),) = tree.poses()
    assert stamp == 2 * S and near(pose, matrix(CAMERA))


def test_a_circle_of_frames_is_no_chain():
    tree = TransformTree('a', 'z')
    tree.add('a', 'b', S, CAMERA)
    tree.add('b', 'a', S, CAMERA)
    assert tree.chain is None and tree.frames == ['a', 'b']
