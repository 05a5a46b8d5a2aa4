"""The Koch leader."""

from __future__ import annotations

import logging
from typing import ClassVar

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.koch_arm import GRIPPER, KOCH_LEADER
from lerobot_teleop.teleoperators.serial_leader import SerialLeader

logger = logging.getLogger(__name__)


class KochLeader(SerialLeader):
    """A leader whose gripper springs back open, as a trigger does; all else is limp."""

    name: ClassVar[str] = 'koch_leader'
    plan: ClassVar[ArmPlan] = KOCH_LEADER
    use_degrees: ClassVar[bool] = False

    def connect(self, calibrate: bool = False) -> None:
        """Open, check and configure the arm, and let the gripper spring; see ``Teleoperator``."""
        super().connect(calibrate)
        try:
            bus = self.arm.connected_bus()
            bus.enable_torque([GRIPPER])
            scale = dict(zip(self.plan.names, self.arm.scales, strict=True))[GRIPPER]
            bus.write(
                'Goal_Position', GRIPPER, scale.dataset_to_ticks(self.config.gripper_open_pos)
            )
        except BaseException:
            self.arm.close()
            raise

    def disconnect(self) -> None:
        """Let the gripper go limp and close the arm."""
        if self.arm.is_connected:
            try:
                self.arm.connected_bus().release()
            except DeviceError as error:
                logger.warning('the gripper may still spring: %s', error)
        super().disconnect()
