"""A simulated Dynamixel of the X series: memory whose registers act on, and tell of, a shaft."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lerobot_drivers.sim import dynamixel_memory as reg
from lerobot_drivers.sim.alerts import DynamixelAlerts
from lerobot_drivers.sim.dynamixel_memory import Memory
from lerobot_drivers.sim.motion import MAX_ACCELERATION, MAX_SPEED
from lerobot_drivers.sim.powered_servo import PoweredServo
from lerobot_drivers.sim.wire import Request

RAD_PER_TICK = 2.0 * math.pi / reg.TICKS_PER_TURN
CURRENT, VELOCITY, POSITION, EXTENDED, CURRENT_POSITION, PWM = 0, 1, 3, 4, 5, 16
MODEL_NUMBERS = {
    'xl330-m077': 1190, 'xl330-m288': 1200, 'xl430-w250': 1060, 'xc430-w150': 1070,
    'xm430-w350': 1020, 'xm540-w270': 1120,
}  # fmt: skip
"""By LeRobot's names, from the e-manual."""

_SPEED_UNIT = 0.229 / 60.0 * reg.TICKS_PER_TURN
_ACCELERATION_UNIT = 214.577 / 3600.0 * reg.TICKS_PER_TURN
_MODES = (CURRENT, VELOCITY, POSITION, EXTENDED, CURRENT_POSITION, PWM)
_WITHOUT_CURRENT = (1060, 1070)
_LOAD_FULL = 1000
_MOVING_SPEED = 8.0
_TORQUE_SHARE = 0.5
_STRAIN, _USUAL_P_GAIN = 0.007, 800
"""Share of the torque per tick of error: 800 / 128 of 885 steps of PWM."""


@dataclass(frozen=True)
class DynamixelSpec:
    """A servo as it was built into an arm.

    Attributes:
        id: its id on the bus.
        model: LeRobot's name of its model.
        homing_offset: as calibrated at the factory; present = actual + offset [ticks].
        drive_mode: 1 turns the other way.
        range_min: lower position limit [ticks].
        range_max: upper position limit [ticks].
        zero: unwrapped encoder ticks at the joint's zero, as the shaft turns [ticks].
        lower: lower mechanical stop of the joint [rad].
        upper: upper mechanical stop of the joint [rad].
        volts: supply [V].
        turned: whether its shaft turns against the joint, as it was mounted.
        shadows: id of the servo whose writes it obeys too, None for nobody's.
    """

    id: int
    model: str
    homing_offset: int
    drive_mode: int
    range_min: int
    range_max: int
    zero: float
    lower: float
    upper: float
    volts: float
    turned: bool = False
    shadows: int | None = None


