"""What an arm asks of its bus beyond registers: to be configured, calibrated and let go."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import BusError
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.motors.motors_bus import BusState
from lerobot_drivers.motors.packet_bus import PacketBus

UNHEARD_TRIES = 3
"""So often motors are told to go limp without an answer."""


@dataclass(frozen=True)
class MotorHealth:
    """How one motor is.

    Attributes:
        voltage: of its supply [V].
        temperature: inside [degC].
        load: signed fraction of the largest effort.
        current: through it [A]; None where it does not measure that.
        errors: what it complains about, in words; ``none`` if nothing.
    """

    voltage: float
    temperature: float
    load: float
    current: float | None
    errors: str


@dataclass(frozen=True)
class MotorLimits:
    """Beyond what a motor protects itself; None where it does not tell.

    Attributes:
        temperature: inside [degC].
        lowest: supply [V].
        highest: supply [V].
    """

    temperature: float | None = None
    lowest: float | None = None
    highest: float | None = None


class ArmBus(PacketBus):
    """Servos of an arm behind one port.

    Attributes:
        limit_registers: of temperature and of lowest and highest supply.
        cure: how a motor that protected itself comes back, once the cause is gone.
        apply_drive_mode: whether a calibration's drive mode is to be applied to what is read and
            written; else the motors do it themselves.
        calibration_mode: Operating_Mode of motors that are being calibrated.
        baud_codes: baud rate [bit/s] -> what Baud_Rate holds for it, likely ones first.
        ping_length: bytes that a motor's answer to a ping carries.
        homing_sign: of a homing offset: present = actual - sign * offset.
    """

    apply_drive_mode: ClassVar[bool]
    calibration_mode: ClassVar[int]
    homing_sign: ClassVar[int]
    baud_codes: ClassVar[Mapping[int, int]]
    ping_length: ClassVar[int] = 0
    limit_registers: ClassVar[tuple[str, str, str]]
    cure: ClassVar[str]

    @abstractmethod
    def firmware(self) -> dict[str, str]:
        """Return each motor's firmware version."""

    @abstractmethod
    def velocity_units(self) -> dict[str, float]:
        """Return what one count of Present_Velocity is, by motor [tick/s]."""

    @abstractmethod
    def effort(self, state: BusState) -> NDArray[np.float64]:
        """Return the signed fraction of the largest effort, shape (motors,)."""

    @abstractmethod
    def motor_health(self, state: BusState) -> list[MotorHealth]:
        """Return what a state tells of each motor's health."""

    def limits(self) -> list[MotorLimits]:
        """Return beyond what each motor protects itself."""
        hottest, lowest, highest = (self._told(name) for name in self.limit_registers)
        return [
            MotorLimits(
                float(hottest[name]) if hottest.get(name) else None,
                lowest[name] / 10 if lowest.get(name) else None,
                highest[name] / 10 if highest.get(name) else None,
            )
            for name in self.motors
        ]

    @abstractmethod
    def read_calibration(self) -> dict[str, MotorCalibration]:
        """Return the calibration that the motors hold."""

    @abstractmethod
    def write_calibration(self, calibration: Mapping[str, MotorCalibration]) -> None:
        """Write a calibration into the motors; their torque goes off."""

    @abstractmethod
    def prepare(self, wanted: Mapping[str, Mapping[str, int]]) -> None:
        """Configure all motors.

        Args:
            wanted: motor -> persistent register -> value, beside what is the same for all.
        """

    @abstractmethod
    def lock(self) -> None:
        """Let no write change persistent registers."""

    def mixed_firmware(self) -> dict[str, str]:
        """Return each motor's firmware if motors of one model differ in it, else nothing."""
        versions = self.firmware()
        kinds = {(model.name, versions[name]) for name, model in self.models.items()}
        models = {name for name, _ in kinds}
        return versions if len(kinds) > len(models) else {}

    def configure(self, wanted: Mapping[str, Mapping[str, int]]) -> list[str]:
        """Bring persistent registers to wanted values; only what differs is written.

        Motors that hold all of it already keep their torque, so that an arm that
        holds a pose does not fall when its driver starts again.

        Args:
            wanted: motor -> register -> value.

        Returns:
            Names of the motors that were written to; their torque is off now.
        """
        written = []
        for motor, registers in wanted.items():
            differing = {
                register: value
                for register, value in registers.items()
                if self.read(register, motor) != value
            }
            if differing:
                written.append(motor)
                self.disable_torque([motor])
                for register, value in differing.items():
                    self.write(register, motor, value)
        return written

    def _told(self, register: str) -> dict[str, int]:
        """Return a register by motor, of those that have it."""
        having = [name for name, model in self.models.items() if register in model.registers]
        return self.sync_read(register, having) if having else {}

    def release(self) -> None:
        """Let all motors go limp, trying hard: a failed motor does not keep the others.

        Each is told without waiting for an answer first: it may hear us when we cannot hear it.

        Raises:
            BusError: the first failure, after all motors have been tried.
            DeviceError: the device was unplugged.
        """
        for _ in range(UNHEARD_TRIES):
            with contextlib.suppress(BusError):
                self.sync_write('Torque_Enable', dict.fromkeys(self.motors, 0))
        self._tell_each(self.motors, lambda motor: self.disable_torque([motor]))

    def _tell_each(self, motors: Iterable[str], tell: Callable[[str], None]) -> None:
        """Tell each motor something; one that fails does not keep the others.

        Raises:
            BusError: the first failure, after all have been told.
            DeviceError: the device was unplugged.
        """
        failures = []
        for motor in motors:
            try:
                tell(motor)
            except BusError as error:
                failures.append(error)
        if failures:
            raise failures[0]
