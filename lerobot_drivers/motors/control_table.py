"""Registers of a motor model: address, width, sign, byte order.

Names are LeRobot's (``motors/*/tables.py``), so that code and calibrations of both read alike.
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
        sign_bit: of sign-magnitude coding; None if it is not coded so.
        signed: two's complement; without it and a sign bit it is never negative.
        persistent: kept without power, written only while unlocked.
    """

    address: int
    size: int = 1
    sign_bit: int | None = None
    persistent: bool = False
    signed: bool = False

    def encode(self, value: int, order: ByteOrder) -> bytes:
        """Return the bytes of a value.

        Raises:
            ValueError: the value does not fit.
        """
        if self.signed:
            return self._twos_complement(value, order)
        limit = 1 << (self.size * 8 if self.sign_bit is None else self.sign_bit)
        if abs(value) >= limit or (value < 0 and self.sign_bit is None):
            raise ValueError(f'{value} does not fit the register at address {self.address}')
        if value < 0 and self.sign_bit is not None:
            value = -value | 1 << self.sign_bit
        return value.to_bytes(self.size, order)

    def decode(self, data: bytes, order: ByteOrder) -> int:
        """Return the value of its bytes."""
        value = int.from_bytes(data, order, signed=self.signed)
        if self.sign_bit is None:
            return value
        magnitude = value & ((1 << self.sign_bit) - 1)
        return -magnitude if value >> self.sign_bit & 1 else magnitude

    @property
    def code(self) -> str:
        """Its letter for ``struct``."""
        letter = {1: 'B', 2: 'H', 4: 'I'}[self.size]
        return letter.lower() if self.signed else letter

    def _twos_complement(self, value: int, order: ByteOrder) -> bytes:
        try:
            return value.to_bytes(self.size, order, signed=True)
        except OverflowError:
            raise ValueError(
                f'{value} does not fit the register at address {self.address}'
            ) from None


@dataclass(frozen=True)
class MotorModel:
    """What the bus must know of a model.

    Attributes:
        name: LeRobot's name of it.
        number: what its register Model_Number holds.
        registers: by name.
        resolution: ticks of all that its encoder can tell.
        reach_deg: how far that is, less than a turn with a potentiometer [deg].
        largest_effort: counts of its load or current that are the most it can give.
        current_unit_a: what one count of Present_Current is, None if it measures no current [A].
        byte_order: of registers wider than a byte.
        sync_read: whether it answers the sync-read instruction.
        broadcast_ping: whether it answers a ping to all.
        state: names of the registers that ``read_state`` reads in one block, by address.
    """

    name: str
    number: int
    registers: Mapping[str, Register] = field(repr=False)
    resolution: int = 4096
    reach_deg: float = 360.0
    largest_effort: int = 1000
    current_unit_a: float | None = None
    byte_order: ByteOrder = 'little'
    sync_read: bool = True
    broadcast_ping: bool = True
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

    def current_a(self, state: Mapping[str, NDArray[np.int64]], at: int) -> float | None:
        """Return the current of the motor at a place in a state [A], None if it measures none."""
        if self.current_unit_a is None:
            return None
        return int(state['Present_Current'][at]) * self.current_unit_a

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
            code += 'x' * (register.address - end) + register.code
            end = register.address + register.size
            masks.append(0 if register.sign_bit is None else 1 << register.sign_bit)
        return struct.Struct(code), np.array(masks, dtype=np.int64)
