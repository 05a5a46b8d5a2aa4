"""Two leaders of a kind as one teleoperator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.common.health import Alarm
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.pair import Pair, prefixed, side_settings
from lerobot_drivers.robots.robot import JointReading
from lerobot_drivers.robots.serial_arm import PortFactory
from lerobot_teleop.teleoperators.config import TeleopConfig
from lerobot_teleop.teleoperators.serial_leader import SerialLeader
from lerobot_teleop.teleoperators.teleoperator import Teleoperator


class BiLeader(Teleoperator):
    """Two leaders, one in each hand.

    Attributes:
        arm: class of each.
        arm_type: type name of each.

    Args:
        config: its settings.
        clock: of its stamps.
        port_factory: makes the serial port of a path.
    """

    arm: ClassVar[type[SerialLeader]]
    arm_type: ClassVar[str]

    def __init__(
        self,
        config: TeleopConfig,
        *,
        clock: Clock | None = None,
        port_factory: PortFactory = SerialPort,
    ) -> None:
        self.config = config
        left, right = (
            self.arm(self.side_config(config, side), clock=clock, port_factory=port_factory)
            for side in ('left', 'right')
        )
        self.pair = Pair(left, right)

    @classmethod
    def side_config(cls, config: TeleopConfig, side: str) -> TeleopConfig:
        """Return the settings of one arm: those of the whole, and over them its own.

        Raises:
            ConfigError: its port is not told, or told twice.
        """
        own = side_settings(config, 'teleop', side)
        return replace(config, **{**own, 'type': cls.arm_type})

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints of the left arm, then of the right one."""
        return self.pair.joints

    @property
    def hardware_id(self) -> str:
        """Both ports; see ``Teleoperator``."""
        return ', '.join(arm.hardware_id for arm in self.pair.arms)

    @property
    def is_connected(self) -> bool:
        """Whether both arms are open and have not failed."""
        return self.pair.is_connected

    @property
    def is_calibrated(self) -> bool:
        """Whether both arms' calibrations are known, and held by their motors."""
        return self.pair.is_calibrated

    def connect(self, calibrate: bool = False) -> None:
        """Connect both arms; if one fails neither stays open. See ``Teleoperator``."""
        self.pair.connect(calibrate, self.disconnect)

    def read_state(self) -> JointReading:
        """Read both arms at once; see ``Teleoperator``."""
        return self.pair.read_state()

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

    def alarms(self) -> Sequence[Alarm]:
        """Return what is wrong with either arm."""
        return self.pair.alarms()

    def health(self) -> dict[str, str | float]:
        """Return what both arms tell, each key with its side in front."""
        return self.pair.health()
