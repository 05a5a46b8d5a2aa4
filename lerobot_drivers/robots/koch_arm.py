"""What Koch arms are made of: Dynamixels, joints in the order of their ids.

Facts from LeRobot (``robots/koch_follower``, ``teleoperators/koch_leader``).
"""

from __future__ import annotations

from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.dynamixel import DynamixelMotorsBus, OperatingMode
from lerobot_drivers.motors.motors_bus import Motor
from lerobot_drivers.robots.arm_plan import ArmPlan, JointPlan

GRIPPER, ELBOW = 'gripper', 'elbow_flex'
JOINT_NAMES = ('shoulder_pan', 'shoulder_lift', ELBOW, 'wrist_flex', 'wrist_roll', GRIPPER)
GRIPPER_UNIT = JointUnit(NormMode.RANGE_0_100, lower=-0.174533, upper=1.74533)
"""Closed and open; nominal, the arm's URDF has no say in LeRobot's percentage [rad]."""
HAND_OVER_VELOCITY = 1.5
"""A gentle quarter of what an XL430 can do at 12 V [rad/s]."""

_EXTENDED: dict[str, int] = {'Operating_Mode': OperatingMode.EXTENDED_POSITION}
_FOLLOWER_ELBOW = {'Position_P_Gain': 1500, 'Position_I_Gain': 0, 'Position_D_Gain': 600}
_GRIPPER: dict[str, int] = {'Operating_Mode': OperatingMode.CURRENT_POSITION}
_FULL_TURN = ('shoulder_pan', 'wrist_roll')
_FOLLOWER_MODELS = (*['xl430-w250'] * 2, *['xl330-m288'] * 4)


def _plan(
    what: str, models: tuple[str, ...], elbow: dict[str, int], elbow_drive: int = 0
) -> ArmPlan:
    own: dict[str, dict[str, int]] = {GRIPPER: _GRIPPER, ELBOW: {**_EXTENDED, **elbow}}
    joints = [
        JointPlan(
            name,
            Motor(number, model),
            GRIPPER_UNIT if name == GRIPPER else None,
            own.get(name, _EXTENDED),
            full_turn=name in _FULL_TURN,
            drive_mode=elbow_drive if name == ELBOW else 0,
        )
        for number, (name, model) in enumerate(zip(JOINT_NAMES, models, strict=True), start=1)
    ]
    return ArmPlan(what, DynamixelMotorsBus, tuple(joints), HAND_OVER_VELOCITY)


KOCH_FOLLOWER = _plan('a Koch follower', _FOLLOWER_MODELS, _FOLLOWER_ELBOW)
KOCH_LEADER = _plan('a Koch leader', ('xl330-m077',) * len(JOINT_NAMES), {}, 1)
