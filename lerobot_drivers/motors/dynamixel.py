"""The Dynamixel bus: the X series with protocol 2.0.

Order and values of what is written follow LeRobot (``motors/dynamixel/dynamixel.py``), so that an
arm behaves the same under both. In addition the goal is always seeded from the present position
before torque goes on.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import BusCorruptError, BusError, BusRefusedError
from lerobot_drivers.motors import packet2
from lerobot_drivers.motors.arm_bus import ArmBus, MotorHealth
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.motors.motors_bus import BusState, Reply
from lerobot_drivers.motors.packet_bus import BITS_PER_BYTE, PacketProtocol

VELOCITY_UNIT = 0.0239691227 / (2 * math.pi) * 4096
"""One count of Present_Velocity, by Robotis' ROS driver; 0.229 turns a minute [tick/s]."""
_PING_LENGTH = 3
_FAST_TRIES, _FAST_TRIAL_LENGTH = 2, 2
_DAMAGED_REQUEST = 3
_UNNAMED = 'hardware error'
_RESULTS = {
    1: 'it could not carry it out',
    2: 'it does not know the instruction',
    4: 'the value is out of range',
    5: 'the value has another length',
    6: 'the value is beyond a limit that was set',
    7: 'the register cannot be written now (persistent ones not while torque is on)',
}


class OperatingMode(IntEnum):
    """What a motor controls."""

    CURRENT = 0
    VELOCITY = 1
    POSITION = 3
    EXTENDED_POSITION = 4
    CURRENT_POSITION = 5
    PWM = 16


class HardwareError(IntFlag):
    """What a motor complains about; it needs a reboot before it moves again."""

    VOLTAGE = 1
    OVERHEAT = 4
    ENCODER = 8
    SHOCK = 16
    OVERLOAD = 32


