"""The HOPE Jr arm: a big motor in the shoulder and six on its way to the wrist.

Facts from LeRobot (``robots/hope_jr``). By its parts list the six are four STS3215 and two
STS3250, by LeRobot all STS3250: both are taken as they are.
"""

from __future__ import annotations

from typing import ClassVar

from lerobot_drivers.motors.feetech import FeetechMotorsBus
from lerobot_drivers.motors.motors_bus import Motor
from lerobot_drivers.robots.arm_plan import ArmPlan, JointPlan
from lerobot_drivers.robots.serial_follower import SerialFollower

_SHOULDER_PITCH = Motor(1, 'sm8512bl')
_OTHERS = (
    'shoulder_yaw',
    'shoulder_roll',
    'elbow_flex',
    'wrist_roll',
    'wrist_yaw',
    'wrist_pitch',
)
_MOTORS = {
    'shoulder_pitch': _SHOULDER_PITCH,
    **{name: Motor(id_, 'sts3250', ('sts3215',)) for id_, name in enumerate(_OTHERS, start=2)},
}
_GENTLE = {'Maximum_Acceleration': 30, 'Acceleration': 30}
"""A heavy arm starts and stops slowly [100 tick/s^2]."""
HAND_OVER_VELOCITY = 1.0
"""A gentle eighth of what an STS3250 can do at 12 V [rad/s]."""
HOPE_JR_ARM = ArmPlan(
    'a HOPE Jr arm',
    FeetechMotorsBus,
    tuple(JointPlan(name, motor, registers=_GENTLE) for name, motor in _MOTORS.items()),
    HAND_OVER_VELOCITY,
)


class HopeJrArm(SerialFollower):
    """The arm without its hand, which has a bus of its own."""

    name: ClassVar[str] = 'hope_jr_arm'
    plan: ClassVar[ArmPlan] = HOPE_JR_ARM
    use_degrees: ClassVar[bool] = False
