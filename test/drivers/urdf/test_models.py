"""Every URDF as the standard parser of ROS reads it, against drivers and published models."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from urdf_chain import MOVING, link_poses
from urdf_parser_py.urdf import URDF, Box, Cylinder, Sphere

from lerobot_drivers.common.units import NormMode
from lerobot_drivers.robots import ROBOTS, RobotConfig, make_robot
from lerobot_drivers.robots.bi_follower import BiFollower
from lerobot_drivers.sim import kinematics
from lerobot_drivers.sim.models import MODELS, sim_model
from lerobot_drivers.urdf.models import robot_urdf, urdf_names

PUBLISHED = 'urdf/so_arm100_official'
TOLERANCE, TURN = 0.005, 6.28
OWN = {
    **{name: {'use_degrees': True} for name in ('koch_follower', 'hope_jr_arm')},
    'hope_jr_hand': {'side': 'right'},
    'lekiwi_client': {'remote_ip': '127.0.0.1'},
    'reachy2': {'port': None},
}
"""What a type needs beside a port."""
each_name = pytest.mark.parametrize('name', urdf_names())


def parsed(text: str) -> URDF:
    return URDF.from_xml_string(text.partition('?>')[2])


@cache
def robot(name: str) -> URDF:
    return parsed(robot_urdf(name))


def moving(model: URDF):
    return [joint for joint in model.joints if joint.type in MOVING]


def inertia_of(inertial):
    return np.array(inertial.inertia.to_matrix())


@each_name
def test_it_is_one_tree_of_primitive_shapes(name, capfd):
    model = robot(name)
    children = [joint.child for joint in model.joints]
    names = [link.name for link in model.links] + [joint.name for joint in model.joints]
    assert len(model.links) == len(set(children)) + 1
    assert len({joint.name for joint in model.joints}) == len(model.joints)
    assert len({link.name for link in model.links}) == len(model.links)
    assert all(link in names for link in (*children, *(j.parent for j in model.joints)))
    assert len(link_poses(model, {})) == len(model.links)
    materials = {material.name for material in model.materials}
    for link in model.links:
        for visual in link.visuals:
            assert isinstance(visual.geometry, Box | Cylinder | Sphere)
            assert visual.material.name in materials
    assert not capfd.readouterr().err  # where the parser complains of what it does not know


@each_name
def test_what_moves_has_mass_and_may_exist(name):
    model = robot(name)
    for joint in moving(model):
        inertial = model.link_map[joint.child].inertial
        assert inertial is not None and inertial.mass > 0, joint.child
        a, b, c = np.linalg.eigvalsh(inertia_of(inertial))
        assert a > 0, joint.child
        # No body is slimmer than a plate; three digits are printed.
        assert a + b > c * 0.99, joint.child


@each_name
def test_limits_and_axes_are_told(name):
    model = robot(name)
    for joint in moving(model):
        assert np.linalg.norm(joint.axis) == pytest.approx(1, abs=1e-5), joint.name
        assert joint.limit.effort > 0 and joint.limit.velocity > 0
        if joint.type != 'continuous':
            assert joint.limit.lower < joint.limit.upper
        if joint.mimic is not None:
            assert joint.mimic.joint in model.joint_map


@pytest.mark.parametrize('name', ROBOTS.names())
def test_the_joints_of_the_driver_are_there(name):
    model = robot(name)
    for joint in driver_joints(name):
        assert joint.name in model.joint_map


@pytest.mark.parametrize('name', ROBOTS.names())
def test_limits_are_those_of_the_driver(name):
    """To three encoder ticks; within a turn where the driver's come from a calibration."""
    told = 0
    for joint in driver_joints(name):
        limit = robot(name).joint_map[joint.name].limit
        by_share = joint.unit.mode in (NormMode.RANGE_0_100, NormMode.RANGE_0_1)
        ends = joint.unit if by_share else joint
        if ends.upper - ends.lower > TURN:
            assert limit.lower > ends.lower - TOLERANCE and limit.upper < ends.upper + TOLERANCE
            continue
        expected = pytest.approx((ends.lower, ends.upper), abs=TOLERANCE)
        assert (limit.lower, limit.upper) == expected, joint.name
        told += 1
    assert told or name == 'hope_jr_arm', 'at least the gripper has limits of its own'


