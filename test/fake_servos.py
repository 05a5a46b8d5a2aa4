"""Scripted servos behind a fake port: memory per id, a log of writes, faults on demand.

It has a codec of its own, so that the driver's is not tested with itself.
"""

from __future__ import annotations

from lerobot_drivers.common.errors import DeviceError


class FakeServos:
    """A port with servos behind it."""

    def __init__(self, ids=range(1, 7), model=777, clock=None):
        self.name = '/dev/fake'
        self.baudrate = 1_000_000
        self.memory = {number: bytearray(128) for number in ids}
        for number, memory in self.memory.items():
            memory[0:2] = bytes([3, 10])
            memory[3:5] = model.to_bytes(2, 'little')
            memory[5] = number
            memory[8] = 1
            memory[9:13] = (0).to_bytes(2, 'little') + (4095).to_bytes(2, 'little')
            memory[18] = 12
            memory[55] = 1
            memory[56:58] = (2000 + 10 * number).to_bytes(2, 'little')
            memory[62:64] = bytes([74, 30])
        self.clock = clock
        self.seconds_per_reply = 0.0
        self.open_error = None
        self.unplugged = False
        self.silent = set()
        self.ignored_requests = 0
        self.corrupt_replies = 0
        self.prefix = b''
        self.echo = False
        self.stale = b''
        self.writes = []
        self.requests = []
        self.flushes = 0
        self.opened = False
        self._input = bytearray()

    @property
    def is_open(self):
        return self.opened

    def open(self):
        if self.open_error:
            raise self.open_error
        self.opened = True

    def close(self):
        self.opened = False

    def flush_input(self):
        self._check()
        self.flushes += 1
        self._input.clear()

    def write(self, data):
        self._check()
        self.requests.append(bytes(data))
        assert data[:2] == b'\xff\xff' and len(data) == data[3] + 4
        assert (sum(data[2:]) & 0xFF) == 0xFF, 'checksum'
        if self.echo:
            self._input += data
        replies = self._serve(data[2], data[4], data[5:-1])
        if self.ignored_requests:
            self.ignored_requests -= 1
            return
        self._input += (self.prefix if replies else b'') + replies

    def read(self, size, timeout_s):
        self._check()
        assert timeout_s > 0
        if self.clock is not None:
            self.clock.advance(self.seconds_per_reply)
        data = bytes(self._input[:size])
        del self._input[:size]
        return data

    def late_reply(self, data):
        """Let a reply to an earlier request arrive now."""
        self._input += data

    def set_word(self, number, address, value):
        self.memory[number][address : address + 2] = value.to_bytes(2, 'little')

    def word(self, number, address):
        return int.from_bytes(self.memory[number][address : address + 2], 'little')

    def status(self, number, data=b'', error=0):
        body = bytes([number, len(data) + 2, error]) + bytes(data)
        total = ~sum(body) & 0xFF
        if self.corrupt_replies:
            self.corrupt_replies -= 1
            total ^= 0x55
        return b'\xff\xff' + body + bytes([total])

    def _check(self):
        if self.unplugged:
            self.opened = False
            raise DeviceError(f'{self.name}: the device was unplugged')
        if not self.opened:
            raise DeviceError(f'{self.name}: the port is not open; connect first')

    def _serve(self, number, instruction, parameters):
        if instruction == 0x82:
            address, size, *ids = parameters
            return b''.join(
                self.status(each, self.memory[each][address : address + size])
                for each in ids
                if each in self.memory and each not in self.silent
            )
        if instruction == 0x83:
            address, size, blocks = parameters[0], parameters[1], parameters[2:]
            for start in range(0, len(blocks), size + 1):
                block = blocks[start : start + size + 1]
                self._store(block[0], address, block[1:])
            return b''
        if number not in self.memory or number in self.silent:
            return b''
        if instruction == 0x02:
            address, size = parameters
            return self.status(number, self.memory[number][address : address + size])
        if instruction == 0x03:
            self._store(number, parameters[0], parameters[1:])
        return self.status(number)

    def _store(self, number, address, data):
        self.writes.append((number, address, bytes(data)))
        locked = self.memory[number][55] == 1
        assert address >= 40 or not locked, f'EEPROM write to {address} while locked'
        self.memory[number][address : address + len(data)] = data
