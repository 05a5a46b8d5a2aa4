"""ViperX 300 S followers, one or, as ALOHA has them, two."""

from __future__ import annotations

from typing import ClassVar

from lerobot_drivers.robots.aloha_arm import VIPERX, check_units
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.bi_follower import BiFollower
from lerobot_drivers.robots.serial_follower import SerialFollower


class ViperX(SerialFollower):
    """A follower in radians, whose gripper grips with a limited current."""

    name: ClassVar[str] = 'viperx'
    plan: ClassVar[ArmPlan] = VIPERX
    use_degrees: ClassVar[bool] = False

    def connect(self, calibrate: bool = False) -> None:
        """Open, check and configure arm and cameras, then hold the pose; see ``Robot``."""
        check_units(self.config.type, self.config.use_degrees)
        super().connect(calibrate)


class Aloha(BiFollower):
    """Two followers; a dataset's ``robot_type`` is ``aloha``."""

    name: ClassVar[str] = 'aloha'
    arm: ClassVar[type[SerialFollower]] = ViperX
    arm_type: ClassVar[str] = 'viperx'
