"""Two SO-100 or SO-101 leaders as one teleoperator."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, ClassVar

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.pair import (
    Pair,
    joint_reading,
    joints_of,
    prefixed,
    side_id,
    side_port,
)
from lerobot_drivers.robots.robot import JointReading
from lerobot_drivers.robots.serial_arm import PortFactory
from lerobot_teleop.teleoperators.config import TeleopConfig
from lerobot_teleop.teleoperators.so_leader import SOLeader
from lerobot_teleop.teleoperators.teleoperator import Teleoperator


class BiSOLeader(Teleoperator):
    """Two leaders, one in each hand.

    Args:
        config: its settings.
        clock: of its stamps.
        port_factory: makes the serial port of a path.
    """

    name: ClassVar[str] = 'bi_so_leader'

    def __init__(
        self,
        config: TeleopConfig,
        *,
        clock: Clock | None = None,
        port_factory: PortFactory = SerialPort,
    ) -> None:
        self.config = config
        left, right = (
            SOLeader(_side_config(config, side), clock=clock, port_factory=port_factory)
            for side in ('left', 'right')
        )
        self.pair = Pair(left, right)

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints of the left arm, then of the right one."""
        left, right = self.pair.arms
        return joints_of(left.joints, right.joints)

    @property
    def is_connected(self) -> bool:
        """Whether both arms are open and have not failed."""
        return all(arm.is_connected for arm in self.pair.arms)

    @property
    def is_calibrated(self) -> bool:
        """Whether both arms' calibrations are known, and held by their motors."""
        return all(arm.is_calibrated for arm in self.pair.arms)

    def connect(self, calibrate: bool = False) -> None:
        """Connect both arms; if one fails neither stays open. See ``Teleoperator``."""
        if not self.is_connected:
            self.disconnect()  # the arm that has not failed
        try:
            self.pair.both(lambda arm: arm.connect(calibrate))
        except BaseException:
            self.disconnect()
            raise

    def read_state(self) -> JointReading:
        """Read both arms at once; see ``Teleoperator``."""
        return joint_reading(*self.pair.both(lambda arm: arm.read_state()))

    def get_action(self) -> dict[str, float]:
        """Return the positions in dataset units by ``left_<joint>.pos``."""
        return prefixed(*self.pair.both(lambda arm: arm.get_action()))

    def send_feedback(self, feedback: dict[str, float]) -> None:
        """Refuse: these arms' motors are off; see ``SerialLeader.send_feedback``."""
        if feedback:
            raise DeviceError(f'{self.config.type} gives no feedback; its torque stays off')

    def disconnect(self) -> None:
        """Close both arms."""
        self.pair.close(lambda arm: arm.disconnect())

    def health(self) -> dict[str, str | float]:
        """Return what both arms tell, each key with its side in front."""
        left, right = (arm.health() for arm in self.pair.arms)
        return prefixed(left, right)


def _side_config(config: TeleopConfig, side: str) -> TeleopConfig:
    own = getattr(config, f'{side}_arm_config')
    told = {key: value for key, value in asdict(own).items() if value is not None} if own else {}
    settings: dict[str, Any] = {
        **told,
        'type': 'so101_leader',
        'id': side_id(config.id, side),
        'port': side_port(config, 'teleop', side),
        'left_arm_port': None,
        'right_arm_port': None,
        'left_arm_config': None,
        'right_arm_config': None,
    }
    return replace(config, **settings)
