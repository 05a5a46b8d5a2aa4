"""WidowX 250 S leaders, one or, as ALOHA has them, two."""

from __future__ import annotations

from typing import ClassVar

from lerobot_drivers.robots.aloha_arm import WIDOWX, check_units
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.arm_settings import ArmSettings
from lerobot_teleop.teleoperators.bi_leader import BiLeader
from lerobot_teleop.teleoperators.config import TeleopConfig
from lerobot_teleop.teleoperators.serial_leader import SerialLeader


class WidowX(SerialLeader):
    """A leader in radians, whose handle asks for a share of the follower's opening."""

    name: ClassVar[str] = 'widowx'
    plan: ClassVar[ArmPlan] = WIDOWX
    use_degrees: ClassVar[bool] = False

    def _settings(self, config: TeleopConfig) -> ArmSettings:
        check_units(config.type, config.use_degrees)
        return super()._settings(config)


class AlohaLeader(BiLeader):
    """Two leaders, one in each hand."""

    name: ClassVar[str] = 'aloha_leader'
    arm: ClassVar[type[SerialLeader]] = WidowX
    arm_type: ClassVar[str] = 'widowx'
