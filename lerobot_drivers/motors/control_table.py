"""Registers of the motor models: address, width, sign, byte order, units.

Sources: Feetech's memory tables of the STS/SMS and SCSCL series; names are LeRobot's
(``motors/feetech/tables.py``), so that code and calibrations of both read alike.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ConfigError

ByteOrder = Literal['little', 'big']


@dataclass(frozen=True)
class Register:
    """One register.

    Attributes:
        address: of its first byte.
        size: how many bytes.
        sign_bit: of sign-magnitude coding; None if never negative.
        persistent: kept without power, written only while unlocked.
    """

    address: int
    size: int = 1
    sign_bit: int | None = None
    persistent: bool = False

    def encode(self, value: int, order: ByteOrder) -> bytes:
        """Return the bytes of a value.

        Raises:
            ValueError: the value does not fit.
        """
        limit = 1 << (self.size * 8 if self.sign_bit is None else self.sign_bit)
        if abs(value) >= limit or (value < 0 and self.sign_bit is None):
            raise ValueError(f'{value} does not fit the register at address {self.address}')
        if value < 0 and self.sign_bit is not None:
            value = -value | 1 << self.sign_bit
        return value.to_bytes(self.size, order)

    def decode(self, data: bytes, order: ByteOrder) -> int:
        """Return the value of its bytes."""
        value = int.from_bytes(data, order)
        if self.sign_bit is None:
            return value
        magnitude = value & ((1 << self.sign_bit) - 1)
        return -magnitude if value >> self.sign_bit & 1 else magnitude


@dataclass(frozen=True)
class MotorModel:
    """What the bus must know of a model.

    Attributes:
        name: LeRobot's name of it.
        number: what its register Model_Number holds.
        registers: by name.
        resolution: ticks per turn (per 300 deg for SCS).
        byte_order: of registers wider than a byte.
        sync_read: whether it answers the sync-read instruction.
        state: names of the registers that ``read_state`` reads in one block, by address.
    """

    name: str
    number: int
    registers: Mapping[str, Register] = field(repr=False)
    resolution: int = 4096
    byte_order: ByteOrder = 'little'
    sync_read: bool = True
    state: tuple[str, ...] = ()

    def register(self, name: str) -> Register:
        """Return a register by name.

        Raises:
            ConfigError: this model has none of that name.
        """
        try:
            return self.registers[name]
        except KeyError:
            raise ConfigError(f'motor model {self.name} has no register {name!r}') from None

    @cached_property
    def state_block(self) -> tuple[int, int]:
        """Address and length of the one block that holds all of ``state``."""
        registers = [self.register(name) for name in self.state]
        start = min(register.address for register in registers)
        return start, max(register.address + register.size for register in registers) - start

    def decode_state(self, blocks: Sequence[bytes]) -> dict[str, NDArray[np.int64]]:
        """Return each register of ``state`` as an array over motors, from their blocks."""
        layout, masks = self._state_layout
        values = np.array([layout.unpack(block) for block in blocks], dtype=np.int64)
        magnitudes = values & (masks - 1)
        decoded = np.where(masks == 0, values, np.where(values & masks, -magnitudes, magnitudes))
        return {name: decoded[:, column] for column, name in enumerate(self.state)}

    @cached_property
    def _state_layout(self) -> tuple[struct.Struct, NDArray[np.int64]]:
        """The block as a struct, and each register's sign bit as a mask, 0 if it has none."""
        end = self.state_block[0]
        code = '<' if self.byte_order == 'little' else '>'
        masks = []
        for register in (self.register(name) for name in self.state):
            code += 'x' * (register.address - end) + {1: 'B', 2: 'H', 4: 'I'}[register.size]
            end = register.address + register.size
            masks.append(0 if register.sign_bit is None else 1 << register.sign_bit)
        return struct.Struct(code), np.array(masks, dtype=np.int64)


def _eeprom(address: int, size: int = 1, sign_bit: int | None = None) -> Register:
    return Register(address, size, sign_bit, persistent=True)


