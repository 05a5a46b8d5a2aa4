"""A simulated STS servo: memory whose registers act on, and tell of, a moving shaft."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lerobot_drivers.sim import memory as reg
from lerobot_drivers.sim import wire
from lerobot_drivers.sim.memory import Memory, decode_signed, encode_signed
from lerobot_drivers.sim.motion import MAX_ACCELERATION, MAX_SPEED, Motion
from lerobot_drivers.sim.powered_servo import PoweredServo
from lerobot_drivers.sim.wire import Request

RAD_PER_TICK = 2.0 * math.pi / reg.TICKS_PER_TURN
MODE_VELOCITY = 1
CENTRE_HERE = 128

_OFFSET_SIGN_BIT = 11
_LOAD_SIGN_BIT = 10
_WORD_SIGN_BIT = 15
_STALL_A = 2.4
_CURRENT_UNIT_A = 0.0065
_MOVING_SPEED = 8.0


@dataclass(frozen=True)
class ServoSpec:
    """A servo as it was built into an arm.

    Attributes:
        id: its id on the bus.
        homing_offset: as calibrated at the factory [ticks].
        range_min: lower position limit [ticks].
        range_max: upper position limit [ticks].
        zero: unwrapped encoder ticks at the joint's zero [ticks].
        lower: lower mechanical stop of the joint [rad].
        upper: upper mechanical stop of the joint [rad].
        volts: supply [V].
        motor: LeRobot's name of its model.
    """

    id: int
    homing_offset: int
    range_min: int
    range_max: int
    zero: float
    lower: float
    upper: float
    volts: float
    motor: str = 'sts3215'


class Servo(PoweredServo):
    """One servo; its owner lets time pass with ``step``.

    Attributes:
        spec: how it was made.
        memory: its registers.
    """

    def __init__(self, spec: ServoSpec, angle: float) -> None:
        self.spec = spec
        super().__init__(spec.zero, 1 / RAD_PER_TICK, spec.volts)
        self.memory = Memory(reg.MODEL_NUMBERS[spec.motor])
        self.memory.set_byte(reg.ID, spec.id)
        self.memory.set_word(reg.HOMING_OFFSET, encode_signed(spec.homing_offset, 11))
        self.memory.set_word(reg.MIN_POSITION, spec.range_min)
        self.memory.set_word(reg.MAX_POSITION, spec.range_max)
        self.memory.persist()
        self.motion = self._shaft(angle, spec.lower, spec.upper)
        self._power_on()

    @property
    def id(self) -> int:
        """The id it answers to."""
        return self.memory.byte(reg.ID)

    @property
    def baud(self) -> int:
        """The baud rate it listens at."""
        return reg.BAUDS[self.memory.byte(reg.BAUD_INDEX) % len(reg.BAUDS)]

    @property
    def answers_writes(self) -> bool:
        """Whether it confirms more than reads and pings (status level)."""
        return self.memory.byte(reg.STATUS_LEVEL) != 0

    def knows(self, request: Request) -> bool:
        """Whether it knows such a request; LeRobot reads the SM8512BL apart from the others."""
        return request.instruction != wire.SYNC_READ or self.spec.motor != 'sm8512bl'

    def build_in(self, shaft: Motion) -> None:
        """Turn that shaft from now on, freshly powered."""
        self.motion = shaft
        self._power_on()

    def read(self, address: int, size: int) -> bytes:
        """Return registers as they are now."""
        self._refresh()
        return self.memory.read(address, size)

    def write(self, address: int, data: bytes) -> int:
        """Write registers and act on them; such a servo refuses nothing."""
        self.memory.write(address, data)
        touched = range(address, address + len(data))
        if self.memory.byte(reg.TORQUE_ENABLE) == CENTRE_HERE:
            self._centre()
        if reg.GOAL_POSITION in touched:
            self.memory.set_word(reg.PRESENT_GOAL, self.memory.word(reg.GOAL_POSITION))
        self._obey()
        return 0

    def forget_address(self) -> None:
        """Have id and baud rate as sold."""
        self.memory.set_byte(reg.ID, 1)
        self.memory.set_byte(reg.BAUD_INDEX, 0)
        self.memory.persist()

    def power_cycle(self) -> None:
        """Cut the supply for a moment."""
        self.memory.power_cycle()
        self.alerts.forget()
        self._power_on()

    def _power_on(self) -> None:
        self._obey()
        self._refresh()
        goal = self.memory.word(reg.PRESENT_POSITION)
        self.memory.set_word(reg.GOAL_POSITION, goal)
        self.memory.set_word(reg.PRESENT_GOAL, goal)

    def _centre(self) -> None:
        """Set the homing offset so that the present position reads 2048."""
        half = reg.TICKS_PER_TURN // 2
        offset = round(self.motion.position) % reg.TICKS_PER_TURN - half
        self.memory.set_word(reg.HOMING_OFFSET, encode_signed(offset, _OFFSET_SIGN_BIT))
        self.memory.set_byte(reg.TORQUE_ENABLE, 0)

    def _present(self) -> float:
        """Return the position in the calibrated frame: actual minus homing offset [ticks]."""
        offset = decode_signed(self.memory.word(reg.HOMING_OFFSET), _OFFSET_SIGN_BIT)
        return (self.motion.position - offset) % reg.TICKS_PER_TURN

    def _obey(self) -> None:
        """Make the motor do what the registers say."""
        motion, memory = self.motion, self.memory
        acceleration = memory.byte(reg.ACCELERATION) or memory.byte(reg.MAX_ACCELERATION)
        motion.max_acceleration = min(100.0 * (acceleration or 255), MAX_ACCELERATION)
        motion.set_p_gain(memory.byte(reg.P_GAIN))
        torque = min(memory.word(reg.TORQUE_LIMIT), memory.word(reg.MAX_TORQUE))
        motion.torque_limit = torque / 1000
        is_unloaded = self.alerts.now & memory.byte(reg.UNLOADING)
        if memory.byte(reg.TORQUE_ENABLE) != 1 or is_unloaded:
            motion.release()
        elif memory.byte(reg.MODE) == MODE_VELOCITY:
            speed = decode_signed(memory.word(reg.GOAL_VELOCITY), _WORD_SIGN_BIT)
            motion.target = None
            motion.target_speed = self._limit_speed(speed * self._speed_unit())
        else:
            speed = abs(decode_signed(memory.word(reg.GOAL_VELOCITY), _WORD_SIGN_BIT))
            motion.max_speed = self._limit_speed(speed * self._speed_unit() or MAX_SPEED)
            motion.target_speed = None
            motion.target = motion.position + self._goal() - self._present()

    def _goal(self) -> int:
        goal = decode_signed(self.memory.word(reg.GOAL_POSITION), _WORD_SIGN_BIT)
        low, high = self.memory.word(reg.MIN_POSITION), self.memory.word(reg.MAX_POSITION)
        return min(max(goal, low), high) if high > low else goal

    def _speed_unit(self) -> float:
        """Return ticks/s per unit of the velocity registers (bit 2 of Phase)."""
        return 1.0 if self.memory.byte(reg.PHASE) & 4 else 50.0

    def _limit_speed(self, speed: float) -> float:
        limit = min(50.0 * (self.memory.byte(reg.MAX_VELOCITY) or 255), MAX_SPEED)
        return min(max(speed, -limit), limit)

    def _effort(self) -> float:
        """Return the share of its torque that the motor gives, -1..1."""
        if not self.motion.powered:
            return 0.0
        limit = self.motion.torque_limit
        return min(max(self.motion.effort(self.angle), -limit), limit)

    def _refresh(self) -> None:
        """Bring the present values up to date."""
        memory, effort = self.memory, self._effort()
        velocity = round(self.motion.velocity / self._speed_unit())
        amperes = abs(effort) * _STALL_A + (0.02 if self.motion.powered else 0.006)
        volts = self.volts - 0.35 * amperes
        present = self._present() + self.motion.velocity * self.ahead_s
        memory.set_word(reg.PRESENT_POSITION, round(present) % reg.TICKS_PER_TURN)
        memory.set_word(reg.PRESENT_VELOCITY, encode_signed(velocity, _WORD_SIGN_BIT))
        memory.set_word(reg.PRESENT_LOAD, encode_signed(round(1000 * effort), _LOAD_SIGN_BIT))
        memory.set_byte(reg.PRESENT_VOLTAGE, round(10 * volts))
        memory.set_byte(reg.PRESENT_TEMPERATURE, round(self._temperature_c))
        memory.set_byte(reg.MOVING, int(abs(self.motion.velocity) > _MOVING_SPEED))
        within = range(memory.byte(reg.MIN_VOLTAGE), memory.byte(reg.MAX_VOLTAGE) + 1)
        hottest = memory.byte(reg.MAX_TEMPERATURE)
        self.alerts.watch(self._temperature_c, hottest, volts, within)
        memory.set_byte(reg.STATUS, self.alerts.now)
        memory.set_word(reg.PRESENT_CURRENT, round(amperes / _CURRENT_UNIT_A))
