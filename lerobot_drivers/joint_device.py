"""Keeps a device with joints read, through faults and unplugged cables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.base_driver import BaseDriver
from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.errors import DeviceError, LerobotRosError
from lerobot_drivers.common.health import Alarm, Health, Level, StreamMeter
from lerobot_drivers.robots.robot import JointReading, Robot

RECONNECT_NS = NS_PER_S
LOST_AFTER_NS = NS_PER_S // 2


class JointDevice(Protocol):
    """What a follower and a leader have in common."""

    @property
    def is_connected(self) -> bool:
        """Whether the device is open and has not failed."""
        ...

    def connect(self, calibrate: bool = False) -> None:
        """Open the device."""
        ...

    def read_state(self) -> JointReading:
        """Read all joints."""
        ...

    def disconnect(self) -> None:
        """Close the device."""
        ...

    def hang_up(self) -> None:
        """Close the device as it is: what holds goes on holding."""
        ...

    def alarms(self) -> Sequence[Alarm]:
        """Return what is wrong with the device, the worst first."""
        ...

    def health(self) -> dict[str, str | float]:
        """Return key-values for diagnostics."""
        ...


class DeviceReader:
    """Reads a device; a fault is counted, a lost device is tried again each second.

    Args:
        device: not connected yet.
        rate_hz: how often :meth:`step` will be called [1/s].
        clock: the clock of the device's stamps.
        warn: gets one line when the device is lost or found.
    """

    def __init__(
        self, device: JointDevice, rate_hz: float, clock: Clock, warn: Callable[[str], None]
    ) -> None:
        self._device = device
        self._rate_hz = rate_hz
        self._clock = clock
        self._warn = warn
        self._meter = StreamMeter(clock.monotonic_ns())
        self._read_ms = 0.0
        self._failing_since_ns: int | None = None
        self._last_stamp_ns = -1
        self._next_attempt_ns = 0
        self._window_errors = 0
        self.errors = 0
        self.reconnects = 0
        self.last_error = ''
        self.lost = False
        self.suspended = False

    def connect(self) -> JointReading:
        """Connect and read once.

        Raises:
            DeviceError: the device is not there, not calibrated or not answering.
        """
        self._device.connect()
        self.lost, self._failing_since_ns = False, None
        return self._device.read_state()

    def disconnect(self) -> None:
        """Close the device, whatever its state."""
        with suppress(DeviceError):
            self._device.disconnect()

    def step(self) -> JointReading | None:
        """Read the device, or try to get it back if it is lost.

        Returns:
            None if that failed, or if a device that sends its states by itself has sent no other.
        """
        if self.suspended:
            return None
        if self.lost:
            return self._reconnect()
        begin_ns = self._clock.monotonic_ns()
        try:
            reading = self._device.read_state()
        except DeviceError as error:
            self.note(error)
            return None
        self._failing_since_ns = None
        if reading.stamp_ns == self._last_stamp_ns:
            return None
        self._last_stamp_ns = reading.stamp_ns
        self._read_ms = max(self._read_ms, (self._clock.monotonic_ns() - begin_ns) / 1e6)
        self._meter.tick(self._clock.now_ns() - reading.stamp_ns)
        return reading

    def note(self, error: DeviceError) -> None:
        """Count a fault; give the device up if it is gone or has not answered for long."""
        self.errors += 1
        self._window_errors += 1
        self.last_error = str(error)
        now_ns = self._clock.monotonic_ns()
        since_ns = self._failing_since_ns = self._failing_since_ns or now_ns
        if not self._device.is_connected or now_ns - since_ns >= LOST_AFTER_NS:
            self._warn(f'lost: {error}; trying again each second')
            self._hang_up()
            self.lost, self._next_attempt_ns = True, now_ns + RECONNECT_NS

    def suspend(self) -> None:
        """Leave the device to somebody else, as it is."""
        self._hang_up()
        self.suspended = True

    def restart(self) -> None:
        """Take the device back at the next step."""
        self.suspended = False
        self.lost, self._next_attempt_ns = True, self._clock.monotonic_ns()
        self.last_error = 'it is just taken into service again'

    def health(self, more: Mapping[str, object] | None = None) -> Health:
        """Return what happened since the last call, and the values of whoever asks."""
        rate_hz, age_ms, age_max_ms = self._meter.take(self._clock.monotonic_ns())
        errors, self._window_errors = self._window_errors, 0
        read_ms, self._read_ms = self._read_ms, 0.0
        values: dict[str, object] = {
            'rate [Hz]': rate_hz,
            'age when published [ms]': age_ms,
            'age when published, greatest [ms]': age_max_ms,
            'read latency, greatest [ms]': read_ms,
            'errors': self.errors,
            'reconnects': self.reconnects,
            'last error': self.last_error,
        }
        level, message = self._judge(rate_hz, errors)
        return Health(level, message, {**values, **(more or {}), **self._device.health()})

    def _hang_up(self) -> None:
        """Close a device that does not answer; an arm must not fall because a wire is loose."""
        with suppress(DeviceError):
            self._device.hang_up()

    def _judge(self, rate_hz: float, errors: int) -> tuple[Level, str]:
        if self.suspended:
            return Level.WARN, 'out of service: it is being calibrated'
        if self.lost:
            return Level.ERROR, f'lost: {self.last_error}'
        found = [(alarm.level, alarm.text) for alarm in self._device.alarms()]
        if errors:
            found.append((Level.WARN, f'{errors} failed transactions: {self.last_error}'))
        elif rate_hz < 0.8 * self._rate_hz:
            found.append((Level.WARN, f'slow: {rate_hz:.1f} Hz of {self._rate_hz:g} Hz'))
        if not found:
            return Level.OK, 'ok'
        return max(level for level, _ in found), '; '.join(text for _, text in found)

    def _reconnect(self) -> JointReading | None:
        if self._clock.monotonic_ns() < self._next_attempt_ns:
            return None
        try:
            reading = self.connect()
        except LerobotRosError as error:
            self.last_error = str(error)
            self._hang_up()
            self.lost, self._next_attempt_ns = True, self._clock.monotonic_ns() + RECONNECT_NS
            return None
        self.reconnects += 1
        self._warn('found again')
        return reading


class ArmDriver(DeviceReader):
    """A follower: read, and written to at once.

    Attributes:
        robot: the arm.
        base: what drives the robot's mobile base; None without one.
        goal: the goal in force, by joint [rad or m].
        seeded: set when the goal was taken from the measured position, on connecting.
    """

    def __init__(
        self, robot: Robot, rate_hz: float, clock: Clock, warn: Callable[[str], None]
    ) -> None:
        super().__init__(robot, rate_hz, clock, warn)
        self.robot = robot
        base = robot.base
        self.base = None if base is None else BaseDriver(base, robot.config.base, clock)
        self.goal: NDArray[np.float64] = np.empty(0)
        self.seeded = False

    def connect(self) -> JointReading:
        """Connect; the robot has taken the measured position as goal before its torque."""
        reading = super().connect()
        self.halt_base()
        self.goal, self.seeded = reading.position.copy(), True
        return reading

    @property
    def limp(self) -> bool:
        """Whether the arm is to be limp, now and whenever it is found again."""
        return self.robot.limp

    def set_torque(self, on: bool) -> None:
        """Hold where the arm is, or let it go limp; it stays so when it is lost and found again.

        Raises:
            DeviceError: it cannot be reached; what is wanted is done when it is found again.
        """
        self.robot.limp = not on
        if self.suspended:
            return  # whoever has it leaves it limp; what is wanted is done at the restart
        if self.lost:
            raise DeviceError(f'the arm is lost: {self.last_error}')
        try:
            if on:
                self.robot.enable_torque()
                self.goal, self.seeded = self.robot.read_state().position.copy(), True
            else:
                self.robot.disable_torque()
        except DeviceError as error:
            self.note(error)
            raise

    def write(self, goal: NDArray[np.float64]) -> bool:
        """Send a goal now.

        Args:
            goal: by joint [rad or m], NaN where nothing is wanted.

        Returns:
            Whether it was sent; then ``goal`` holds what is in force after all limits.
        """
        if self.lost:
            return False
        try:
            sent = self.robot.write_goal(goal)
        except DeviceError as error:
            self.note(error)
            return False
        self.goal = np.where(np.isnan(sent), self.goal, sent)
        return True

    def drive(self) -> NDArray[np.float64] | None:
        """Let the base go on as asked for; return what was sent, None if nothing could be."""
        if self.base is None or self.lost:
            return None
        try:
            return self.base.step()
        except DeviceError as error:
            self.note(error)
            return None

    def halt_base(self) -> None:
        """Let the base stand until it is asked anew; harmless without one, or without a wire."""
        if self.base is not None:
            with suppress(DeviceError):
                self.base.halt()

    def _hang_up(self) -> None:
        self.halt_base()
        super()._hang_up()
