"""SO-100 and SO-101 followers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.serial_follower import SerialFollower
from lerobot_drivers.robots.so_arm import GRIPPER, JOINT_NAMES, SO_ARM

_GRIPPER_PROTECTION = {
    'Max_Torque_Limit': 500,
    'Protection_Current': 250,
    'Overload_Torque': 25,
}


class SOFollower(SerialFollower):
    """A follower with the gains of its configuration, and a grip that does not burn.

    By default, as with LeRobot, half the factory's stiffness.
    """

    name: ClassVar[str] = 'so_follower'
    plan: ClassVar[ArmPlan] = SO_ARM
    use_degrees: ClassVar[bool] = True

    def _registers(self) -> Mapping[str, Mapping[str, int]]:
        gains = {
            'P_Coefficient': self.config.position_p_coefficient,
            'I_Coefficient': self.config.position_i_coefficient,
            'D_Coefficient': self.config.position_d_coefficient,
        }
        return {
            name: {**gains, **(_GRIPPER_PROTECTION if name == GRIPPER else {})}
            for name in JOINT_NAMES
        }