class DynamixelMotorsBus(ArmBus):
    """Dynamixel servos behind one port.

    Attributes:
        is_fast: whether all motors share one status in answer to a sync-read; ``connect`` tries.
    """

    protocol: ClassVar[PacketProtocol] = packet2
    apply_drive_mode: ClassVar[bool] = False
    calibration_mode: ClassVar[int] = OperatingMode.EXTENDED_POSITION
    homing_sign: ClassVar[int] = -1
    baud_codes: ClassVar[Mapping[int, int]] = {
        1_000_000: 3, 57_600: 1, 115_200: 2, 2_000_000: 4, 3_000_000: 5, 4_000_000: 6, 9_600: 0,
    }  # fmt: skip
    ping_length: ClassVar[int] = _PING_LENGTH
    limit_registers: ClassVar[tuple[str, str, str]] = (
        'Temperature_Limit', 'Min_Voltage_Limit', 'Max_Voltage_Limit',
    )  # fmt: skip
    cure: ClassVar[str] = 'then switch its power off and on; until then it stays limp'
    is_fast = False
    _complaints: Mapping[str, str] = MappingProxyType({})

    def connect(self, first: Callable[[], None] = lambda: None) -> None:
        """Open the port, check the motors, find out how they may be read; see ``MotorsBus``."""
        super().connect(first)
        try:
            self.is_fast = self._try_fast()
        except BaseException:
            self.port.close()
            raise

    def firmware(self) -> dict[str, str]:
        """Return each motor's firmware version."""
        return {name: str(self.read('Firmware_Version', name)) for name in self.motors}

    def velocity_units(self) -> dict[str, float]:
        """Return what one count of Present_Velocity is, by motor [tick/s]."""
        return dict.fromkeys(self.motors, VELOCITY_UNIT)

    def effort(self, state: BusState) -> NDArray[np.float64]:
        """Return current or load as a signed fraction of the largest, shape (motors,)."""
        largest = [model.largest_effort for model in self.models.values()]
        return np.asarray(state.registers['Present_Current'] / np.array(largest, dtype=float))

    def read_state(self) -> BusState:
        """Read the state of all motors, and the causes of new alerts; see ``MotorsBus``."""
        state = super().read_state()
        alerted = self._alerted(state)
        if set(alerted) != set(self._complaints):
            with contextlib.suppress(BusError):
                named = self.hardware_errors(alerted)
                self._complaints = {name: named.get(name, _UNNAMED) for name in alerted}
        return state

    def motor_health(self, state: BusState) -> list[MotorHealth]:
        """Return what a state tells of each motor's health."""
        loads = self.effort(state)
        return [
            MotorHealth(
                voltage=int(state.registers['Present_Input_Voltage'][at]) / 10,
                temperature=float(state.registers['Present_Temperature'][at]),
                load=float(loads[at]),
                current=model.current_a(state.registers, at),
                errors=self._complaint(name, int(state.errors[at])),
            )
            for at, (name, model) in enumerate(self.models.items())
        ]

    def hardware_errors(self, motors: Sequence[str] | None = None) -> dict[str, str]:
        """Return what motors complain about, by motor; none are left out."""
        asked = self.motors if motors is None else motors
        bits = {name: self.read('Hardware_Error_Status', name) for name in asked}
        return {name: _names(found) for name, found in bits.items() if found}

    def read_calibration(self) -> dict[str, MotorCalibration]:
        """Return the calibration that the motors hold."""
        names = ('Drive_Mode', 'Homing_Offset', 'Min_Position_Limit', 'Max_Position_Limit')
        modes, offsets, lowest, highest = (self.sync_read(name) for name in names)
        return {
            name: MotorCalibration(
                id=motor.id,
                drive_mode=modes[name] & 1,
                homing_offset=offsets[name],
                range_min=lowest[name],
                range_max=highest[name],
            )
            for name, motor in self.motors.items()
        }

    def write_calibration(self, calibration: Mapping[str, MotorCalibration]) -> None:
        """Write a calibration into the motors; their torque goes off."""
        self.disable_torque()
        for name, entry in calibration.items():
            mode = self.read('Drive_Mode', name)
            self.write('Drive_Mode', name, mode & ~1 | entry.drive_mode)
            self.write('Homing_Offset', name, entry.homing_offset)
            self.write('Min_Position_Limit', name, entry.range_min)
            self.write('Max_Position_Limit', name, entry.range_max)

    def prepare(self, wanted: Mapping[str, Mapping[str, int]]) -> None:
        """Configure all motors, persistent registers and those that are forgotten without power.

        Args:
            wanted: motor -> register -> value, beside what is the same for all.
        """
        self.configure(
            {name: {'Return_Delay_Time': 0, **wanted.get(name, {})} for name in self.motors}
        )

    def disable_torque(self, motors: Sequence[str] | None = None) -> None:
        """Let motors go limp, which opens their persistent registers."""
        for motor in self.motors if motors is None else motors:
            self.write('Torque_Enable', motor, 0)

    def enable_torque(self, motors: Sequence[str] | None = None) -> None:
        """Let motors hold the position they are at.

        The goal is written, acknowledged, before torque: else a motor would run to whatever goal
        it was given last. A motor that fails does not keep the others.
        """
        self._tell_each(self.motors if motors is None else motors, self._hold)

    def lock(self) -> None:
        """Do nothing: these motors' persistent registers are closed by torque."""

    def reboot(self, motor: str) -> None:
        """Start a motor anew, which clears its hardware errors; its torque goes off.

        Raises:
            BusError: no valid reply after all retries.
        """
        self._one(motor, 'reboot', lambda id_: self._exchange(packet2.reboot(id_), [id_], 0)[id_])

    def _alerted(self, state: BusState) -> list[str]:
        if not (state.errors & packet2.ALERT).any():
            return []
        bits = zip(self.motors, state.errors.tolist(), strict=True)
        return [name for name, error in bits if error & packet2.ALERT]

    def _complaint(self, motor: str, error: int) -> str:
        if not error & packet2.ALERT:
            return 'none'
        return self._complaints.get(motor, _UNNAMED)

    def _hold(self, motor: str) -> None:
        self.write('Goal_Position', motor, self._seed(motor))
        self.write('Torque_Enable', motor, 1)

    def _seed(self, motor: str) -> int:
        """Return where a motor is, or the limit next to it where it refuses goals beyond."""
        present = self.read('Present_Position', motor)
        if self.read('Operating_Mode', motor) != OperatingMode.POSITION:
            return present
        lowest = self.read('Min_Position_Limit', motor)
        return min(max(present, lowest), self.read('Max_Position_Limit', motor))

    def _ping(self, motor_id: int) -> Reply:
        return self._exchange(packet2.ping(motor_id), [motor_id], _PING_LENGTH)[motor_id]

    def _sync_read(self, ids: Sequence[int], address: int, length: int) -> dict[int, Reply]:
        if not self.is_fast:
            return super()._sync_read(ids, address, length)

        def find(received: bytes) -> dict[int, Reply]:
            shares = packet2.find_fast_status(received, ids, length)
            return self._accepted({each.id: Reply(each.parameters, each.code) for each in shares})

        request = packet2.fast_sync_read(ids, address, length)
        return self._converse(request, ids, _fast_size(len(ids), length), find)

    def _wire_ns(self, motors: int, length: int) -> int:
        if not self.is_fast:
            return super()._wire_ns(motors, length)
        size = packet2.SYNC_READ_OVERHEAD + motors + _fast_size(motors, length)
        return size * BITS_PER_BYTE * NS_PER_S // self.port.baudrate

    def _try_fast(self) -> bool:
        """Return whether a fast sync-read is answered: firmware of old does not know it."""
        self.is_fast = True
        ids = [motor.id for motor in self.motors.values()]
        for _ in range(_FAST_TRIES):
            try:
                with self._lock:
                    self._settle(ids)
                    self._timed(ids, lambda: self._sync_read(ids, 0, _FAST_TRIAL_LENGTH), 0)
            except BusError:
                continue
            return True
        return False

    def _replies(self, received: bytes, ids: Sequence[int], length: int) -> dict[int, Reply]:
        return self._accepted(super()._replies(received, ids, length))

    def _accepted(self, replies: dict[int, Reply]) -> dict[int, Reply]:
        """Return replies if none of them is a refusal."""
        results = {id_: reply.error & packet2.RESULT_BITS for id_, reply in replies.items()}
        unheard = [id_ for id_, result in results.items() if result == _DAMAGED_REQUEST]
        if unheard:
            raise BusCorruptError(f'{self._labels(unheard)} received a damaged request')
        refused = [
            f'{self._labels([id_])}: {_RESULTS.get(result, f"it refused with error {result}")}'
            for id_, result in results.items()
            if result
        ]
        if refused:
            raise BusRefusedError('; '.join(refused))
        return replies


def _fast_size(motors: int, length: int) -> int:
    return packet2.FAST_OVERHEAD + motors * (length + packet2.FAST_SHARE)


def _names(bits: int) -> str:
    names = [error.name.lower() for error in HardwareError if error & bits and error.name]
    unknown = bits & ~sum(HardwareError)
    return ', '.join([*names, *([f'unknown 0x{unknown:02x}'] if unknown else [])])
