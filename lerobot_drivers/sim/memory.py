"""Memory of a simulated STS servo: where things lie, what persists, what cannot be written.

Addresses and factory values follow Feetech's memory table of the STS series.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FIRMWARE_MAJOR = 0
FIRMWARE_MINOR = 1
MODEL = 3
ID = 5
BAUD_INDEX = 6
STATUS_LEVEL = 8
MIN_POSITION = 9
MAX_POSITION = 11
MAX_TEMPERATURE = 13
MAX_VOLTAGE = 14
MIN_VOLTAGE = 15
MAX_TORQUE = 16
PHASE = 18
UNLOADING = 19
P_GAIN = 21
HOMING_OFFSET = 31
MODE = 33
TORQUE_ENABLE = 40
ACCELERATION = 41
GOAL_POSITION = 42
GOAL_VELOCITY = 46
TORQUE_LIMIT = 48
LOCK = 55
PRESENT_POSITION = 56
PRESENT_VELOCITY = 58
PRESENT_LOAD = 60
PRESENT_VOLTAGE = 62
PRESENT_TEMPERATURE = 63
STATUS = 65
MOVING = 66
PRESENT_GOAL = 67
PRESENT_CURRENT = 69
MAX_VELOCITY = 84
MAX_ACCELERATION = 85

MODEL_NUMBERS = {'sts3215': 777, 'sts3250': 2825, 'sm8512bl': 11272}
BAUDS = (1_000_000, 500_000, 250_000, 128_000, 115_200, 76_800, 57_600, 38_400)
TICKS_PER_TURN = 4096

_SIZE = 256
_EEPROM_END = 40
_FIRST_READ_ONLY, _LAST_READ_ONLY = range(0, 5), range(PRESENT_POSITION, 80)
_FACTORY_BYTES = {
    FIRMWARE_MAJOR: 3,
    FIRMWARE_MINOR: 10,
    STATUS_LEVEL: 1,
    13: 70,
    14: 140,
    15: 40,
    PHASE: 0x0C,
    19: 44,
    20: 47,
    P_GAIN: 32,
    22: 32,
    23: 0,
    24: 16,
    26: 1,
    27: 1,
    34: 20,
    35: 200,
    36: 80,
    37: 10,
    38: 200,
    39: 200,
    LOCK: 1,
    MAX_VELOCITY: 68,
    MAX_ACCELERATION: 254,
    86: 1,
}
_FACTORY_WORDS = {
    MAX_POSITION: 4095,
    MAX_TORQUE: 1000,
    28: 500,
    TORQUE_LIMIT: 1000,
}


def encode_signed(value: int, sign_bit: int) -> int:
    """Return sign and magnitude as the servo stores them, the sign in one bit."""
    magnitude = min(abs(value), (1 << sign_bit) - 1)
    return magnitude | (1 << sign_bit if value < 0 else 0)


def decode_signed(word: int, sign_bit: int) -> int:
    """Return the number that a sign-and-magnitude word stands for."""
    magnitude = word & ((1 << sign_bit) - 1)
    return -magnitude if word >> sign_bit & 1 else magnitude


@dataclass(frozen=True)
class Layout:
    """What tells the memory of one series from another's.

    Attributes:
        order: of the bytes in a word.
        lock: where the lock of the EEPROM lies.
        factory_bytes: what bytes hold as sold.
        factory_words: what words hold as sold.
    """

    order: Literal['little', 'big']
    lock: int
    factory_bytes: Mapping[int, int]
    factory_words: Mapping[int, int]


STS = Layout('little', LOCK, _FACTORY_BYTES, _FACTORY_WORDS)


class Memory:
    """The bytes of one servo.

    What lies below address 40 is EEPROM: a write is kept over a power cycle only
    while the lock is open (0).
    """

    def __init__(self, model: int = MODEL_NUMBERS['sts3215'], layout: Layout = STS) -> None:
        self._layout = layout
        self._bytes = bytearray(_SIZE)
        for address, value in layout.factory_bytes.items():
            self._bytes[address] = value
        for address, value in {MODEL: model, **layout.factory_words}.items():
            self.set_word(address, value)
        self._factory = bytes(self._bytes)
        self._persistent = bytearray(self._bytes[:_EEPROM_END])

    def read(self, address: int, size: int) -> bytes:
        """Return bytes; beyond the end there are zeros."""
        return bytes(self._bytes[address : address + size]).ljust(size, b'\0')

    def write(self, address: int, data: bytes) -> None:
        """Write as a host may: read-only places stay, EEPROM persists when unlocked."""
        unlocked = self._bytes[self._layout.lock] == 0
        for place, value in enumerate(data, start=address):
            if place >= _SIZE or place in _FIRST_READ_ONLY or place in _LAST_READ_ONLY:
                continue
            self._bytes[place] = value
            if place < _EEPROM_END and unlocked:
                self._persistent[place] = value

    def byte(self, address: int) -> int:
        """Return one byte."""
        return self._bytes[address]

    def word(self, address: int) -> int:
        """Return a two-byte word."""
        return int.from_bytes(self._bytes[address : address + 2], self._layout.order)

    def set_byte(self, address: int, value: int) -> None:
        """Set one byte from within the servo."""
        self._bytes[address] = value & 0xFF

    def set_word(self, address: int, value: int) -> None:
        """Set a two-byte word from within the servo."""
        self._bytes[address : address + 2] = (value & 0xFFFF).to_bytes(2, self._layout.order)

    def persist(self) -> None:
        """Make the EEPROM's present content persistent, as the factory does."""
        self._persistent[:] = self._bytes[:_EEPROM_END]

    def power_cycle(self) -> None:
        """Forget everything but what persists."""
        self._bytes[:] = self._factory
        self._bytes[:_EEPROM_END] = self._persistent
