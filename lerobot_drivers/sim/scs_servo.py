"""A simulated SCS0009: a small servo with a potentiometer, whose words are big endian.

Addresses, factory values and units follow Feetech's memory table of the SCS series.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lerobot_drivers.sim import wire
from lerobot_drivers.sim.memory import Layout, Memory, encode_signed
from lerobot_drivers.sim.powered_servo import PoweredServo
from lerobot_drivers.sim.wire import BROADCAST_ID, Request

ID, BAUD_INDEX, STATUS_LEVEL = 5, 6, 8
MIN_POSITION, MAX_POSITION, MAX_TORQUE = 9, 11, 16
MAX_TEMPERATURE, MAX_VOLTAGE, MIN_VOLTAGE, UNLOADING = 13, 14, 15, 19
P_GAIN = 21
TORQUE_ENABLE, GOAL_POSITION, GOAL_TIME, GOAL_SPEED, LOCK = 40, 42, 44, 46, 48
PRESENT_POSITION, PRESENT_SPEED, PRESENT_LOAD = 56, 58, 60
PRESENT_VOLTAGE, PRESENT_TEMPERATURE, STATUS, MOVING = 62, 63, 65, 66

MODEL_SCS0009 = 1284
TICKS = 1024
BAUDS = (1_000_000, 500_000, 250_000, 128_000, 115_200, 76_800, 57_600, 38_400)

SCS = Layout(
    'big',
    LOCK,
    {0: 5, 1: 4, STATUS_LEVEL: 1, 13: 80, 14: 80, 15: 40, UNLOADING: 37, 20: 37, P_GAIN: 15,
     22: 15, 26: 1, 27: 1, 37: 40, 38: 80, LOCK: 1},
    {MAX_POSITION: TICKS - 1, MAX_TORQUE: 1000, 24: 30},
)  # fmt: skip

_MAX_SPEED = 2000.0
"""60 degrees in 0.1 s at 6 V, by Feetech's data sheet [tick/s]."""
_MAX_ACCELERATION = 20_000.0
_STALL_A, _OHM = 1.0, 0.3
_MOVING_SPEED = 4.0


@dataclass(frozen=True)
class ScsSpec:
    """A servo as it was built in.

    Attributes:
        id: its id on the bus.
        range_min: lower position limit [tick].
        range_max: upper position limit [tick].
        zero: where the joint's zero is [tick].
        ticks_per_rad: what it turns for the joint; negative where it was mounted turned.
        lower: lower mechanical stop of the joint [rad].
        upper: upper mechanical stop of the joint [rad].
        volts: supply [V].
    """

    id: int
    range_min: int
    range_max: int
    zero: float
    ticks_per_rad: float
    lower: float
    upper: float
    volts: float


class ScsServo(PoweredServo):
    """One servo; its owner lets time pass with ``step``.

    Attributes:
        spec: how it was made.
        memory: its registers.
    """

    heating_c: ClassVar[float] = 35.0
    thermal_s: ClassVar[float] = 200.0

    def __init__(self, spec: ScsSpec, angle: float) -> None:
        self.spec = spec
        super().__init__(spec.zero, spec.ticks_per_rad, spec.volts)
        self.memory = Memory(MODEL_SCS0009, SCS)
        self.memory.set_byte(ID, spec.id)
        self.memory.set_word(MIN_POSITION, spec.range_min)
        self.memory.set_word(MAX_POSITION, spec.range_max)
        self.memory.persist()
        self.motion = self._shaft(angle, spec.lower, spec.upper)
        self._power_on()

    @property
    def id(self) -> int:
        """The id it answers to."""
        return self.memory.byte(ID)

    @property
    def baud(self) -> int:
        """The baud rate it listens at."""
        return BAUDS[self.memory.byte(BAUD_INDEX) % len(BAUDS)]

    @property
    def answers_writes(self) -> bool:
        """Whether it confirms more than reads and pings (status level)."""
        return self.memory.byte(STATUS_LEVEL) != 0

    def knows(self, request: Request) -> bool:
        """Whether it knows such a request: no sync-read, no ping to all."""
        if request.instruction == wire.PING:
            return request.id != BROADCAST_ID
        return request.instruction != wire.SYNC_READ

    def read(self, address: int, size: int) -> bytes:
        """Return registers as they are now."""
        self._refresh()
        return self.memory.read(address, size)

    def write(self, address: int, data: bytes) -> int:
        """Write registers and act on them; such a servo refuses nothing."""
        self.memory.write(address, data)
        self._obey()
        return 0

    def forget_address(self) -> None:
        """Have id and baud rate as sold."""
        self.memory.set_byte(ID, 1)
        self.memory.set_byte(BAUD_INDEX, 0)
        self.memory.persist()

    def power_cycle(self) -> None:
        """Cut the supply for a moment."""
        self.memory.power_cycle()
        self.alerts.forget()
        self._power_on()

    def _power_on(self) -> None:
        self._obey()
        self._refresh()
        self.memory.set_word(GOAL_POSITION, self.memory.word(PRESENT_POSITION))

    def _obey(self) -> None:
        """Make the motor do what the registers say; without limits it would be a mere motor."""
        motion, memory = self.motion, self.memory
        low, high = memory.word(MIN_POSITION), memory.word(MAX_POSITION)
        motion.set_p_gain(2 * memory.byte(P_GAIN))
        is_unloaded = self.alerts.now & memory.byte(UNLOADING)
        if memory.byte(TORQUE_ENABLE) != 1 or high <= low or is_unloaded:
            motion.release()
            return
        target = float(min(max(memory.word(GOAL_POSITION), low), high))
        speed = memory.word(GOAL_SPEED) or _MAX_SPEED
        if time_ms := memory.word(GOAL_TIME):
            speed = min(speed, abs(target - motion.position) * 1000.0 / time_ms)
        motion.max_speed = min(speed, _MAX_SPEED)
        motion.max_acceleration = _MAX_ACCELERATION
        motion.target = target

    def _effort(self) -> float:
        """Return the share of its torque that the motor gives, -1..1."""
        if not self.motion.powered:
            return 0.0
        limit = self.memory.word(MAX_TORQUE) / 1000
        push = 0.05 * math.copysign(min(abs(self.motion.lag), 1.0), self.motion.lag)
        drag = 0.2 * self.motion.velocity / _MAX_SPEED
        inertia = 0.2 * self.motion.acceleration / _MAX_ACCELERATION
        return min(max(push + drag + inertia, -limit), limit)

    def _refresh(self) -> None:
        """Bring the present values up to date."""
        memory, effort = self.memory, self._effort()
        volts = self.volts - _OHM * _STALL_A * abs(effort)
        present = round(self.motion.position + self.motion.velocity * self.ahead_s)
        memory.set_word(PRESENT_POSITION, min(max(present, 0), TICKS - 1))
        memory.set_word(PRESENT_SPEED, encode_signed(round(self.motion.velocity), 15))
        memory.set_word(PRESENT_LOAD, encode_signed(round(1000 * effort), 10))
        memory.set_byte(PRESENT_VOLTAGE, round(10 * volts))
        memory.set_byte(PRESENT_TEMPERATURE, round(self._temperature_c))
        within = range(memory.byte(MIN_VOLTAGE), memory.byte(MAX_VOLTAGE) + 1)
        self.alerts.watch(self._temperature_c, memory.byte(MAX_TEMPERATURE), volts, within)
        memory.set_byte(STATUS, self.alerts.now)
        memory.set_byte(MOVING, int(abs(self.motion.velocity) > _MOVING_SPEED))
