"""Names, order and limits of Reachy 2's joints."""

from __future__ import annotations

import math

from lerobot_drivers.reachy2.joints import PARTS, joints_of

ARM = (
    'shoulder_pitch',
    'shoulder_roll',
    'elbow_yaw',
    'elbow_pitch',
    'wrist_roll',
    'wrist_pitch',
    'wrist_yaw',
    'gripper',
)
NECK = ('neck_yaw', 'neck_pitch', 'neck_roll')
LEROBOTS = (
    *NECK,
    *(f'l_{name}' for name in ARM),
    *(f'r_{name}' for name in ARM),
    'l_antenna',
    'r_antenna',
)
SDK_POSTURES = {
    'r_shoulder_roll': 10.0,
    'l_shoulder_roll': -10.0,
    'r_elbow_yaw': -10.0,
    'l_elbow_pitch': -90.0,
    'neck_pitch': -10.0,
}


def test_names_and_order_are_lerobots():
    assert tuple(joint.name for joint in joints_of(PARTS)) == LEROBOTS


def test_a_part_that_is_left_out_takes_no_place():
    names = tuple(joint.name for joint in joints_of(['antennas', 'neck']))
    assert names == (*NECK, 'l_antenna', 'r_antenna')


def test_paths_are_the_sdks():
    paths = {joint.name: joint.path for joint in joints_of(PARTS)}
    assert paths['neck_yaw'] == 'head.neck.yaw'
    assert paths['l_shoulder_pitch'] == 'l_arm.shoulder.pitch'
    assert paths['r_gripper'] == 'r_arm.gripper'
    assert paths['l_antenna'] == 'head.l_antenna'


def test_limits_hold_the_sdks_own_postures_and_mirror_each_other():
    joints = {joint.name: joint for joint in joints_of(PARTS)}
    for name, degrees in SDK_POSTURES.items():
        assert joints[name].lower <= math.radians(degrees) <= joints[name].upper
    left, right = joints['l_shoulder_roll'], joints['r_shoulder_roll']
    assert (left.lower, left.upper) == (-right.upper, -right.lower)
    for name in ('gripper', 'elbow_pitch'):
        assert joints[f'l_{name}'].lower == joints[f'r_{name}'].lower
    assert math.degrees(joints['l_gripper'].upper) == 130.0
