"""What every teleoperator can do, in LeRobot's verbs, and how it reads in ROS units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from lerobot_drivers.common.health import Alarm
from lerobot_drivers.common.naming import position_key
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.robots.robot import FeatureType, JointReading
from lerobot_teleop.teleoperators.config import TeleopConfig


class Teleoperator(ABC):
    """A device by which a person moves a robot.

    Attributes:
        name: LeRobot's name of its class, the folder of its calibrations.
        config: the settings it was made from.
    """

    name: ClassVar[str]
    config: TeleopConfig

    @property
    @abstractmethod
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints that it commands, in order."""

    @property
    def action_features(self) -> dict[str, FeatureType]:
        """LeRobot's action keys, one float per joint."""
        return {position_key(joint.name): float for joint in self.joints}

    @property
    def feedback_features(self) -> dict[str, FeatureType]:
        """LeRobot's feedback keys; none unless a device overrides it."""
        return {}

    @property
    def hardware_id(self) -> str:
        """What tells it from other devices in diagnostics: its port, or ports."""
        return str(self.config.port or self.config.type)

    @property
    @abstractmethod
    def is_connected(self) -> bool:
        """Whether the device is open and has not failed."""

    @property
    @abstractmethod
    def is_calibrated(self) -> bool:
        """Whether a calibration is known and, when connected, the motors hold it."""

    @abstractmethod
    def connect(self, calibrate: bool = False) -> None:
        """Open and configure the device; its torque stays off.

        Args:
            calibrate: write the calibration file to motors that hold another one.

        Raises:
            NotConnectedError: the port or some motors are not there; all are named.
            CalibrationError: no calibration, or the motors hold another one.
        """

    @abstractmethod
    def read_state(self) -> JointReading:
        """Read what the operator asks for now, by ``joints``.

        Raises:
            BusError: no valid reply after several tries.
            DeviceError: the device was unplugged.
        """

    @abstractmethod
    def get_action(self) -> dict[str, float]:
        """Return LeRobot's action: dataset units by ``<joint>.pos``."""

    @abstractmethod
    def send_feedback(self, feedback: dict[str, float]) -> None:
        """Let the operator feel something, where the device can."""

    @abstractmethod
    def disconnect(self) -> None:
        """Close the device; harmless when it is closed or gone already."""

    def hang_up(self) -> None:
        """Close the device as it is; the same as ``disconnect`` where nothing holds."""
        self.disconnect()

    def alarms(self) -> Sequence[Alarm]:
        """Return what is wrong with it, from the last reading; no bus traffic."""
        return ()

    @abstractmethod
    def health(self) -> dict[str, str | float]:
        """Return key-values for diagnostics, from the last reading; no bus traffic."""
