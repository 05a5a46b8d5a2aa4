"""Giving motors their ids: one motor at a time is found, whatever id and rate it has.

As LeRobot's ``setup_motor`` does it (``motors/motors_bus.py``). In addition all rates are looked
at, so that a second motor is noticed, and what was written is read back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lerobot_drivers.common.errors import (
    BusCorruptError,
    BusError,
    BusTimeoutError,
    NotConnectedError,
)
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.motors.models import model_name
from lerobot_drivers.motors.motors_bus import BusSettings
from lerobot_drivers.motors.port import Port
from lerobot_drivers.robots.arm_plan import ArmPlan, JointPlan

BAUDRATE = 1_000_000
"""At which all arms of LeRobot's talk [bit/s]."""
WAIT_S = 0.8
"""Motors that are all asked at once answer one after the other, 3 ms for each id [s]."""
OF_SETUP = {'Secondary_ID'}
"""Registers of a plan that decide, as ids do, who obeys on the bus."""
_PACES = 200
"""Where each id is asked alone, a motor that has it answers in this share of that time."""
_BROADCAST = 254
_MOST_BYTES = 4096
_ONCE = BusSettings(num_retry=0)


@dataclass(frozen=True)
class FoundMotor:
    """A motor that answered.

    Attributes:
        id: with which it did.
        baudrate: at which it did [bit/s].
    """

    id: int
    baudrate: int

    def __str__(self) -> str:
        return f'id {self.id} at {self.baudrate} baud'


class MotorSetup:
    """Sets the motors of one arm up.

    Args:
        port: to which one motor after the other is connected; closed in between.
        plan: of the arm.
        wait_s: how long answers are waited for at each rate [s].
    """

    def __init__(self, port: Port, plan: ArmPlan, wait_s: float = WAIT_S) -> None:
        self._port = port
        self._plan = plan
        self._wait_s = wait_s
        self._done: dict[int, str] = {}

    @property
    def joints(self) -> tuple[JointPlan, ...]:
        """The joints in the order in which their motors are set up: last first, wheels last."""
        return (*self._plan.arm_servos[::-1], *self._plan.wheels[::-1])

    def find(self) -> list[FoundMotor]:
        """Return all motors that answer, at whatever rate.

        Motors that do not hear a ping to all are asked id by id, as LeRobot does, and at other
        rates only if none answers at the usual one.

        Raises:
            NotConnectedError: the port cannot be opened.
            DeviceError: the adapter was unplugged.
        """
        found = self._at(BAUDRATE)
        for baudrate in self._plan.bus.baud_codes:
            if baudrate != BAUDRATE and (self._hears_all or not found):
                # Not every adapter knows every rate.
                with contextlib.suppress(NotConnectedError):
                    found += self._at(baudrate)
        return found

    def problem(self, joint: JointPlan, found: Sequence[FoundMotor]) -> str:
        """Return why what was found is not the one motor of a joint; empty if it is."""
        if not found:
            return 'no motor answers; is it connected, and is the power on?'
        if len(found) > 1:
            answers = ', '.join(map(str, found))
            return f'more than one motor answers: {answers}; connect the {joint.name} motor only'
        (motor,) = found
        if motor.id in self._done:
            return (
                f'the motor of {self._done[motor.id]} answers (id {motor.id}); '
                f'connect the {joint.name} motor only'
            )
        with self._connected(joint, motor) as bus:
            number = bus.read('Model_Number', joint.name)
        if number not in {model.number for model in joint.motor.models}:
            wanted = ' or '.join(model.name for model in joint.motor.models)
            order = joint.motor.models[0].byte_order
            return (
                f'this is a {model_name(number, order)}, but the '
                f'{joint.name} of {self._plan.what} has a {wanted}'
            )
        return ''

    def assign(self, joint: JointPlan, motor: FoundMotor) -> None:
        """Give a motor the id of a joint and the rate of the arm, and check that it has them.

        Raises:
            BusError: it does not answer, or did not take them.
        """
        name, wanted = joint.name, FoundMotor(joint.motor.id, BAUDRATE)
        code = self._plan.bus.baud_codes[BAUDRATE]
        with self._connected(joint, motor) as bus:
            bus.disable_torque([name])
            for register in OF_SETUP & joint.registers.keys():
                bus.write(register, name, joint.registers[register])
            # With which id, or at which rate, it confirms a change of that differs by model.
            with contextlib.suppress(BusError):
                bus.write('ID', name, wanted.id)
        moved = FoundMotor(wanted.id, motor.baudrate)
        with self._connected(joint, moved) as bus, contextlib.suppress(BusError):
            bus.write('Baud_Rate', name, code)
        with self._connected(joint, wanted, BusSettings()) as bus:
            held = bus.read('ID', name), bus.read('Baud_Rate', name)
            bus.lock()
        if held != (wanted.id, code):
            raise BusCorruptError(
                f'{name}: the motor holds id {held[0]} and baud code {held[1]}, '
                f'not {wanted.id} and {code}; set it up again'
            )
        self._done[wanted.id] = name

    @property
    def _hears_all(self) -> bool:
        return all(joint.motor.models[0].broadcast_ping for joint in self._plan.joints)

    def _at(self, baudrate: int) -> list[FoundMotor]:
        ping = self._plan.bus.protocol.ping
        self._port.baudrate = baudrate
        self._port.open()
        try:
            self._port.flush_input()
            received = b''
            for motor_id in () if self._hears_all else range(_BROADCAST):
                self._port.write(ping(motor_id))
                received += self._port.read(_MOST_BYTES, self._wait_s / _PACES)
            if self._hears_all:
                self._port.write(ping(_BROADCAST))
            received += self._port.read(_MOST_BYTES, self._wait_s)
        finally:
            self._port.close()
        return [FoundMotor(motor_id, baudrate) for motor_id in self._answers(received)]

    def _answers(self, received: bytes) -> Iterator[int]:
        """Yield the ids in answers to a ping, one that two motors have twice."""
        bus = self._plan.bus
        for motor_id in range(_BROADCAST):
            at = 0
            with contextlib.suppress(BusTimeoutError, BusCorruptError):
                while True:
                    _, at = bus.protocol.find_status(received, motor_id, bus.ping_length, at)
                    yield motor_id

    @contextlib.contextmanager
    def _connected(
        self, joint: JointPlan, motor: FoundMotor, settings: BusSettings = _ONCE
    ) -> Iterator[ArmBus]:
        """Yield a bus of one motor as it was found."""
        self._port.baudrate = motor.baudrate
        motors = {joint.name: replace(joint.motor, id=motor.id)}
        bus = self._plan.bus(self._port, motors, settings=settings)
        self._port.open()
        try:
            yield bus
        finally:
            self._port.close()
