"""A bus of smart servos, by motor and register names.

What differs between protocols is a handful of primitives on ids, addresses and
bytes; a subclass has these. Here are names, values, retries, statistics and stamps.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import Clock, SystemClock
from lerobot_drivers.common.errors import (
    BusCorruptError,
    BusError,
    BusRefusedError,
    BusTimeoutError,
    ConfigError,
)
from lerobot_drivers.motors.bus_statistics import BusStatistics
from lerobot_drivers.motors.control_table import MotorModel, Register
from lerobot_drivers.motors.debts import Debt
from lerobot_drivers.motors.models import motor_model
from lerobot_drivers.motors.port import Port
from lerobot_drivers.motors.roll_call import roll_call


@dataclass(frozen=True)
class Motor:
    """One motor on a bus.

    Attributes:
        id: on the bus.
        model: LeRobot's name of its model.
        others: models that may stand in its place, with the same registers.
    """

    id: int
    model: str
    others: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[MotorModel, ...]:
        """All models that it may be."""
        return tuple(motor_model(name) for name in (self.model, *self.others))


@dataclass(frozen=True)
class BusSettings:
    """How patient a bus is.

    Attributes:
        timeout_s: how long one reply may take, on top of its time on the wire [s].
        num_retry: how often a failed transaction is repeated.
    """

    timeout_s: float = 0.1
    num_retry: int = 2


@dataclass(frozen=True)
class BusState:
    """The state registers of all motors, read in one go; arrays in motor order.

    Attributes:
        stamp_ns: the middle of the time on the wire, by the injected clock [ns].
        registers: register name -> decoded counts, shape (motors,).
        errors: error bits of each motor's reply, shape (motors,).
    """

    stamp_ns: int
    registers: Mapping[str, NDArray[np.int64]]
    errors: NDArray[np.int64]


@dataclass(frozen=True)
class Reply:
    """What one motor answered.

    Attributes:
        data: parameters of its status packet.
        error: its error bits.
    """

    data: bytes
    error: int = 0


@dataclass(frozen=True)
class _Timed:
    replies: Mapping[int, Reply]
    stamp_ns: int


class MotorsBus(ABC):
    """Motors behind one port.

    Attributes:
        port: behind which they are.
        motors: by name; this is the order of all arrays.
        models: by motor name; once connected, what they really are.
        statistics: what happened so far.
    """

    def __init__(
        self,
        port: Port,
        motors: Mapping[str, Motor],
        clock: Clock | None = None,
        settings: BusSettings | None = None,
    ) -> None:
        if len({motor.id for motor in motors.values()}) != len(motors):
            raise ConfigError(f'{port.name}: two motors have the same id: {dict(motors)}')
        self.port = port
        self.motors = dict(motors)
        self.models = {name: motor_model(motor.model) for name, motor in motors.items()}
        self.statistics = BusStatistics()
        self.settings = settings or BusSettings()
        self.clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._debts: dict[int, Debt] = {}
        self._shared: dict[tuple[str, ...], Register] = {}

    @property
    def is_connected(self) -> bool:
        """Whether the port is open and has not failed."""
        return self.port.is_open

    def connect(self, first: Callable[[], None] = lambda: None) -> None:
        """Open the port and check that every motor is there and of its model.

        Args:
            first: done as soon as the port is open, before any motor is asked.

        Raises:
            NotConnectedError: the port cannot be opened, or some motors are missing or
                of another model; all of them are named.
        """
        self.port.open()
        # What a former user of the port asked may be answered yet.
        self._debts = {motor.id: Debt(failed=False) for motor in self.motors.values()}
        try:
            first()
            self._check_motors()
        except BaseException:
            self.port.close()
            raise

    def disconnect(self) -> None:
        """Close the port; torque stays as it is."""
        with self._lock:
            self.port.close()

    def ping(self, motor: str) -> int | None:
        """Return a motor's model number, or None if it does not answer.

        Raises:
            DeviceError: the device was unplugged.
        """
        try:
            self._one(motor, 'ping', lambda id_: self._ping(id_))
            return self.read('Model_Number', motor)
        except BusError:
            return None

    def read(self, register: str, motor: str) -> int:
        """Read one register of one motor.

        Raises:
            BusError: no valid reply after all retries.
            DeviceError: the device was unplugged.
        """
        model = self.models[motor]
        where = model.register(register)
        reply = self._one(
            motor,
            f'read {register}',
            lambda id_: self._read(id_, where.address, where.size),
        )
        return where.decode(reply.data, model.byte_order)

    def write(self, register: str, motor: str, value: int) -> None:
        """Write one register of one motor, which acknowledges it.

        Raises:
            BusError: no valid reply after all retries.
            DeviceError: the device was unplugged.
        """
        model = self.models[motor]
        where = model.register(register)
        data = where.encode(value, model.byte_order)
        self._one(motor, f'write {register}', lambda id_: self._write(id_, where.address, data))

    def sync_read(self, register: str, motors: Sequence[str] | None = None) -> dict[str, int]:
        """Read one register of several motors in one transaction.

        Raises:
            BusError: no valid reply from all of them after all retries.
            DeviceError: the device was unplugged.
        """
        names = list(self.motors if motors is None else motors)
        where = self._common_register(register, names)
        timed = self._many(names, f'read {register}', where.address, where.size)
        return {
            name: where.decode(
                timed.replies[self.motors[name].id].data, self.models[name].byte_order
            )
            for name in names
        }

    def sync_write(self, register: str, values: Mapping[str, int]) -> None:
        """Write one register of several motors at once; none of them acknowledges it.

        Raises:
            DeviceError: the device was unplugged.
        """
        if not values:
            return
        where = self._common_register(register, list(values))
        data = {
            self.motors[name].id: where.encode(value, self.models[name].byte_order)
            for name, value in values.items()
        }
        with self._lock:
            self._sync_write(where.address, data)

    def read_state(self) -> BusState:
        """Read the state block of all motors, in one transaction where they can do that.

        Raises:
            BusError: no valid reply from all of them after all retries.
            DeviceError: the device was unplugged.
        """
        names = list(self.motors)
        model = self.models[names[0]]
        start, length = model.state_block
        timed = self._many(names, 'read the state', start, length)
        replies = [timed.replies[self.motors[name].id] for name in names]
        registers = model.decode_state([reply.data for reply in replies])
        errors = np.array([reply.error for reply in replies], dtype=np.int64)
        return BusState(timed.stamp_ns, registers, errors)

    @abstractmethod
    def disable_torque(self, motors: Sequence[str] | None = None) -> None:
        """Let motors go limp and unlock their persistent registers."""

    @abstractmethod
    def enable_torque(self, motors: Sequence[str] | None = None) -> None:
        """Let motors hold the position they are at."""

    @abstractmethod
    def _ping(self, motor_id: int) -> Reply:
        """Return a motor's bare status."""

    @abstractmethod
    def _read(self, motor_id: int, address: int, length: int) -> Reply:
        """Return bytes of one motor."""

    @abstractmethod
    def _write(self, motor_id: int, address: int, data: bytes) -> Reply:
        """Write bytes of one motor; return its acknowledgement."""

    @abstractmethod
    def _fence(self, motor_id: int, length: int) -> None:
        """Have a motor answer with so many bytes, and pass over all else that comes."""

    @abstractmethod
    def _sync_read(self, ids: Sequence[int], address: int, length: int) -> dict[int, Reply]:
        """Return the same bytes of several motors."""

    @abstractmethod
    def _wire_ns(self, motors: int, length: int) -> int:
        """Return how long the wire is busy with a sync-read of ``length`` bytes [ns]."""

    @abstractmethod
    def _sync_write(self, address: int, data: Mapping[int, bytes]) -> None:
        """Write the same bytes of several motors, unacknowledged."""

    def _one(self, motor: str, what: str, ask: Callable[[int], Reply]) -> Reply:
        motor_id = self.motors[motor].id
        replies = self._transact([motor], what, lambda: {motor_id: ask(motor_id)})
        return replies.replies[motor_id]

    def _many(self, names: Sequence[str], what: str, address: int, length: int) -> _Timed:
        """Read of all who know a sync-read together, and of the others one by one."""
        together = [name for name in names if self.models[name].sync_read]
        apart = [[name] for name in names if not self.models[name].sync_read]
        groups = [*([together] if together else []), *apart]
        timed = [self._group(group, what, address, length) for group in groups]
        replies = {id_: reply for each in timed for id_, reply in each.replies.items()}
        return _Timed(replies, (timed[0].stamp_ns + timed[-1].stamp_ns) // 2)

    def _group(self, names: Sequence[str], what: str, address: int, length: int) -> _Timed:
        ids = [self.motors[name].id for name in names]
        wire_ns = self._wire_ns(len(ids), length)

        def ask() -> Mapping[int, Reply]:
            if self.models[names[0]].sync_read:
                return self._sync_read(ids, address, length)
            return {ids[0]: self._read(ids[0], address, length)}

        return self._transact(names, what, ask, wire_ns)

    def _transact(
        self,
        names: Sequence[str],
        what: str,
        ask: Callable[[], Mapping[int, Reply]],
        wire_ns: int = 0,
    ) -> _Timed:
        ids = [self.motors[name].id for name in names]
        with self._lock:
            for attempt in range(self.settings.num_retry + 1):
                self.statistics.retries += attempt > 0
                try:
                    self._settle(ids)
                    return self._timed(ids, ask, wire_ns)
                except BusTimeoutError as error:
                    self.statistics.timeouts += 1
                    failure: BusError = error
                except BusCorruptError as error:
                    self.statistics.corrupt += 1
                    failure = error
                except BusRefusedError as error:
                    raise self._refused(names, what, error) from error
            self.statistics.failures += 1
            raise self._give_up(names, what, failure) from failure

    def _settle(self, ids: Sequence[int]) -> None:
        """Prove that these motors owe no reply; what is proved stays so if one fails."""
        for motor_id in ids:
            debt = self._debts.get(motor_id)
            while debt is not None:
                debt = self._debts[motor_id] = debt.sent()
                self._fence(motor_id, debt.length)
                self.statistics.resynchronized += debt.failed and debt.copies == 1
                debt = debt.answered()
            self._debts.pop(motor_id, None)

    def _timed(
        self, ids: Sequence[int], ask: Callable[[], Mapping[int, Reply]], wire_ns: int
    ) -> _Timed:
        """Ask, and stamp the answer with the middle of the transaction on the wire.

        What it takes longer, the adapter and the scheduler took after the motors had answered:
        the middle until the last byte was read would come late by half of that.
        """
        before, start = self.clock.now_ns(), self.clock.monotonic_ns()
        # Before it is asked, so that whoever interrupts us leaves the debt behind.
        self._debts.update(dict.fromkeys(ids, Debt()))
        replies = ask()
        for motor_id in ids:
            self._debts.pop(motor_id, None)
        duration = self.clock.monotonic_ns() - start
        self.statistics.succeeded(duration)
        return _Timed(replies, before + min(duration, wire_ns) // 2)

    def _labels(self, ids: Sequence[int]) -> str:
        names = {motor.id: name for name, motor in self.motors.items()}
        return ', '.join(f'{names[motor_id]} (id {motor_id})' for motor_id in ids)

    def _refused(self, names: Sequence[str], what: str, error: BusRefusedError) -> BusRefusedError:
        self.statistics.failures += 1
        for name in names:
            # It did answer.
            self._debts.pop(self.motors[name].id, None)
        return BusRefusedError(f'{self.port.name}: could not {what}: {error}')

    def _give_up(self, names: Sequence[str], what: str, failure: BusError) -> BusError:
        asked = ', '.join(names) if len(names) < len(self.motors) else 'all motors'
        return type(failure)(
            f'{self.port.name}: could not {what} of {asked} in '
            f'{self.settings.num_retry + 1} tries: {failure}; check power and cables'
        )

    def _common_register(self, register: str, names: Sequence[str]) -> Register:
        key = (register, *names)
        if key not in self._shared:
            found = {self.models[name].register(register) for name in names}
            if len(found) != 1:
                raise ConfigError(f'{register} lies elsewhere in some of {", ".join(names)}')
            self._shared[key] = found.pop()
        return self._shared[key]

    def _check_motors(self) -> None:
        ids = {name: motor.id for name, motor in self.motors.items()}
        accepted = {name: motor.models for name, motor in self.motors.items()}
        numbers = {name: self.ping(name) for name in self.motors}
        self.models = roll_call(self.port.name, ids, accepted, numbers)
