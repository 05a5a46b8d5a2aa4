"""The policy without a model: smooth, repeatable, from where the robot is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies.scripted import AMPLITUDE, ScriptedPolicy

DEGREES = JointUnit(NormMode.DEGREES)
JOINTS = (JointSpec('pan', -2.0, 2.0, unit=DEGREES), JointSpec('slide', -9, 9))
START = np.array([20.0, 0.25], dtype=np.float32)


def motion(seed=0, seconds=20.0, joints=JOINTS, start=START):
    policy = ScriptedPolicy(PolicyConfig(type='scripted', seed=seed), joints)
    policy.reset({'observation.state': start})
    times = np.arange(0.0, seconds, 1 / policy.fps)
    actions = np.array([policy.select_action({}, float(time_s)) for time_s in times])
    return np.stack([j.unit.from_dataset(actions[:, at]) for at, j in enumerate(joints)], axis=1)


def test_it_begins_where_the_robot_is():
    assert motion()[0] == pytest.approx([math.radians(20), 0.25], abs=1e-6)


def test_it_moves_smoothly_about_its_start():
    poses = motion()
    assert np.abs(np.diff(poses, axis=0)).max() * 30 < 1.5, 'faster than an arm may be [rad/s]'
    assert (np.ptp(poses, axis=0) > AMPLITUDE).all()
    assert np.abs(poses - poses[0]).max() <= 2 * AMPLITUDE + 1e-6


def test_the_seed_decides():
    assert np.array_equal(motion(seed=3), motion(seed=3))
    assert not np.allclose(motion(seed=3), motion(seed=4))


def test_it_stays_within_limits():
    narrow = (JointSpec('pan', 0.3, 0.4, unit=DEGREES), JOINTS[1])
    poses = motion(joints=narrow)[:, 0]
    assert poses.min() >= 0.3 - 1e-6 and poses.max() <= 0.4 + 1e-6


def test_the_rate_is_the_users():
    assert ScriptedPolicy(PolicyConfig(type='scripted'), JOINTS).fps == 30
    assert ScriptedPolicy(PolicyConfig(type='scripted', fps=10), JOINTS).fps == 10
