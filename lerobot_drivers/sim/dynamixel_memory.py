"""Memory of a simulated Dynamixel of the X series: where things lie, what may be written when.

Addresses and factory values follow Robotis' e-manual.
"""

from __future__ import annotations

MODEL = 0
FIRMWARE = 6
ID = 7
BAUD_INDEX = 8
DRIVE_MODE = 10
OPERATING_MODE = 11
SECONDARY_ID = 12
HOMING_OFFSET = 20
MAX_TEMPERATURE = 31
MAX_VOLTAGE = 32
MIN_VOLTAGE = 34
CURRENT_LIMIT = 38
VELOCITY_LIMIT = 44
MAX_POSITION = 48
MIN_POSITION = 52
SHUTDOWN = 63
TORQUE_ENABLE = 64
STATUS_LEVEL = 68
HARDWARE_ERROR = 70
P_GAIN = 84
GOAL_CURRENT = 102
GOAL_VELOCITY = 104
PROFILE_ACCELERATION = 108
PROFILE_VELOCITY = 112
GOAL_POSITION = 116
MOVING = 122
PRESENT_CURRENT = 126
PRESENT_VELOCITY = 128
PRESENT_POSITION = 132
PRESENT_VOLTAGE = 144
PRESENT_TEMPERATURE = 146

TICKS_PER_TURN = 4096
BAUDS = {
    0: 9_600, 1: 57_600, 2: 115_200, 3: 1_000_000, 4: 2_000_000, 5: 3_000_000, 6: 4_000_000,
}  # fmt: skip
NO_ID = 255

RANGE_ERROR, LIMIT_ERROR, ACCESS_ERROR = 4, 6, 7
_SIZE = 1024
_EEPROM_END = 64
_READ_ONLY = (range(0, 7), range(HARDWARE_ERROR, 71), range(120, 147))
_BYTES = {FIRMWARE: 46, BAUD_INDEX: 3, 9: 250, OPERATING_MODE: 3, SECONDARY_ID: NO_ID,
          13: 2, 31: 80, 63: 52, STATUS_LEVEL: 2}  # fmt: skip
_WORDS = {32: 140, 34: 60, 36: 885, CURRENT_LIMIT: 1750, 76: 1600, 78: 180, P_GAIN: 400,
          100: 885, GOAL_CURRENT: 1750}  # fmt: skip
_DOUBLES = {24: 10, VELOCITY_LIMIT: 445, MAX_POSITION: 4095}


class Memory:
    """The bytes of one servo, little endian, two's complement.

    What lies below address 64 is EEPROM: kept over a power cycle, closed while torque is on.
    """

    def __init__(self, model_number: int) -> None:
        self._bytes = bytearray(_SIZE)
        self.set(MODEL, model_number, 2)
        for size, values in ((1, _BYTES), (2, _WORDS), (4, _DOUBLES)):
            for address, value in values.items():
                self.set(address, value, size)
        self._factory = bytes(self._bytes)

    def read(self, address: int, size: int) -> bytes:
        """Return bytes; beyond the end there are zeros."""
        return bytes(self._bytes[address : address + size]).ljust(size, b'\0')

    def write(self, address: int, data: bytes) -> int:
        """Write as a host may; return the error, 0 for none."""
        touched = range(address, address + len(data))
        if touched.stop > _SIZE or any(
            place in region for region in _READ_ONLY for place in touched
        ):
            return ACCESS_ERROR
        if address < _EEPROM_END and self.get(TORQUE_ENABLE, 1):
            return ACCESS_ERROR
        self._bytes[address : touched.stop] = data
        return 0

    def get(self, address: int, size: int, signed: bool = False) -> int:
        """Return a number."""
        return int.from_bytes(self._bytes[address : address + size], 'little', signed=signed)

    def set(self, address: int, value: int, size: int) -> None:
        """Set a number from within the servo."""
        self._bytes[address : address + size] = (value % (1 << 8 * size)).to_bytes(size, 'little')

    def power_cycle(self) -> None:
        """Forget everything but what persists."""
        self._bytes[_EEPROM_END:] = self._factory[_EEPROM_END:]