@pytest.mark.parametrize('name', sorted(MODELS))
def test_emulated_servos_stay_within_the_limits(name):
    joints, seen = robot(name).joint_map, 0
    for servo in sim_model(name).joints:
        joint = joints.get(servo.name)  # a shadow has none
        if joint is not None and joint.type == 'revolute':
            assert servo.lower > joint.limit.lower - TOLERANCE, servo.name
            assert servo.upper < joint.limit.upper + TOLERANCE, servo.name
            seen += 1
    assert seen >= 6


def driver_joints(name: str):
    """Return the joints of a robot whose calibration, if it needs one, is that of the factory."""
    sides = {f'{side}_arm_port': f'sim://urdf-{name}/{side}' for side in ('left', 'right')}
    two_arms = issubclass(ROBOTS.load(name), BiFollower)
    places = sides if two_arms else {'port': f'sim://urdf-{name}/arm'}
    return make_robot(RobotConfig(type=name, **{**places, **OWN.get(name, {})})).joints


def test_the_so101_moves_as_the_simulated_one(shared_data):
    """And both as the published one, with its links' masses."""
    ours = robot('so101_follower')
    published = parsed((shared_data / PUBLISHED / 'SO101/so101_new_calib.urdf').read_text())
    random = np.random.default_rng(5)
    for joint in kinematics.JOINTS:
        limit = ours.joint_map[joint.name].limit
        assert (limit.lower, limit.upper) == pytest.approx((joint.lower, joint.upper), abs=1e-6)
    for _ in range(20):
        angles = [random.uniform(joint.lower, joint.upper) for joint in kinematics.JOINTS]
        values = dict(zip(kinematics.JOINT_NAMES, angles, strict=True))
        found, theirs = link_poses(ours, values), link_poses(published, values)
        for joint, expected in zip(
            kinematics.JOINTS, kinematics.link_poses(angles)[1:], strict=True
        ):
            pose = found[ours.joint_map[joint.name].child]
            np.testing.assert_allclose(pose, expected, atol=1e-7)
            other = theirs[published.joint_map[joint.name].child]
            np.testing.assert_allclose(pose, other, atol=2e-5)
        tool = found['gripper_frame_link'], theirs['gripper_frame_link']
        np.testing.assert_allclose(*tool, atol=2e-5)
    for joint in moving(ours):
        other = published.link_map[published.joint_map[joint.name].child].inertial
        inertial = ours.link_map[joint.child].inertial
        assert inertial.mass == pytest.approx(other.mass)
        np.testing.assert_allclose(inertia_of(inertial), inertia_of(other), atol=1e-7)


def test_the_so100_reaches_as_far_as_the_published_one(shared_data):
    ours = robot('so100_follower')
    published = parsed((shared_data / PUBLISHED / 'SO100/so100.urdf').read_text())
    for name in ('elbow_flex', 'wrist_flex'):
        lengths = [np.linalg.norm(model.joint_map[name].origin.xyz) for model in (ours, published)]
        assert lengths[0] == pytest.approx(lengths[1], abs=1e-6)
    # The shoulder over the table and before the axis of shoulder_pan.
    poses = link_poses(ours, {})
    lift, pan = (poses[ours.joint_map[f'shoulder_{n}'].child][:3, 3] for n in ('lift', 'pan'))
    assert lift[2] == pytest.approx(0.0165 + 0.1025, abs=1e-6)
    assert lift[0] - pan[0] == pytest.approx(0.0306, abs=1e-6)


