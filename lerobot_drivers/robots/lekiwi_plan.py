"""What a LeKiwi is made of: the arm of an SO-101 and three omni wheels, on one bus.

Facts from LeRobot (``robots/lekiwi/lekiwi.py``).
"""

from __future__ import annotations

from dataclasses import replace

from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.feetech import VELOCITY_MODE, FeetechMotorsBus
from lerobot_drivers.motors.motors_bus import Motor
from lerobot_drivers.robots.arm_plan import ArmPlan, JointPlan
from lerobot_drivers.robots.so_arm import HAND_OVER_VELOCITY, JOINT_NAMES, MODEL, SO_ARM

ARM = 'arm_'
"""What LeRobot puts in front of the names of the SO-101's joints."""
ARM_JOINTS = tuple(f'{ARM}{name}' for name in JOINT_NAMES)
WHEELS = ('base_left_wheel', 'base_back_wheel', 'base_right_wheel')
LEKIWI = ArmPlan(
    'a LeKiwi',
    FeetechMotorsBus,
    tuple(replace(joint, name=f'{ARM}{joint.name}') for joint in SO_ARM.joints),
    HAND_OVER_VELOCITY,
    {f'{ARM}{name}': angle for name, angle in SO_ARM.home.items()},
    wheels=tuple(
        JointPlan(
            name,
            Motor(number, MODEL),
            JointUnit(NormMode.RANGE_M100_100),
            registers={'Operating_Mode': VELOCITY_MODE},
            full_turn=True,
        )
        for number, name in enumerate(WHEELS, start=len(JOINT_NAMES) + 1)
    ),
)
