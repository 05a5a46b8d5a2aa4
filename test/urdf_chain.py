"""Forward kinematics of a URDF as the standard parser of ROS reads it, for comparison."""

from __future__ import annotations

import math

import numpy as np
from urdf_parser_py.urdf import URDF

MOVING = ('revolute', 'continuous', 'prismatic')


def rotation(axis, angle):
    """Rodrigues' formula, for an axis of any length."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


def fixed(origin):
    pose = np.eye(4)
    if origin is not None:
        roll, pitch, yaw = origin.rpy or (0, 0, 0)
        turns = ((0, 0, 1), yaw), ((0, 1, 0), pitch), ((1, 0, 0), roll)
        pose[:3, :3] = np.linalg.multi_dot([rotation(axis, angle) for axis, angle in turns])
        pose[:3, 3] = origin.xyz or (0, 0, 0)
    return pose


def motion(joint, values):
    pose, name, scale, offset = np.eye(4), joint.name, 1.0, 0.0
    if joint.mimic is not None:
        name = joint.mimic.joint
        scale = 1.0 if joint.mimic.multiplier is None else joint.mimic.multiplier
        offset = joint.mimic.offset or 0.0
    value = scale * values.get(name, 0.0) + offset
    if joint.type == 'prismatic':
        pose[:3, 3] = np.asarray(joint.axis) * value
    elif joint.type in MOVING:
        pose[:3, :3] = rotation(joint.axis, value)
    return pose


def link_poses(robot: URDF, values):
    """Return the pose of each link in the root's frame, by name."""
    poses = {robot.get_root(): np.eye(4)}

    def pose(link):
        if link not in poses:
            name, parent = robot.parent_map[link]
            joint = robot.joint_map[name]
            poses[link] = pose(parent) @ fixed(joint.origin) @ motion(joint, values)
        return poses[link]

    return {link.name: pose(link.name) for link in robot.links}
