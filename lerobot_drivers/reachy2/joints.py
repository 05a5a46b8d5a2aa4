"""Reachy 2's joints: LeRobot's names and order, the SDK's paths, limits.

Names and order are LeRobot's (0.6.1, ``robots/reachy2/robot_reachy2.py``). The robot
reports placeholders for its limits and the SDK clamps nothing, so the limits here are the
wider of what Pollen Robotics publishes: the URDF of reachy2_core, the MuJoCo model of
reachy2_mujoco, and for grippers the SDK server's open and closed positions.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

DEGREE = math.pi / 180.0
_INWARD = 20.0 * DEGREE
"""How far a shoulder rolls towards the body. Nominal: the models end at 0, the SDK's own default
posture is at 10, and a right arm at rest in Pollen's manual reads 16.7 degrees."""


@dataclass(frozen=True)
class ReachyJoint:
    """One joint.

    Attributes:
        name: its name on topics; LeRobot's key without ``.pos``.
        path: the SDK's name of it.
        lower: lowest angle a command may ask for [rad].
        upper: highest angle a command may ask for [rad].
    """

    name: str
    path: str
    lower: float
    upper: float


def _arm(side: str, roll: tuple[float, float]) -> tuple[ReachyJoint, ...]:
    limits = {
        'shoulder.pitch': (-math.pi, math.pi),
        'shoulder.roll': roll,
        'elbow.yaw': (-math.pi, math.pi),
        'elbow.pitch': (-2.25, 0.1),
        'wrist.roll': (-math.pi / 4, math.pi / 4),
        'wrist.pitch': (-math.pi / 4, math.pi / 4),
        'wrist.yaw': (-1.57, 1.57),
        'gripper': (-5.0 * DEGREE, 130.0 * DEGREE),
    }
    return tuple(
        ReachyJoint(f'{side}_{path.replace(".", "_")}', f'{side}_arm.{path}', *ends)
        for path, ends in limits.items()
    )


PARTS = {
    'neck': (
        ReachyJoint('neck_yaw', 'head.neck.yaw', -1.57, 1.57),
        ReachyJoint('neck_pitch', 'head.neck.pitch', -0.35, 0.35),
        ReachyJoint('neck_roll', 'head.neck.roll', -0.35, 0.35),
    ),
    'l_arm': _arm('l', (-_INWARD, math.pi)),
    'r_arm': _arm('r', (-math.pi, _INWARD)),
    'antennas': (
        ReachyJoint('l_antenna', 'head.l_antenna', -math.pi / 2, math.pi / 2),
        ReachyJoint('r_antenna', 'head.r_antenna', -math.pi / 2, math.pi / 2),
    ),
}
"""Joints by part, in LeRobot's order."""

POSTURE = {
    joint.name: 0.0
    for joints in PARTS.values()
    for joint in joints
    if not joint.name.endswith('gripper')
} | {
    'neck_pitch': -10.0 * DEGREE,
    'l_shoulder_roll': -10.0 * DEGREE,
    'r_shoulder_roll': 10.0 * DEGREE,
    'l_elbow_yaw': 10.0 * DEGREE,
    'r_elbow_yaw': -10.0 * DEGREE,
}
"""The SDK's posture ``default``, arms hanging down [rad]; hands go on holding what they hold."""

BASE = 'mobile_base'
BASE_AXES = ('vx', 'vy', 'vtheta')
BASE_LIMITS = (0.61, 0.61, 114.0 * DEGREE)
"""Fastest the base may be asked to go, as the SDK has it [m/s, m/s, rad/s]."""


def joints_of(parts: Collection[str]) -> tuple[ReachyJoint, ...]:
    """Return the joints of some parts, in order."""
    return tuple(joint for part, joints in PARTS.items() if part in parts for joint in joints)
