"""What SO-100 and SO-101 arms are made of: six STS3215 servos, joints in the order of their ids.

Facts from LeRobot (``robots/so_follower``, ``teleoperators/so_leader``) and the SO-101 URDF.
"""

from __future__ import annotations

from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.feetech import FeetechMotorsBus
from lerobot_drivers.motors.motors_bus import Motor
from lerobot_drivers.robots.arm_plan import ArmPlan, JointPlan

MODEL = 'sts3215'
GRIPPER = 'gripper'
JOINT_NAMES = (
    'shoulder_pan',
    'shoulder_lift',
    'elbow_flex',
    'wrist_flex',
    'wrist_roll',
    GRIPPER,
)
GRIPPER_UNIT = JointUnit(NormMode.RANGE_0_100, lower=-0.174533, upper=1.74533)
"""Closed and open as in the URDF [rad]."""
HAND_OVER_VELOCITY = 1.5
"""A gentle third of what an STS3215 can do at 7.4 V [rad/s]."""
HOME = {
    'shoulder_pan': 0.0,
    'shoulder_lift': -1.55,
    'elbow_flex': 1.5,
    'wrist_flex': 0.9,
    'wrist_roll': 0.0,
}
"""Folded; the gripper is left as it is, lest it drops or crushes what it holds [rad]."""
SO_ARM = ArmPlan(
    'an SO arm',
    FeetechMotorsBus,
    tuple(
        JointPlan(
            name,
            Motor(number, MODEL),
            GRIPPER_UNIT if name == GRIPPER else None,
            full_turn=name == 'wrist_roll',
        )
        for number, name in enumerate(JOINT_NAMES, start=1)
    ),
    HAND_OVER_VELOCITY,
    HOME,
)
