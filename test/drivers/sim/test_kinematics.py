from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from lerobot_drivers.sim.kinematics import (
    JOINTS,
    TOOL,
    forward_kinematics,
    link_poses,
    planar_reach,
    tool_position,
)
from lerobot_drivers.sim.markers import MARKERS

URDF = 'urdf/so_arm100_official/SO101/so101_new_calib.urdf'


def numbers(text: str) -> list[float]:
    return [float(part) for part in text.split()]


def test_the_chain_is_the_published_one(shared_data):
    root = ET.parse(shared_data / URDF).getroot()
    published = {joint.get('name'): joint for joint in root.findall('joint')}
    for joint in JOINTS:
        found = published[joint.name]
        origin, limit = found.find('origin'), found.find('limit')
        assert numbers(origin.get('xyz')) == pytest.approx(joint.xyz, abs=1e-6)
        turn = np.array(numbers(origin.get('rpy')))
        assert np.abs(np.sin((turn - joint.rpy) / 2)).max() < 1e-5
        assert numbers(found.find('axis').get('xyz')) == [0, 0, 1]
        assert float(limit.get('lower')) == pytest.approx(joint.lower, abs=1e-9)
        assert float(limit.get('upper')) == pytest.approx(joint.upper, abs=1e-9)
    tool = numbers(published['gripper_frame_joint'].find('origin').get('xyz'))
    assert tool == pytest.approx(TOOL, abs=1e-6)


def test_zero_is_the_arm_stretched_forward():
    assert tool_position([0] * 6) == pytest.approx([0.3914, 0.0, 0.2265], abs=1e-3)


def test_lengths_do_not_change_with_angles():
    chance = np.random.default_rng(0)
    for _ in range(20):
        poses = link_poses(chance.uniform(-1.5, 1.5, 6))
        for joint, near, far in zip(JOINTS, poses[:-1], poses[1:], strict=True):
            assert np.linalg.norm(far[:3, 3] - near[:3, 3]) == pytest.approx(
                np.linalg.norm(joint.xyz)
            )
            assert far[:3, :3] @ far[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)


def test_every_joint_moves_a_marker():
    rest = forward_kinematics([0.1] * 6)
    assert rest.shape == (len(MARKERS), 3)
    for joint in range(6):
        angles = np.full(6, 0.1)
        angles[joint] += 0.1
        assert np.linalg.norm(forward_kinematics(angles) - rest, axis=1).max() > 2e-3


def test_reach_brings_the_tool_there():
    lift, elbow, wrist = planar_reach(0.24, 0.05, 1.2)
    tool = tool_position([0.0, lift, elbow, wrist, 0.0, 0.0])
    assert np.hypot(tool[0] - JOINTS[0].xyz[0], tool[1]) == pytest.approx(0.24, abs=0.015)
    assert tool[2] == pytest.approx(0.05, abs=0.015)
    with pytest.raises(ValueError, match='out of reach'):
        planar_reach(0.9, 0.05, 1.2)