def test_a_wheel_drives_the_base_as_lerobot_counts_it():
    """Speed of the rim under each wheel, per m/s ahead and to the left and per rad/s."""
    expected = {
        'left': (-0.8660, 0.5, 0.125),
        'back': (0.0, -1.0, 0.125),
        'right': (0.8660, 0.5, 0.125),
    }
    model, poses = robot('lekiwi'), link_poses(robot('lekiwi'), {})
    for side, speeds in expected.items():
        joint = model.joint_map[f'base_{side}_wheel']
        pose = poses[joint.child]
        ahead = np.cross(pose[:3, :3] @ joint.axis, (0, 0, 1))
        turning = np.cross((0, 0, 1), pose[:3, 3]) @ ahead
        assert (*ahead[:2], turning) == pytest.approx(speeds, abs=1e-4)
        assert pose[2, 3] == pytest.approx(0.05)


def test_the_lekiwi_is_as_high_as_the_published_one(shared_data):
    published = parsed((shared_data / 'urdf/lekiwi/LeKiwi.urdf').read_text())
    theirs, ours = link_poses(published, {}), link_poses(robot('lekiwi'), {})
    axle, pan = 'ST3215_Servo_Motor-v1-2_Revolute-60', 'STS3215_03a-v1_Revolute-45'
    axle, pan = (theirs[published.joint_map[name].child][:3, 3] for name in (axle, pan))
    wheel, shoulder = (ours[f'{name}_link'][:3, 3] for name in ('base_back_wheel', 'arm_shoulder'))
    assert shoulder[2] - wheel[2] == pytest.approx(pan[2] - axle[2], abs=1e-3)
    assert shoulder[0] == pytest.approx(pan[1], abs=1e-3)  # their y points ahead


def test_the_left_hand_is_the_right_one_in_a_mirror():
    left, right = robot('hope_jr_hand_left'), robot('hope_jr_hand_right')
    random = np.random.default_rng(5)
    mirror = np.diag([1.0, -1.0, 1.0, 1.0])
    values = {joint.name: random.uniform(0, joint.limit.upper) for joint in moving(right)}
    expected, found = link_poses(right, values), link_poses(left, values)
    for name, pose in expected.items():
        np.testing.assert_allclose(found[name], mirror @ pose @ mirror, atol=1e-9)


def test_fingers_bend_to_the_palm_and_aside():
    model = robot('hope_jr_hand_right')
    full = {j.name: j.limit.upper for j in moving(model) if j.name.startswith('index')}
    tip = lambda values: link_poses(model, values)['index_distal_link'][:3, 3]  # noqa: E731
    straight, bent = tip({}), tip(full)
    assert bent[2] < straight[2] - 0.03 and bent[0] < straight[0]
    aside = [tip({f'index_{side}_flexor': 0.7})[1] for side in ('radial', 'ulnar')]
    assert aside[0] > straight[1] + 0.005 > straight[1] - 0.005 > aside[1]


def test_both_arms_of_a_pair_are_whole_and_apart():
    poses = link_poses(robot('bi_so_follower'), {})
    ends = [poses[f'{side}_gripper_frame_link'][:3, 3] for side in ('left', 'right')]
    assert ends[0] - ends[1] == pytest.approx((0, 0.38, 0))
    poses = link_poses(robot('aloha'), {'left_gripper': 0.05, 'left_elbow': 0.2})
    left, right = (poses[f'{side}_ee_gripper_link'] for side in ('left', 'right'))
    assert left[:3, 0] @ right[:3, 0] == pytest.approx(-math.cos(0.2))
    fingers = [poses[f'left_{side}_finger_link'][:3, 3] for side in ('left', 'right')]
    assert np.linalg.norm(fingers[0] - fingers[1]) == pytest.approx(0.1)


def test_what_has_none_is_told():
    assert robot_urdf('stretch3') is None
