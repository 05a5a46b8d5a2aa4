"""The SO-101's kinematic chain and its forward kinematics.

Joint origins, axes and limits are the numbers of TheRobotStudio/SO-ARM100
(Apache-2.0), ``Simulation/SO101/so101_new_calib.urdf``. Angles are those of the URDF,
which LeRobot feeds with its degrees; the base frame has x forward, y left, z up, and
the table at z = 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lerobot_drivers.sim.body import CAPSULES
from lerobot_drivers.sim.figure import Figure, Joint, Pose, Vector, transform
from lerobot_drivers.sim.markers import MARKERS

_RIGHT = math.pi / 2

JOINTS = (
    Joint('shoulder_pan', (0.0388353, 0.0, 0.0624), (math.pi, 0.0, -math.pi), -1.91986, 1.91986),
    Joint(
        'shoulder_lift',
        (-0.0303992, -0.0182778, -0.0542),
        (-_RIGHT, -_RIGHT, 0.0),
        -1.74533,
        1.74533,
    ),
    Joint('elbow_flex', (-0.11257, -0.028, 0.0), (0.0, 0.0, _RIGHT), -1.69, 1.69),
    Joint('wrist_flex', (-0.1349, 0.0052, 0.0), (0.0, 0.0, -_RIGHT), -1.65806, 1.65806),
    Joint('wrist_roll', (0.0, -0.0611, 0.0181), (_RIGHT, 0.0486795, math.pi), -2.74385, 2.84121),
    Joint('gripper', (0.0202, 0.0188, -0.0234), (_RIGHT, 0.0, 0.0), -0.174533, 1.74533),
)
JOINT_NAMES = tuple(joint.name for joint in JOINTS)
_GRIPPER_LINK = 5
SO101 = Figure(JOINTS, CAPSULES, MARKERS, _GRIPPER_LINK)

TOOL = (-0.0079, -0.000218121, -0.0981274)
"""Between the finger tips, in the frame of wrist_roll's link [m]."""

_SHOULDER = (0.0303992, 0.0624 + 0.0542)
_UPPER, _UPPER_REST = math.hypot(0.11257, 0.028), math.atan2(0.11257, 0.028)
_FORE, _FORE_REST = math.hypot(0.1349, 0.0052), math.atan2(0.0052, 0.1349)
_HAND = 0.0611 + 0.0981274


def link_poses(joint_rad: Sequence[float] | Vector) -> list[Pose]:
    """Return the poses of the base and of each joint's link in the base frame.

    Args:
        joint_rad: six angles in the order of ``JOINTS`` [rad].

    Returns:
        Seven poses: base, then the link behind each joint.
    """
    return SO101.link_poses(joint_rad)


def forward_kinematics(joint_rad: Sequence[float] | Vector) -> Vector:
    """Return the positions of the markers (``markers.MARKERS``) in the base frame.

    Args:
        joint_rad: six angles in the order of ``JOINTS`` [rad].

    Returns:
        One row per marker, (n, 3) [m].
    """
    return SO101.marker_centres(link_poses(joint_rad))


def tool_position(joint_rad: Sequence[float] | Vector) -> Vector:
    """Return the point between the finger tips in the base frame [m]."""
    return transform(link_poses(joint_rad)[5], TOOL)


def planar_reach(radius: float, height: float, pitch: float) -> tuple[float, float, float]:
    """Return lift, elbow and wrist angles that bring the tool to a place in the arm's plane.

    Args:
        radius: horizontal distance of the tool from the axis of shoulder_pan [m].
        height: of the tool over the table [m].
        pitch: of the hand below the horizontal [rad].

    Raises:
        ValueError: the place is out of reach.
    """
    ahead = radius - _HAND * math.cos(pitch) - _SHOULDER[0]
    above = height + _HAND * math.sin(pitch) - _SHOULDER[1]
    distance = math.hypot(ahead, above)
    cosine = (_UPPER**2 + distance**2 - _FORE**2) / (2 * _UPPER * distance)
    if not -1.0 <= cosine <= 1.0:
        raise ValueError(f'({radius:.3f} m, {height:.3f} m) is out of reach')
    upper = math.atan2(above, ahead) + math.acos(cosine)
    fore = math.atan2(above - _UPPER * math.sin(upper), ahead - _UPPER * math.cos(upper))
    lift = _UPPER_REST - upper
    elbow = _FORE_REST - fore - lift
    return lift, elbow, pitch - lift - elbow