_COMMON = {
    'Firmware_Major_Version': _eeprom(0),
    'Firmware_Minor_Version': _eeprom(1),
    'Model_Number': _eeprom(3, 2),
    'ID': _eeprom(5),
    'Baud_Rate': _eeprom(6),
    'Return_Delay_Time': _eeprom(7),
    'Response_Status_Level': _eeprom(8),
    'Min_Position_Limit': _eeprom(9, 2),
    'Max_Position_Limit': _eeprom(11, 2),
    'Max_Temperature_Limit': _eeprom(13),
    'Max_Voltage_Limit': _eeprom(14),
    'Min_Voltage_Limit': _eeprom(15),
    'Max_Torque_Limit': _eeprom(16, 2),
    'Phase': _eeprom(18),
    'Unloading_Condition': _eeprom(19),
    'LED_Alarm_Condition': _eeprom(20),
    'P_Coefficient': _eeprom(21),
    'D_Coefficient': _eeprom(22),
    'I_Coefficient': _eeprom(23),
    'Minimum_Startup_Force': _eeprom(24, 2),
    'CW_Dead_Zone': _eeprom(26),
    'CCW_Dead_Zone': _eeprom(27),
    'Torque_Enable': Register(40),
    'Acceleration': Register(41),
    'Present_Voltage': Register(62),
    'Present_Temperature': Register(63),
    'Status': Register(65),
    'Moving': Register(66),
}

_STS = {
    **_COMMON,
    'Protection_Current': _eeprom(28, 2),
    'Angular_Resolution': _eeprom(30),
    'Homing_Offset': _eeprom(31, 2, sign_bit=11),
    'Operating_Mode': _eeprom(33),
    'Protective_Torque': _eeprom(34),
    'Protection_Time': _eeprom(35),
    'Overload_Torque': _eeprom(36),
    'Over_Current_Protection_Time': _eeprom(38),
    'Goal_Position': Register(42, 2, sign_bit=15),
    'Goal_Time': Register(44, 2, sign_bit=10),
    'Goal_Velocity': Register(46, 2, sign_bit=15),
    'Torque_Limit': Register(48, 2),
    'Lock': Register(55),
    'Present_Position': Register(56, 2, sign_bit=15),
    'Present_Velocity': Register(58, 2, sign_bit=15),
    'Present_Load': Register(60, 2, sign_bit=10),
    'Present_Current': Register(69, 2, sign_bit=15),
    'Maximum_Velocity_Limit': _eeprom(84),
    'Maximum_Acceleration': _eeprom(85),
    'Acceleration_Multiplier': _eeprom(86),
}

_SCS = {
    **_COMMON,
    'Protective_Torque': _eeprom(37),
    'Protection_Time': _eeprom(38),
    'Goal_Position': Register(42, 2),
    'Running_Time': Register(44, 2),
    'Goal_Velocity': Register(46, 2),
    'Lock': Register(48),
    'Present_Position': Register(56, 2),
    'Present_Velocity': Register(58, 2, sign_bit=15),
    'Present_Load': Register(60, 2, sign_bit=10),
}

_SCS_STATE = (
    'Present_Position',
    'Present_Velocity',
    'Present_Load',
    'Present_Voltage',
    'Present_Temperature',
    'Status',
    'Moving',
)
_STS_STATE = (*_SCS_STATE, 'Present_Current')


def _sts(name: str, number: int) -> MotorModel:
    return MotorModel(name, number, _STS, state=_STS_STATE)


MODELS = {
    model.name: model
    for model in (
        _sts('sts3215', 777),
        _sts('sts3250', 2825),
        _sts('sm8512bl', 11272),
        MotorModel(
            'scs0009',
            1284,
            _SCS,
            resolution=1024,
            byte_order='big',
            sync_read=False,
            state=_SCS_STATE,
        ),
    )
}


def motor_model(name: str) -> MotorModel:
    """Return a model by LeRobot's name.

    Raises:
        ConfigError: it is unknown; the message lists the known ones.
    """
    if name not in MODELS:
        raise ConfigError(f'unknown motor model {name!r}; known models: {", ".join(MODELS)}')
    return MODELS[name]
