"""A half-duplex bus of simulated servos: requests in, timed replies out.

A pseudo-terminal moves bytes at once, so what a wire and a USB adapter take is added
here: ten bits per byte at the host's baud rate, and the adapter's latency on the reply.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.sim import wire
from lerobot_drivers.sim.faults import BusFaults
from lerobot_drivers.sim.servo import Servo
from lerobot_drivers.sim.wire import BROADCAST_ID, Request, encode_status

ADAPTER_LATENCY_NS = 1_000_000
_BITS_PER_BYTE = 10
_FIRST_WRITES = 4000
_LAST_WRITES = 4000


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

    Args:
        servos: all of them.
        advance: lets the servos' time pass up to a moment [ns].
    """

    def __init__(self, servos: Sequence[Servo], advance: Callable[[int], None]) -> None:
        self.faults = BusFaults()
        self._servos = servos
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
        listeners = [servo for servo in self._servos if servo.baud == baud]
        replies = []
        for servo_id, answer in self._obey(request, listeners, now_ns):
            self._advance(now_ns)
            status = encode_status(servo_id, 0, answer())
            now_ns += len(status) * byte_ns
            replies.append(self.faults.spoil(servo_id, status))
        if not replies:
            return Reply(b'', now_ns)
        late_ns = ADAPTER_LATENCY_NS + round(self.faults.delay() * NS_PER_S)
        return Reply(self.faults.stray() + b''.join(replies), now_ns + late_ns)

    def _obey(
        self, request: Request, listeners: list[Servo], now_ns: int
    ) -> list[tuple[int, Callable[[], bytes]]]:
        """Return the ids that answer, in order, and how to make each answer at its time.

        Who is given another id still answers with the old one, else LeRobot's
        ``setup-motors`` could not work.
        """
        parameters, kind = request.parameters, request.instruction
        if kind == wire.SYNC_READ and len(parameters) > 2:
            by_id = {servo.id: servo for servo in listeners}
            asked = [by_id[i] for i in parameters[2:] if i in by_id]
            return [(s.id, _reader(s, parameters)) for s in asked if self._talks(s)]
        if kind == wire.SYNC_WRITE and len(parameters) > 2:
            self._sync_write(parameters, listeners, now_ns)
            return []
        asked = [s for s in listeners if request.id in (BROADCAST_ID, s.id)]
        if kind == wire.READ and len(parameters) == 2 and request.id != BROADCAST_ID:
            return [(s.id, _reader(s, parameters)) for s in asked if self._talks(s)]
        if kind == wire.PING:
            return [(s.id, bytes) for s in asked if self._talks(s)]
        confirming = [s.id for s in asked if s.answers_writes and self._talks(s)]
        obeyed = self._write_or_act(request, asked, now_ns)
        if not obeyed or request.id == BROADCAST_ID:
            return []
        return [(servo_id, bytes) for servo_id in confirming]

    def _write_or_act(self, request: Request, asked: list[Servo], now_ns: int) -> bool:
        """Return whether it was one of the instructions that write."""
        parameters, kind = request.parameters, request.instruction
        if kind == wire.WRITE and len(parameters) > 1:
            for servo in asked:
                self._write(servo, parameters[0], parameters[1:], now_ns)
        elif kind == wire.REG_WRITE and len(parameters) > 1:
            self._registered |= {id(s): (parameters[0], parameters[1:]) for s in asked}
        elif kind == wire.ACTION:
            for servo in asked:
                if (pending := self._registered.pop(id(servo), None)) is not None:
                    self._write(servo, *pending, now_ns)
        else:
            return False
        return True

    def _sync_write(self, parameters: bytes, listeners: list[Servo], now_ns: int) -> None:
        address, size = parameters[0], parameters[1]
        by_id = {servo.id: servo for servo in listeners}
        for start in range(2, len(parameters) - size, size + 1):
            servo = by_id.get(parameters[start])
            if servo is not None:
                data = parameters[start + 1 : start + 1 + size]
                self._write(servo, address, data, now_ns)

    def _write(self, servo: Servo, address: int, data: bytes, now_ns: int) -> None:
        entry = RegisterWrite(now_ns, servo.id, address, data)
        if len(self._first) < _FIRST_WRITES:
            self._first.append(entry)
        else:
            self._last.append(entry)
        servo.write(address, data)

    def _talks(self, servo: Servo) -> bool:
        return servo.id not in self.faults.silent


def _reader(servo: Servo, parameters: bytes) -> Callable[[], bytes]:
    return lambda: servo.read(parameters[0], parameters[1])
