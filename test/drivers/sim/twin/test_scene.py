"""The scene agrees with the numbers of the simulated arm, and holds what the task needs."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('mujoco', reason='mujoco is not installed (extra sim)')

from lerobot_drivers.sim.kinematics import JOINTS, link_poses
from lerobot_drivers.sim.twin.arm_xml import FACE, LINK_MASSES, PARALLEL_AT, PARALLEL_GAP
from lerobot_drivers.sim.twin.engine import load_mujoco
from lerobot_drivers.sim.twin.scene import make_model


@pytest.fixture(scope='module')
def model():
    return make_model()


def posed(model, angles):
    mujoco = load_mujoco()
    data = mujoco.MjData(model)
    for joint, angle in zip(JOINTS, angles, strict=True):
        data.qpos[model.joint(joint.name).qposadr[0]] = angle
    mujoco.mj_forward(model, data)
    return data


@pytest.mark.parametrize('angles', [[0.0] * 6, [0.5, -0.8, 0.7, -1.1, 2.0, 0.9]])
def test_links_are_where_the_kinematics_say(model, angles):
    data = posed(model, angles)
    for joint, pose in zip(JOINTS, link_poses(angles)[1:], strict=True):
        body = data.body(joint.name)
        assert body.xpos == pytest.approx(pose[:3, 3], abs=1e-6)
        assert body.xmat.reshape(3, 3) == pytest.approx(pose[:3, :3], abs=1e-5)


def test_stops_lie_beyond_the_range_and_masses_are_the_published_ones(model):
    for joint in JOINTS:
        low, high = model.joint(joint.name).range
        assert low < joint.lower < joint.upper < high
    masses = [model.body(name).mass[0] for name in ('base', *(joint.name for joint in JOINTS))]
    assert masses == pytest.approx(LINK_MASSES, rel=1e-4)


def test_the_fingers_are_parallel_around_a_cube(model):
    data = posed(model, [0.0, -0.5, 0.6, 1.0, 0.0, PARALLEL_AT])
    hand = data.body('wrist_roll')
    fixed, moving = data.geom('fixed_pad'), data.geom('moving_pad')
    opening = hand.xmat.reshape(3, 3)[:, 0]
    assert abs(moving.xmat.reshape(3, 3)[:, 0] @ opening) == pytest.approx(1.0, abs=1e-6)
    between = (moving.xpos - fixed.xpos) @ opening - 2 * model.geom('fixed_pad').size[0]
    assert between == pytest.approx(PARALLEL_GAP, abs=1e-6)
    face = (fixed.xpos - hand.xpos) @ opening + model.geom('fixed_pad').size[0]
    assert face == pytest.approx(-FACE, abs=1e-6)
    assert np.cross(opening, moving.xpos - fixed.xpos) == pytest.approx(0.0, abs=1e-6)
