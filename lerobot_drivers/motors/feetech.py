"""The Feetech bus: STS, SMS and SCS servos.

Order and values of what is written follow LeRobot (``motors/feetech/feetech.py``),
so that an arm behaves the same under both. In addition the goal is always seeded
from the present position before torque goes on.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import BusCorruptError, BusError, BusTimeoutError
from lerobot_drivers.motors import packet
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.motors.motors_bus import MotorsBus, Reply

logger = logging.getLogger(__name__)

POSITION_MODE = 0
_UNKNOWN_NS = 2**62
MAX_NOISE = 512
"""Stray bytes in front of a reply that are put up with: late replies of others, above all."""
UNHEARD_TRIES = 3
"""So often motors are told to go limp without an answer."""
MULTI_TURN_BIT = 0x10
"""Bit of Phase that makes Present_Position count turns."""
FAST_VELOCITY_BIT = 0x04
"""Bit of Phase that makes velocities count single ticks per second, else 50 of them."""


class FeetechMotorsBus(MotorsBus):
    """Feetech servos behind one port."""

    _echoes: bool | None = None
    """Whether the adapter sends back what is sent through it; None is not known yet."""

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
        return {
            name: 1.0 if self.read('Phase', name) & FAST_VELOCITY_BIT else 50.0
            for name in self.motors
        }

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

    def disable_torque(self, motors: Sequence[str] | None = None) -> None:
        """Let motors go limp and unlock their persistent registers."""
        for motor in self.motors if motors is None else motors:
            self.write('Torque_Enable', motor, 0)
            self.write('Lock', motor, 0)

    def enable_torque(self, motors: Sequence[str] | None = None) -> None:
        """Let motors hold the position they are at, and lock their persistent registers.

        The goal is written, acknowledged, before torque: else a motor would run to
        whatever goal it was given last.
        """
        for motor in self.motors if motors is None else motors:
            self.write('Goal_Position', motor, self.read('Present_Position', motor))
            self.write('Torque_Enable', motor, 1)
            self.write('Lock', motor, 1)

    def lock(self) -> None:
        """Let no write change persistent registers."""
        for motor in self.motors:
            self.write('Lock', motor, 1)

    def release(self) -> None:
        """Let all motors go limp, trying hard: a failed motor does not keep the others.

        Each is told without waiting for an answer first: it may hear us when we cannot hear it.

        Raises:
            BusError: the first failure, after all motors have been tried.
            DeviceError: the device was unplugged.
        """
        failures = []
        for _ in range(UNHEARD_TRIES):
            with contextlib.suppress(BusError):
                self.sync_write('Torque_Enable', dict.fromkeys(self.motors, 0))
        for motor in self.motors:
            try:
                self.disable_torque([motor])
            except BusError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _read_homing_offset(self, motor: str) -> int:
        if 'Homing_Offset' not in self.models[motor].registers:
            return 0
        return self.read('Homing_Offset', motor)

    def _ping(self, motor_id: int) -> Reply:
        return self._exchange(packet.ping(motor_id), [motor_id], 0)[motor_id]

    def _read(self, motor_id: int, address: int, length: int) -> Reply:
        request = packet.read(motor_id, address, length)
        return self._exchange(request, [motor_id], length)[motor_id]

    def _write(self, motor_id: int, address: int, data: bytes) -> Reply:
        request = packet.write(motor_id, address, data)
        return self._exchange(request, [motor_id], 0)[motor_id]

    def _sync_read(self, ids: Sequence[int], address: int, length: int) -> dict[int, Reply]:
        if all(model.sync_read for model in self.models.values()):
            return self._exchange(packet.sync_read(ids, address, length), ids, length)
        return {motor_id: self._read(motor_id, address, length) for motor_id in ids}

    def _wire_ns(self, motors: int, length: int) -> int:
        if not all(model.sync_read for model in self.models.values()):
            return _UNKNOWN_NS
        request = packet.SYNC_READ_OVERHEAD + motors
        replies = motors * (length + packet.STATUS_OVERHEAD)
        return (request + replies) * packet.BITS_PER_BYTE * NS_PER_S // self.port.baudrate

    def _sync_write(self, address: int, data: Mapping[int, bytes]) -> None:
        self.port.flush_input()
        self.port.write(packet.sync_write(address, data))

    def _exchange(self, request: bytes, ids: Sequence[int], length: int) -> dict[int, Reply]:
        size = len(ids) * (length + packet.STATUS_OVERHEAD)

        def find(received: bytes) -> dict[int, Reply]:
            return self._replies(self._behind_echo(received, request), ids, length)

        expected = size + len(request) if self._echoes else size
        received, replies = self._ask(request, expected, find)
        if replies is None:
            rest = self._behind_echo(received, request)
            if len(rest) >= size:
                raise BusCorruptError(f'no reply of {self._labels(ids)} in {rest.hex(" ")}')
            return find(received)
        if self._echoes is None:
            self._echoes = request in received
        return replies

    def _fence(self, motor_id: int, length: int) -> None:
        request = packet.read(motor_id, 0, length)
        size = length + packet.STATUS_OVERHEAD

        # Echoes need no care: as a status, none is of a fence's length.
        def find(received: bytes) -> dict[int, Reply]:
            return self._replies(received, [motor_id], length)

        received, replies = self._ask(request, size, find)
        if replies is None:
            if len(received) > packet.STATUS_OVERHEAD and not packet.holds_any(received):
                said = f'no reply of {self._labels([motor_id])} in {received.hex(" ")}'
                raise BusCorruptError(said)
            raise BusTimeoutError(f'no reply from {self._labels([motor_id])}')
        self._echoes = bool(self._echoes) or request in received

    def _ask(
        self, request: bytes, size: int, find: Callable[[bytes], dict[int, Reply]]
    ) -> tuple[bytes, dict[int, Reply] | None]:
        """Send a request; return what came, and the replies found in it, if any."""
        self.port.flush_input()
        self.port.write(request)
        end_ns = self.clock.monotonic_ns() + round(self.settings.timeout_s * NS_PER_S)
        received, wanted = b'', size
        while True:
            chunk = self.port.read(wanted, self.settings.timeout_s)
            received += chunk
            with contextlib.suppress(BusTimeoutError):
                return received, find(received)
            over = len(received) > size + MAX_NOISE or self.clock.monotonic_ns() > end_ns
            if over or len(chunk) < wanted:
                return received, None
            # Something else came in front: late replies of others, noise, an echo.
            wanted = 1

    def _behind_echo(self, received: bytes, request: bytes) -> bytes:
        """Return what came behind the request's echo, or all when the adapter has none.

        Until the first fence tells, an echo is taken for one: a read's is like a status.
        """
        if self._echoes is False:
            return received
        _, echo, behind = received.partition(request)
        return behind if echo or self._echoes else received

    def _replies(self, received: bytes, ids: Sequence[int], length: int) -> dict[int, Reply]:
        position = 0
        replies, missing, damaged = {}, [], []
        for motor_id in ids:
            try:
                status, position = packet.find_status(received, motor_id, length, position)
            except BusTimeoutError:
                missing.append(motor_id)
            except BusCorruptError:
                damaged.append(motor_id)
            else:
                replies[motor_id] = Reply(status.parameters, status.code)
        if damaged:
            raise BusCorruptError(f'damaged reply from {self._labels(damaged)}')
        if missing:
            raise BusTimeoutError(f'no reply, or only part of one, from {self._labels(missing)}')
        return replies
