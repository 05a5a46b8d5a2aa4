"""The Feetech bus: STS, SMS and SCS servos.

Order and values of what is written follow LeRobot (``motors/feetech/feetech.py``),
so that an arm behaves the same under both. In addition the goal is always seeded
from the present position before torque goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.motors import packet
from lerobot_drivers.motors.arm_bus import ArmBus, MotorHealth
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.motors.motors_bus import BusState
from lerobot_drivers.motors.packet_bus import PacketProtocol

logger = logging.getLogger(__name__)

POSITION_MODE = 0
VELOCITY_MODE = 1
MULTI_TURN_BIT = 0x10
"""Bit of Phase that makes Present_Position count turns."""
FAST_VELOCITY_BIT = 0x04
"""Bit of Phase that makes velocities count single ticks per second, else 50 of them."""


_KNOWN_BITS = sum(packet.StatusError)


class FeetechMotorsBus(ArmBus):
    """Feetech servos behind one port."""

    protocol: ClassVar[PacketProtocol] = packet
    apply_drive_mode: ClassVar[bool] = True
    calibration_mode: ClassVar[int] = POSITION_MODE
    homing_sign: ClassVar[int] = 1
    baud_codes: ClassVar[Mapping[int, int]] = {
        1_000_000: 0, 115_200: 4, 500_000: 1, 250_000: 2, 128_000: 3, 76_800: 5, 57_600: 6,
        38_400: 7,
    }  # fmt: skip

    limit_registers: ClassVar[tuple[str, str, str]] = (
        'Max_Temperature_Limit', 'Min_Voltage_Limit', 'Max_Voltage_Limit',
    )  # fmt: skip
    cure: ClassVar[str] = 'then let its torque off and on again (service set_torque)'

    def firmware(self) -> dict[str, str]:
        """Return each motor's firmware version."""
        return {
            name: '{}.{}'.format(
                self.read('Firmware_Major_Version', name),
                self.read('Firmware_Minor_Version', name),
            )
            for name in self.motors
        }

    def velocity_units(self) -> dict[str, float]:
        """Return what one count of Present_Velocity is, by motor [tick/s]."""
        return {name: self._velocity_unit(name) for name in self.motors}

    def effort(self, state: BusState) -> NDArray[np.float64]:
        """Return the load as a signed fraction of the largest, shape (motors,)."""
        return np.asarray(state.registers['Present_Load'] / 1000.0)

    def motor_health(self, state: BusState) -> list[MotorHealth]:
        """Return what a state tells of each motor's health."""
        columns = state.registers
        return [
            MotorHealth(
                voltage=int(columns['Present_Voltage'][at]) / 10,
                temperature=float(columns['Present_Temperature'][at]),
                load=int(columns['Present_Load'][at]) / model.largest_effort,
                current=model.current_a(state.registers, at),
                errors=error_names(int(state.errors[at]) | int(columns['Status'][at])),
            )
            for at, model in enumerate(self.models.values())
        ]

    def read_calibration(self) -> dict[str, MotorCalibration]:
        """Return the calibration that the motors hold; drive modes are not theirs, hence 0."""
        return {
            name: MotorCalibration(
                id=motor.id,
                drive_mode=0,
                homing_offset=self._read_homing_offset(name),
                range_min=self.read('Min_Position_Limit', name),
                range_max=self.read('Max_Position_Limit', name),
            )
            for name, motor in self.motors.items()
        }

    def write_calibration(self, calibration: Mapping[str, MotorCalibration]) -> None:
        """Write a calibration into the motors; their torque goes off."""
        self.disable_torque()
        for name, entry in calibration.items():
            if 'Homing_Offset' in self.models[name].registers:
                self.write('Homing_Offset', name, entry.homing_offset)
            self.write('Min_Position_Limit', name, entry.range_min)
            self.write('Max_Position_Limit', name, entry.range_max)

    def prepare(self, wanted: Mapping[str, Mapping[str, int]]) -> None:
        """Configure all motors for position control, at full acceleration.

        Args:
            wanted: motor -> register -> value, over what is the same for all.
        """
        for name, model in self.models.items():
            values = {**self._common(name), **wanted.get(name, {})}
            is_kept = {key: model.register(key).persistent for key in values}
            self.configure({name: {key: values[key] for key in values if is_kept[key]}})
            for key in values:
                if not is_kept[key]:
                    self.write(key, name, values[key])

    def disable_torque(self, motors: Sequence[str] | None = None) -> None:
        """Let motors go limp and unlock their persistent registers."""
        for motor in self.motors if motors is None else motors:
            self.write('Torque_Enable', motor, 0)
            self.write('Lock', motor, 0)

    def enable_torque(self, motors: Sequence[str] | None = None) -> None:
        """Let motors hold the position they are at, and lock their persistent registers.

        The goal is written, acknowledged, before torque: else a motor would run to
        whatever goal it was given last. A motor that fails does not keep the others.
        """
        self._tell_each(self.motors if motors is None else motors, self._hold)

    def lock(self) -> None:
        """Let no write change persistent registers."""
        for motor in self.motors:
            self.write('Lock', motor, 1)

    def _hold(self, motor: str) -> None:
        self.write('Goal_Position', motor, self.read('Present_Position', motor))
        self.write('Torque_Enable', motor, 1)
        self.write('Lock', motor, 1)

    def _common(self, motor: str) -> dict[str, int]:
        """Return what registers of each motor are to hold, of those that it has."""
        wanted = {
            'Return_Delay_Time': 0,
            'Maximum_Acceleration': 254,
            'Operating_Mode': POSITION_MODE,
            'Acceleration': 254,
        }
        known = self.models[motor].registers
        common = {register: value for register, value in wanted.items() if register in known}
        if 'Phase' in known:
            common['Phase'] = self.read('Phase', motor) & ~MULTI_TURN_BIT
        return common

    def _velocity_unit(self, motor: str) -> float:
        """Return what one count of a motor's Present_Velocity is [tick/s]; SCS know but one."""
        if 'Phase' not in self.models[motor].registers:
            return 1.0
        return 1.0 if self.read('Phase', motor) & FAST_VELOCITY_BIT else 50.0

    def _read_homing_offset(self, motor: str) -> int:
        if 'Homing_Offset' not in self.models[motor].registers:
            return 0
        return self.read('Homing_Offset', motor)


def error_names(bits: int) -> str:
    """Return the names of error bits, ``none`` if none is set."""
    names = [error.name.lower() for error in packet.StatusError if error & bits and error.name]
    unknown = bits & ~_KNOWN_BITS
    if unknown:
        names.append(f'unknown 0x{unknown:02x}')
    return ', '.join(names) or 'none'
