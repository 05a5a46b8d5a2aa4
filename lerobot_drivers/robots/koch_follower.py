"""The Koch follower."""

from __future__ import annotations

from typing import ClassVar

from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.koch_arm import KOCH_FOLLOWER
from lerobot_drivers.robots.serial_follower import SerialFollower


class KochFollower(SerialFollower):
    """A follower whose gripper grips with a limited current."""

    name: ClassVar[str] = 'koch_follower'
    plan: ClassVar[ArmPlan] = KOCH_FOLLOWER
    use_degrees: ClassVar[bool] = False
