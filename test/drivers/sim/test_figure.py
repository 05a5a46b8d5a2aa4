from __future__ import annotations

import math

import numpy as np
import pytest

from lerobot_drivers.sim.figure import Body, Capsule, Figure, Joint, standing_at

LIFT = Joint('lift', (0.0, 0.0, 0.1), (0.0, 0.0, 0.0), 0.0, 1.0, kind='prismatic')
TREE = Figure(
    (
        LIFT,
        Joint('left', (0.0, 0.2, 0.0), (0.0, 0.0, 0.0), -1.0, 1.0, parent='lift'),
        Joint('right', (0.0, -0.2, 0.0), (0.0, 0.0, 0.0), -1.0, 1.0, 'lift', (1.0, 0.0, 0.0)),
        Joint('finger', (0.3, 0.0, 0.0), (0.0, 0.0, 0.0), -1.0, 1.0),
    ),
    (Capsule(2, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.1, 0.1), (1, 2, 3)),),
)


def test_a_tree_branches_and_a_joint_without_parent_follows_the_one_before():
    poses = TREE.link_poses([0.5, math.pi / 2, math.pi / 2, 0.0])
    assert poses[1][:3, 3] == pytest.approx([0.0, 0.0, 0.6])
    assert poses[2][:3, 3] == pytest.approx([0.0, 0.2, 0.6])
    assert poses[3][:3, 3] == pytest.approx([0.0, -0.2, 0.6])
    assert poses[3][:3, :3] @ [0.0, 1.0, 0.0] == pytest.approx([0.0, 0.0, 1.0])
    assert poses[4][:3, 3] == pytest.approx([0.3, -0.2, 0.6])


def test_a_link_that_is_not_there_is_refused():
    with pytest.raises(KeyError, match='nowhere'):
        Figure((Joint('a', (0.0,) * 3, (0.0,) * 3, 0.0, 1.0, parent='nowhere'),))


def test_a_body_stands_where_it_is_put():
    body = Body(TREE, np.zeros(4), standing_at(1.0, 2.0, math.pi / 2))
    start, end = TREE.capsule_ends(body.poses)[0]
    assert start == pytest.approx([0.8, 2.0, 0.1])
    assert end == pytest.approx([0.8, 3.0, 0.1])
