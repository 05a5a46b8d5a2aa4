"""SO-100 and SO-101 leaders."""

from __future__ import annotations

from typing import ClassVar

from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.so_arm import SO_ARM
from lerobot_teleop.teleoperators.serial_leader import SerialLeader


class SOLeader(SerialLeader):
    """A leader."""

    name: ClassVar[str] = 'so_leader'
    plan: ClassVar[ArmPlan] = SO_ARM
    use_degrees: ClassVar[bool] = True