class DynamixelServo(PoweredServo):
    """One servo; its owner lets time pass with ``step``.

    Attributes:
        spec: how it was made.
        memory: its registers.
    """

    def __init__(self, spec: DynamixelSpec, angle: float) -> None:
        self.spec = spec
        self._mount = -1 if spec.turned else 1
        super().__init__(spec.zero, self._mount / RAD_PER_TICK, spec.volts, DynamixelAlerts())
        self.memory = Memory(MODEL_NUMBERS[spec.model])
        self.memory.set(reg.ID, spec.id, 1)
        self.memory.set(reg.DRIVE_MODE, spec.drive_mode, 1)
        self.memory.set(reg.HOMING_OFFSET, spec.homing_offset, 4)
        self.memory.set(reg.MIN_POSITION, spec.range_min, 4)
        self.memory.set(reg.MAX_POSITION, spec.range_max, 4)
        if spec.shadows is not None:
            self.memory.set(reg.SECONDARY_ID, spec.shadows, 1)
        self.motion = self._shaft(angle, spec.lower, spec.upper)
        self._power_on()

    @property
    def id(self) -> int:
        """The id it answers to."""
        return self.memory.get(reg.ID, 1)

    @property
    def shadowed_id(self) -> int:
        """The id whose writes it obeys too, its own if there is none."""
        secondary = self.memory.get(reg.SECONDARY_ID, 1)
        return self.id if secondary > 252 else secondary

    @property
    def baud(self) -> int:
        """The baud rate it listens at."""
        return reg.BAUDS.get(self.memory.get(reg.BAUD_INDEX, 1), 57_600)

    @property
    def answers_writes(self) -> bool:
        """Whether it confirms more than reads and pings (status level)."""
        return self.memory.get(reg.STATUS_LEVEL, 1) == 2

    @property
    def ping_reply(self) -> bytes:
        """Model number and firmware."""
        return self.memory.read(reg.MODEL, 2) + self.memory.read(reg.FIRMWARE, 1)

    def knows(self, request: Request) -> bool:
        """Whether it knows such a request; these know all."""
        return True

    def carry(self, angle: float, speed: float, load: float) -> None:
        """Let another servo on the axis have its part in where the joint is.

        Args:
            angle: where it is [rad].
            speed: how fast it goes [rad/s].
            load: what pulls at the joint [ticks/s^2].
        """
        self.motion.carry(self._ticks(angle), speed * self._ticks_per_rad)
        self.motion.load = self._mount * load

    def read(self, address: int, size: int) -> bytes:
        """Return registers as they are now."""
        self._refresh()
        return self.memory.read(address, size)

    def write(self, address: int, data: bytes) -> int:
        """Write registers and act on them; return the error, 0 for none."""
        self._refresh()
        before = self.memory.read(address, len(data))
        error = self.memory.write(address, data) or self._refusal(address, len(data))
        if error == reg.ACCESS_ERROR:
            return error
        if error:
            self.memory.write(address, before)
            return error
        self._obey()
        return 0

    def forget_address(self) -> None:
        """Have id and baud rate as sold."""
        self.memory.set(reg.ID, 1, 1)
        self.memory.set(reg.BAUD_INDEX, 1, 1)

    def power_cycle(self) -> None:
        """Cut the supply for a moment."""
        self.memory.power_cycle()
        self.alerts.forget()
        self.motion.release()
        self._power_on()

    def _power_on(self) -> None:
        self._refresh()
        self.memory.set(reg.GOAL_POSITION, self.memory.get(reg.PRESENT_POSITION, 4), 4)
        self._obey()

    @property
    def _mode(self) -> int:
        return self.memory.get(reg.OPERATING_MODE, 1)

    @property
    def _sign(self) -> int:
        return -1 if self.memory.get(reg.DRIVE_MODE, 1) & 1 else 1

    @property
    def _measures_current(self) -> bool:
        return self.memory.get(reg.MODEL, 2) not in _WITHOUT_CURRENT

    def _present(self) -> float:
        """Return the position as it tells it: turned by drive mode, plus homing offset [ticks].

        Only the extended modes count turns; the homing offset reaches beyond a quarter of a turn
        only in them.
        """
        actual = self._sign * self.motion.position
        offset = self.memory.get(reg.HOMING_OFFSET, 4, signed=True)
        if self._mode in (EXTENDED, CURRENT_POSITION):
            return actual + offset
        return actual % reg.TICKS_PER_TURN + min(max(offset, -1024), 1024)

    def _refusal(self, address: int, size: int) -> int:
        """Return why what was just written cannot be, 0 if it can."""
        touched = range(address, address + size)
        if reg.OPERATING_MODE in touched:
            known = self._measures_current or self._mode not in (CURRENT, CURRENT_POSITION)
            return 0 if self._mode in _MODES and known else reg.RANGE_ERROR
        if reg.GOAL_POSITION in touched and self._mode == POSITION:
            goal = self.memory.get(reg.GOAL_POSITION, 4, signed=True)
            low, high = self._limits()
            return 0 if low <= goal <= high else reg.LIMIT_ERROR
        return 0

    def _limits(self) -> tuple[int, int]:
        return self.memory.get(reg.MIN_POSITION, 4), self.memory.get(reg.MAX_POSITION, 4)

    def _obey(self) -> None:
        """Make the motor do what the registers say."""
        motion, memory = self.motion, self.memory
        if self.alerts.now & memory.get(reg.SHUTDOWN, 1):
            memory.set(reg.TORQUE_ENABLE, 0, 1)  # until it is started anew
        acceleration = memory.get(reg.PROFILE_ACCELERATION, 4) * _ACCELERATION_UNIT
        motion.max_acceleration = min(acceleration or MAX_ACCELERATION, MAX_ACCELERATION)
        motion.set_p_gain(max(1, memory.get(reg.P_GAIN, 2) // 25))
        if not memory.get(reg.TORQUE_ENABLE, 1) or self._mode in (CURRENT, PWM):
            motion.release()
        elif self._mode == VELOCITY:
            speed = memory.get(reg.GOAL_VELOCITY, 4, signed=True) * _SPEED_UNIT
            motion.target, motion.target_speed = None, self._sign * self._limited(speed)
        else:
            profile = memory.get(reg.PROFILE_VELOCITY, 4) * _SPEED_UNIT
            motion.max_speed = self._limited(profile or MAX_SPEED)
            motion.target_speed = None
            goal = memory.get(reg.GOAL_POSITION, 4, signed=True)
            motion.target = motion.position + self._sign * (goal - self._present())

    def _limited(self, speed: float) -> float:
        limit = min(self.memory.get(reg.VELOCITY_LIMIT, 4) * _SPEED_UNIT or MAX_SPEED, MAX_SPEED)
        return min(max(speed, -limit), limit)

    def _effort(self) -> float:
        """Return the share of its torque that the motor gives, -1..1, as the shaft turns."""
        if not self.motion.powered:
            return 0.0
        push = 0.04 * math.copysign(min(abs(self.motion.lag), 1.0), self.motion.lag)
        drag = 0.15 * self.motion.velocity / MAX_SPEED
        inertia = 0.3 * self.motion.acceleration / MAX_ACCELERATION
        held = 0.05 * self._mount * math.sin(self.angle) + self._strain()
        return min(max(push + drag + inertia + held, -1.0), 1.0)

    def _strain(self) -> float:
        """Return what it gives against whoever holds it away from where it wants to be."""
        gain = _STRAIN * self.memory.get(reg.P_GAIN, 2) / _USUAL_P_GAIN
        return gain * math.copysign(max(abs(self.motion.lag) - 1.0, 0.0), self.motion.lag)

    def _refresh(self) -> None:
        """Bring the present values up to date."""
        memory, effort = self.memory, self._sign * self._effort()
        velocity = self._sign * self.motion.velocity
        full = memory.get(reg.CURRENT_LIMIT, 2) if self._measures_current else _LOAD_FULL
        present = self._present() + velocity * self.ahead_s
        volts = self.volts - 0.4 * abs(effort)
        memory.set(reg.PRESENT_POSITION, round(present), 4)
        memory.set(reg.PRESENT_VELOCITY, round(velocity / _SPEED_UNIT), 4)
        memory.set(reg.PRESENT_CURRENT, round(_TORQUE_SHARE * full * effort), 2)
        memory.set(reg.PRESENT_VOLTAGE, round(10 * volts), 2)
        memory.set(reg.PRESENT_TEMPERATURE, round(self._temperature_c), 1)
        within = range(memory.get(reg.MIN_VOLTAGE, 2), memory.get(reg.MAX_VOLTAGE, 2) + 1)
        self.alerts.watch(self._temperature_c, memory.get(reg.MAX_TEMPERATURE, 1), volts, within)
        memory.set(reg.HARDWARE_ERROR, self.alerts.now, 1)
        memory.set(reg.MOVING, int(abs(self.motion.velocity) > _MOVING_SPEED), 1)
