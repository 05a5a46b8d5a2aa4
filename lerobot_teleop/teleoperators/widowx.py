"""WidowX 250 S leaders, one or, as ALOHA has them, two."""

from __future__ import annotations

from typing import ClassVar

from lerobot_drivers.robots.aloha_arm import WIDOWX, check_units
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_teleop.teleoperators.bi_leader import BiLeader
from lerobot_teleop.teleoperators.serial_leader import SerialLeader


class WidowX(SerialLeader):
    """A leader in radians, whose handle asks for a share of the follower's opening."""

    name: ClassVar[str] = 'widowx'
    plan: ClassVar[ArmPlan] = WIDOWX
    use_degrees: ClassVar[bool] = False

    def connect(self, calibrate: bool = False) -> None:
        """Open, check and configure the arm, and let it go limp; see ``Teleoperator``."""
        check_units(self.config.type, self.config.use_degrees)
        super().connect(calibrate)


class AlohaLeader(BiLeader):
    """Two leaders, one in each hand."""

    name: ClassVar[str] = 'aloha_leader'
    arm: ClassVar[type[SerialLeader]] = WidowX
    arm_type: ClassVar[str] = 'widowx'
