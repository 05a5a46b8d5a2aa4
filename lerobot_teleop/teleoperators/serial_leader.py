"""Leaders on a serial bus: arms that a person moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.common.health import Alarm
from lerobot_drivers.common.naming import position_key
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.arm_settings import ArmSettings
from lerobot_drivers.robots.config import check_one_arm
from lerobot_drivers.robots.robot import JointReading
from lerobot_drivers.robots.serial_arm import PortFactory, SerialArm
from lerobot_teleop.teleoperators.config import TeleopConfig
from lerobot_teleop.teleoperators.teleoperator import Teleoperator


class SerialLeader(Teleoperator):
    """A leader, whose torque stays off; see ``Teleoperator``.

    Attributes:
        plan: what its arm is made of.
        use_degrees: whether body joints are in degrees unless configured.

    Args:
        config: its settings.
        clock: of its stamps.
        port_factory: makes the serial port of a path.
    """

    plan: ClassVar[ArmPlan]
    use_degrees: ClassVar[bool]

    def __init__(
        self,
        config: TeleopConfig,
        *,
        clock: Clock | None = None,
        port_factory: PortFactory = SerialPort,
    ) -> None:
        check_one_arm(config)
        self.config = config
        self.arm = SerialArm(self._settings(config), self.plan, clock, port_factory)

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints that it commands, in order."""
        return self.arm.joints

    @property
    def is_connected(self) -> bool:
        """Whether the arm is open and has not failed."""
        return self.arm.is_connected

    @property
    def is_calibrated(self) -> bool:
        """Whether a calibration is known and, when connected, the motors hold it."""
        return self.arm.is_calibrated

    def connect(self, calibrate: bool = False) -> None:
        """Open, check and configure the arm, and let it go limp; see ``Teleoperator``."""
        self.arm.connect(calibrate, {})
        try:
            bus = self.arm.connected_bus()
            bus.release()
            bus.lock()
        except BaseException:
            self.arm.close()
            raise

    def read_state(self) -> JointReading:
        """Read where the operator holds it; see ``Teleoperator``."""
        return self.arm.read_state()

    def get_action(self) -> dict[str, float]:
        """Return the positions in dataset units."""
        self.read_state()
        return {position_key(name): value for name, value in self.arm.dataset_values().items()}

    def send_feedback(self, feedback: dict[str, float]) -> None:
        """Refuse: this arm's motors are off, so it cannot push back.

        Raises:
            DeviceError: always, unless there is nothing to feel.
        """
        if feedback:
            raise DeviceError(f'{self.config.type} gives no feedback; its torque stays off')

    def disconnect(self) -> None:
        """Close the arm."""
        self.arm.close()

    def alarms(self) -> Sequence[Alarm]:
        """Return what is wrong with its motors, from the last reading."""
        return self.arm.alarms()

    def health(self) -> dict[str, str | float]:
        """Return voltage, temperature, load, current and errors by joint, and the bus figures."""
        return self.arm.health()

    def _settings(self, config: TeleopConfig) -> ArmSettings:
        return ArmSettings(
            kind='teleoperators',
            name=self.name,
            type=config.type,
            id=config.id,
            port=config.port,
            calibration_dir=config.calibration_dir,
            use_degrees=self.use_degrees if config.use_degrees is None else config.use_degrees,
            num_retry=config.num_read_retries,
        )
