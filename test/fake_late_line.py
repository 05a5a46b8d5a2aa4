"""Servos behind a line that is late, deaf or garbled at times; each reply tells its request.

Host, adapter and bus keep the order of what passes them, as the real ones do; nothing else
is certain. Whatever is read holds the number of the request that it answers, but for the
model number.
"""

from __future__ import annotations

from dataclasses import dataclass

PING, READ, WRITE, SYNC_READ, SYNC_WRITE = 1, 2, 3, 0x82, 0x83
MODEL = 3


@dataclass(frozen=True)
class Fate:
    """What becomes of one request.

    Attributes:
        outward: how long it is under way to the servos [s].
        back: how long its reply is under way [s].
        lost: whether it never gets to the servos.
        deaf: this servo does not answer it.
        garbled: this servo's reply comes with a wrong checksum.
    """

    outward: float = 0.0
    back: float = 0.001
    lost: bool = False
    deaf: int = 0
    garbled: int = 0


class LateLine:
    """A port on a manual clock; the last fate is that of all further requests."""

    def __init__(self, clock, fates, *, ids=(1, 2, 3), echo=False, model=777, order='little'):
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
        assert (sum(data[2:]) & 0xFF) == 0xFF, 'checksum'
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

    def _serve(self, data, fate):
        number, instruction, parameters = data[2], data[4], data[5:-1]
        asked, content = [number], b''
        if instruction == SYNC_READ:
            asked, content = parameters[2:], self._content(*parameters[:2])
        elif instruction == SYNC_WRITE:
            asked = []
        elif instruction == READ:
            content = self._content(*parameters)
        elif instruction == WRITE and number in self.ids:
            self.executed[len(self.requests)] = self._outward
        return b''.join(
            self._status(each, content, each == fate.garbled)
            for each in asked
            if each in self.ids and each != fate.deaf
        )

    def _content(self, address, length):
        number = len(self.requests)
        if length == 1:
            return bytes([number & 0xFF])
        value = self.model if (address, length) == (MODEL, 2) else number
        return (value.to_bytes(2, self.order) * length)[:length]

    def _status(self, number, content, garbled):
        body = bytes([number, len(content) + 2, 0]) + content
        total = ~sum(body) & 0xFF
        return b'\xff\xff' + body + bytes([total ^ (0x55 if garbled else 0)])
