"""A half-duplex bus of simulated servos: requests in, timed replies out.

A pseudo-terminal moves bytes at once, so what a wire and a USB adapter take is added
here: ten bits per byte at the host's baud rate, and the adapter's latency on the reply.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.sim import wire, wire2
from lerobot_drivers.sim.alerts import Alerts
from lerobot_drivers.sim.faults import BusFaults
from lerobot_drivers.sim.wire import BROADCAST_ID, FeetechWire, Request, Wire
from lerobot_drivers.sim.wire2 import FastStatus

ADAPTER_LATENCY_NS = 1_000_000
_BITS_PER_BYTE = 10
_FIRST_WRITES = 4000
_LAST_WRITES = 4000


_BULK_HEAD = struct.Struct('<BHH')
_Read = tuple[int, int, int]
"""Id, address, length."""
_Write = tuple[int, int, bytes]
"""Id, address, data."""
Answer = Callable[[], tuple[int, bytes]]
"""Makes error and parameters of a status, at the moment it begins on the wire."""


class BusServo(Protocol):
    """A servo as its bus sees it."""

    @property
    def id(self) -> int:
        """The id it answers to."""
        ...

    @property
    def shadowed_id(self) -> int:
        """The id whose writes it obeys too, without an answer; its own if there is none."""
        ...

    @property
    def baud(self) -> int:
        """The baud rate it listens at."""
        ...

    @property
    def answers_writes(self) -> bool:
        """Whether it confirms more than reads and pings (status level)."""
        ...

    @property
    def ping_reply(self) -> bytes:
        """What it answers to a ping."""
        ...

    def knows(self, request: Request) -> bool:
        """Whether it knows such a request; else it is not for it."""
        ...

    @property
    def alerts(self) -> Alerts:
        """What it complains about."""
        ...

    def read(self, address: int, size: int) -> bytes:
        """Return registers as they are now."""
        ...

    def write(self, address: int, data: bytes) -> int:
        """Write registers and act on them; return the error, 0 for none."""
        ...

    def power_cycle(self) -> None:
        """Start anew."""
        ...


@dataclass(frozen=True)
class Reply:
    """Bytes for the host.

    Attributes:
        data: one or more status packets; may be empty.
        due_ns: when they reach the host.
    """

    data: bytes
    due_ns: int


@dataclass(frozen=True)
class RegisterWrite:
    """One write that a servo has taken.

    Attributes:
        stamp_ns: when it took effect.
        id: which servo.
        address: first register.
        data: the bytes.
    """

    stamp_ns: int
    id: int
    address: int
    data: bytes

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            'stamp_ns': self.stamp_ns,
            'id': self.id,
            'address': self.address,
            'data': list(self.data),
        }


class ServoBus:
    """Servos on one wire.

    Attributes:
        faults: what goes wrong.
        servos: those that are plugged in.

    Args:
        servos: all of them.
        advance: lets the servos' time pass up to a moment [ns].
        codec: how they speak.
    """

    def __init__(
        self,
        servos: Sequence[BusServo],
        advance: Callable[[int], None],
        codec: Wire | None = None,
    ) -> None:
        self._codec = codec or FeetechWire()
        self.faults = BusFaults()
        self.servos = servos
        self._advance = advance
        self._registered: dict[int, tuple[int, bytes]] = {}
        self._first: list[RegisterWrite] = []
        self._last: deque[RegisterWrite] = deque(maxlen=_LAST_WRITES)

    @property
    def writes(self) -> list[RegisterWrite]:
        """The first and the latest thousands of register writes, in order."""
        return [*self._first, *self._last]

    def transact(self, request: Request, received_ns: int, baud: int) -> Reply:
        """Obey a request.

        Each servo's registers are read at the moment its reply begins on the wire.

        Args:
            request: what the host asks.
            received_ns: when its first byte left the host [ns].
            baud: at which rate.
        """
        byte_ns = _BITS_PER_BYTE * NS_PER_S // max(baud, 1)
        now_ns = received_ns + request.size * byte_ns
        self._advance(now_ns)
        listeners = [s for s in self.servos if s.baud == baud and s.knows(request)]
        replies = []
        encode = self._codec.encode_status
        if _is_fast(request):
            encode = FastStatus([size for _, _, size in _reads(request)]).encode
        for servo_id, answer in self._obey(request, listeners, now_ns):
            self._advance(now_ns)
            status = encode(servo_id, *answer())
            now_ns += len(status) * byte_ns
            replies.append(self.faults.spoil(servo_id, status))
        if not replies:
            return Reply(b'', now_ns)
        late_ns = ADAPTER_LATENCY_NS + round(self.faults.delay() * NS_PER_S)
        return Reply(self.faults.stray() + b''.join(replies), now_ns + late_ns)

    def _obey(
        self, request: Request, listeners: list[BusServo], now_ns: int
    ) -> list[tuple[int, Answer]]:
        """Return the ids that answer, in order, and how to make each answer at its time.

        Who is given another id still answers with the old one, else LeRobot's
        ``setup-motors`` could not work.
        """
        kind = request.instruction
        if reads := _reads(request):
            return self._read_many(reads, listeners, _is_fast(request))
        if writes := _writes(request):
            self._write_many(writes, listeners, now_ns)
            return []
        asked = [s for s in listeners if request.id in (BROADCAST_ID, s.id)]
        if kind == wire.READ and request.length and request.id != BROADCAST_ID:
            where = request.address, request.length
            return [(s.id, _reader(s, *where)) for s in asked if self._talks(s)]
        if kind == wire.PING:
            return [(s.id, _answer(s, 0, s.ping_reply)) for s in asked if self._talks(s)]
        confirming = [s for s in asked if s.answers_writes and self._talks(s)]
        ids = {id(servo): servo.id for servo in confirming}
        errors = self._write_or_act(request, self._obeying(request, listeners), now_ns)
        if errors is None or request.id == BROADCAST_ID:
            return []
        return [(ids[id(s)], _answer(s, errors.get(id(s), 0))) for s in confirming]

    def _obeying(self, request: Request, listeners: list[BusServo]) -> list[BusServo]:
        """Return who does what is asked: also those that shadow the one who answers."""
        return [s for s in listeners if request.id in (BROADCAST_ID, s.id, s.shadowed_id)]

    def _write_or_act(
        self, request: Request, asked: list[BusServo], now_ns: int
    ) -> dict[int, int] | None:
        """Return the errors by servo, None if it was no instruction that writes."""
        kind, errors = request.instruction, {}
        if kind == wire.WRITE and request.data:
            for servo in asked:
                errors[id(servo)] = self._write(servo, request.address, request.data, now_ns)
        elif kind == wire.REG_WRITE and request.data:
            self._registered |= {id(s): (request.address, request.data) for s in asked}
        elif kind == wire.ACTION:
            for servo in asked:
                if (pending := self._registered.pop(id(servo), None)) is not None:
                    errors[id(servo)] = self._write(servo, *pending, now_ns)
        elif kind == wire2.REBOOT and request.word == 2:
            for servo in asked:
                servo.power_cycle()
        else:
            return None
        return errors

    def _read_many(
        self, reads: Sequence[_Read], listeners: list[BusServo], in_a_chain: bool
    ) -> list[tuple[int, Answer]]:
        """Return who answers; in a chain, those behind one that is silent wait for ever."""
        by_id = {servo.id: servo for servo in listeners if self._talks(servo)}
        answers = []
        for servo_id, address, size in reads:
            if servo_id in by_id:
                answers.append((servo_id, _reader(by_id[servo_id], address, size)))
            elif in_a_chain:
                break
        return answers

    def _write_many(
        self, writes: Sequence[_Write], listeners: list[BusServo], now_ns: int
    ) -> None:
        for servo_id, address, data in writes:
            for servo in listeners:
                if servo_id in (servo.id, servo.shadowed_id):
                    self._write(servo, address, data, now_ns)

    def _write(self, servo: BusServo, address: int, data: bytes, now_ns: int) -> int:
        """Return the error that the servo answers with, 0 for none."""
        entry = RegisterWrite(now_ns, servo.id, address, data)
        if len(self._first) < _FIRST_WRITES:
            self._first.append(entry)
        else:
            self._last.append(entry)
        return servo.write(address, data)

    def _talks(self, servo: BusServo) -> bool:
        return servo.id not in self.faults.silent


def _is_fast(request: Request) -> bool:
    return request.instruction in (wire2.FAST_SYNC_READ, wire2.FAST_BULK_READ)


def _reads(request: Request) -> list[_Read]:
    """Return what a request reads of several servos."""
    if request.instruction in (wire.SYNC_READ, wire2.FAST_SYNC_READ):
        return [(servo_id, request.address, request.length) for servo_id in request.items]
    if request.instruction in (wire2.BULK_READ, wire2.FAST_BULK_READ):
        return list(_BULK_HEAD.iter_unpack(request.parameters[: _whole(request, _BULK_HEAD.size)]))
    return []


def _whole(request: Request, size: int) -> int:
    return len(request.parameters) // size * size


def _writes(request: Request) -> list[_Write]:
    """Return what a request writes to several servos."""
    writes: list[_Write] = []
    if request.instruction == wire.SYNC_WRITE:
        size, items = request.length, request.items
        for start in range(0, len(items) - size, size + 1):
            writes.append((items[start], request.address, items[start + 1 : start + 1 + size]))
    elif request.instruction == wire2.BULK_WRITE:
        rest = request.parameters
        while len(rest) > _BULK_HEAD.size:
            servo_id, address, size = _BULK_HEAD.unpack_from(rest)
            end = _BULK_HEAD.size + size
            writes.append((servo_id, address, rest[_BULK_HEAD.size : end]))
            rest = rest[end:]
    return writes


def _reader(servo: BusServo, address: int, size: int) -> Answer:
    def answer() -> tuple[int, bytes]:
        data = servo.read(address, size)
        return servo.alerts.in_status, data

    return answer


def _answer(servo: BusServo, error: int, parameters: bytes = b'') -> Answer:
    return lambda: (error | servo.alerts.in_status, parameters)
