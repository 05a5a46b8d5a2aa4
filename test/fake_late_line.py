"""Servos behind a line that is late, deaf or garbled at times; each reply tells its request.

Host, adapter and bus keep the order of what passes them, as the real ones do; nothing else
is certain. Whatever is read holds the number of the request that it answers, but for the
model number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import bus_frames2

PING, READ, WRITE, SYNC_READ, SYNC_WRITE, FAST = 1, 2, 3, 0x82, 0x83, 0x8A
ACCESS_ERROR, ALERT = 7, 0x80


class Asked(NamedTuple):
    """A request, taken apart; ``rest`` is what is behind address and length."""

    id: int
    instruction: int
    address: int
    length: int
    rest: bytes


class Protocol1:
    """Frames of Feetech's servos."""

    refuses = False
    model_address = 3

    def parse(self, data):
        assert (sum(data[2:]) & 0xFF) == 0xFF, 'checksum'
        address, length = [*data[5:-1], 0, 0][:2]
        return Asked(data[2], data[4], address, length, data[7:-1])

    def status(self, number, content, error=0):
        body = bytes([number, len(content) + 2, error]) + content
        return b'\xff\xff' + body + bytes([~sum(body) & 0xFF])

    def pong(self, model):
        return b''


class Protocol2:
    """Frames of Dynamixels."""

    refuses = True
    model_address = 0

    def parse(self, data):
        number, instruction, parameters = bus_frames2.parse(bytes(data))
        padded = parameters + bytes(4)
        address, length = bus_frames2.word(padded), bus_frames2.word(padded, 2)
        return Asked(number, instruction, address, length, parameters[4:])

    def status(self, number, content, error=0):
        return bus_frames2.status(number, content, error)

    def pong(self, model):
        return model.to_bytes(2, 'little') + b'\x2e'


@dataclass(frozen=True)
class Fate:
    """What becomes of one request.

    Attributes:
        outward: how long it is under way to the servos [s].
        back: how long its reply is under way [s].
        lost: whether it never gets to the servos.
        deaf: this servo does not answer it.
        garbled: this servo's reply comes with a wrong checksum.
        refused: this servo refuses a write, if its kind does that.
        alert: its error byte tells of an error of its hardware, with all replies.
    """

    outward: float = 0.0
    back: float = 0.001
    lost: bool = False
    deaf: int = 0
    garbled: int = 0
    refused: int = 0
    alert: bool = False


class LateLine:
    """A port on a manual clock; the last fate is that of all further requests."""

    def __init__(
        self, clock, fates, *, ids=(1, 2, 3), echo=False, model=777, order='little', codec=None
    ):
        self.codec = codec or Protocol1()
        self.name = '/dev/late'
        self.baudrate = 1_000_000
        self.clock = clock
        self.fates = list(fates)
        self.ids = set(ids)
        self.echo = echo
        self.order = order
        self.model = model
        self.opened = False
        self.requests = []
        self.executed = {}
        """Number of a write -> when it took effect."""
        self._outward = self._back = 0.0
        self._coming = []
        self._input = bytearray()

    @property
    def is_open(self):
        return self.opened

    def open(self):
        self.opened = True

    def close(self):
        self.opened = False

    def flush_input(self):
        self._receive()
        self._input.clear()

    def write(self, data):
        self.requests.append(bytes(data))
        fate = self.fates.pop(0) if len(self.fates) > 1 else self.fates[0]
        self._outward = max(self._outward, self._now + fate.outward)
        if self.echo:
            self._send(self._outward, data)
        if not fate.lost:
            self._send(self._outward + fate.back, self._serve(data, fate))

    def read(self, size, timeout_s):
        assert timeout_s > 0
        end = self._now + timeout_s
        self._receive()
        while len(self._input) < size and self._coming and self._coming[0][0] <= end:
            self._wait_until(self._coming[0][0])
            self._receive()
        if len(self._input) < size:
            self._wait_until(end)
        data = bytes(self._input[:size])
        del self._input[:size]
        return data

    @property
    def _now(self):
        return self.clock.monotonic_ns() / 1e9

    def _wait_until(self, when):
        self.clock.advance(max(when - self._now, 0.0) + 1e-9)

    def _send(self, when, data):
        self._back = max(self._back, when)
        self._coming.append((self._back, bytes(data)))

    def _receive(self):
        while self._coming and self._coming[0][0] <= self._now:
            self._input += self._coming.pop(0)[1]

    def parse(self, number):
        """Return the request of a number, counted from 1, taken apart."""
        return self.codec.parse(self.requests[number - 1])

    def _serve(self, data, fate):
        asked = self.codec.parse(data)
        ids, content, error = [asked.id], b'', ALERT if fate.alert else 0
        if asked.instruction == FAST:
            return self._fast(asked, fate)
        if asked.instruction == SYNC_READ:
            ids, content = asked.rest, self._content(asked.address, asked.length)
        elif asked.instruction == SYNC_WRITE:
            ids = []
        elif asked.instruction == READ:
            content = self._content(asked.address, asked.length)
        elif asked.instruction == PING:
            content = self.codec.pong(self.model)
        elif fate.refused == asked.id and self.codec.refuses:
            error |= ACCESS_ERROR
        elif asked.id in self.ids:
            self.executed[len(self.requests)] = self._outward
        return b''.join(
            self._status(each, content, error, each == fate.garbled)
            for each in ids
            if each in self.ids and each != fate.deaf
        )

    def _fast(self, asked, fate):
        content, error = self._content(asked.address, asked.length), ALERT if fate.alert else 0
        made = bytearray(bus_frames2.fast_status([(each, content, error) for each in asked.rest]))
        absent = [
            at for at, each in enumerate(asked.rest) if each not in self.ids or each == fate.deaf
        ]
        if absent:
            return bytes(made[: 8 + absent[0] * (asked.length + 4) if absent[0] else 0])
        made[-1] ^= 0x55 if fate.garbled in asked.rest else 0
        return bytes(made)

    def _content(self, address, length):
        number = len(self.requests)
        if length == 1:
            return bytes([number & 0xFF])
        is_model = (address, length) == (self.codec.model_address, 2)
        value = self.model if is_model else number
        return (value.to_bytes(2, self.order) * length)[:length]

    def _status(self, number, content, error, garbled):
        made = bytearray(self.codec.status(number, content, error))
        made[-1] ^= 0x55 if garbled else 0
        return bytes(made)
