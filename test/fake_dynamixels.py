"""Scripted Dynamixels behind a fake port; their codec is the tests' own."""

from __future__ import annotations

import bus_frames2 as frames
from fake_servos import FakeServos

PING, READ, WRITE, REBOOT, SYNC_READ, SYNC_WRITE, FAST = 1, 2, 3, 8, 0x82, 0x83, 0x8A
UNKNOWN_INSTRUCTION, ACCESS = 2, 7
TORQUE, HARDWARE_ERROR, EEPROM_END = 64, 70, 64


class FakeDynamixels(FakeServos):
    """A port with Dynamixels behind it."""

    def __init__(self, models=(1060, 1060, 1200, 1200, 1200, 1200), clock=None):
        super().__init__(range(1, len(models) + 1), clock=clock)
        self.alerted = set()
        self.misheard = 0
        self.knows_fast = True
        self.memory = {}
        for number, model in enumerate(models, start=1):
            memory = self.memory[number] = bytearray(256)
            memory[0:2] = model.to_bytes(2, 'little')
            memory[6], memory[7], memory[9], memory[11] = 46, number, 250, 3
            memory[48:52] = (4095).to_bytes(4, 'little')
            memory[132:136] = (2000 + 10 * number).to_bytes(4, 'little')
            memory[144:146] = (120).to_bytes(2, 'little')
            memory[146] = 30

    def write(self, data):
        self._check()
        self.requests.append(bytes(data))
        if self.echo:
            self._input += data
        number, instruction, parameters = frames.parse(bytes(data))
        replies = self._serve(number, instruction, parameters)
        if self.ignored_requests:
            self.ignored_requests -= 1
            return
        self._input += (self.prefix if replies else b'') + replies

    def set_number(self, number, address, value, size=4):
        self.memory[number][address : address + size] = value.to_bytes(size, 'little', signed=True)

    def number(self, number, address, size=4):
        data = self.memory[number][address : address + size]
        return int.from_bytes(data, 'little', signed=True)

    def status(self, number, data=b'', error=0):
        alert = 0x80 if number in self.alerted else 0
        made = bytearray(frames.status(number, data, error | alert))
        if self.corrupt_replies:
            self.corrupt_replies -= 1
            made[-1] ^= 0x55
        return bytes(made)

    def _serve(self, number, instruction, parameters):
        if instruction == SYNC_READ:
            return b''.join(
                self._read(each, parameters)
                for each in parameters[4:]
                if each in self.memory and each not in self.silent
            )
        if instruction == FAST:
            return self._read_fast(parameters) if self.knows_fast else b''
        if instruction == SYNC_WRITE:
            address, size, blocks = frames.word(parameters), frames.word(parameters, 2), []
            blocks = parameters[4:]
            for start in range(0, len(blocks), size + 1):
                self._store(blocks[start], address, blocks[start + 1 : start + 1 + size])
            return b''
        if number not in self.memory or number in self.silent:
            return b''
        if self.misheard:
            self.misheard -= 1
            return self.status(number, error=3)
        return self._answer(number, instruction, parameters)

    def _answer(self, number, instruction, parameters):
        if instruction == PING:
            return self.status(number, self.memory[number][0:2] + self.memory[number][6:7])
        if instruction == READ:
            return self._read(number, parameters)
        if instruction == WRITE:
            refused = not self._store(number, frames.word(parameters), parameters[2:])
            return self.status(number, error=ACCESS if refused else 0)
        if instruction == REBOOT:
            self.alerted.discard(number)
            self.memory[number][HARDWARE_ERROR] = self.memory[number][TORQUE] = 0
            return self.status(number)
        return self.status(number, error=UNKNOWN_INSTRUCTION)

    def _read(self, number, parameters):
        address, size = frames.word(parameters), frames.word(parameters, 2)
        return self.status(number, self.memory[number][address : address + size])

    def _read_fast(self, parameters):
        address, size = frames.word(parameters), frames.word(parameters, 2)
        ids = parameters[4:]
        made = bytearray(
            frames.fast_status(
                [
                    (i, self.memory[i][address : address + size], 0x80 * (i in self.alerted))
                    for i in ids
                ]
            )
        )
        if self.corrupt_replies:
            self.corrupt_replies -= 1
            made[-1] ^= 0x55
        # Those behind a silent one wait for it.
        silent = [at for at, i in enumerate(ids) if i in self.silent]
        return bytes(made[: 8 + silent[0] * (size + 4)] if silent else made)

    def _store(self, number, address, data):
        """Return whether it took the data."""
        self.writes.append((number, address, bytes(data)))
        if address < EEPROM_END and self.memory[number][TORQUE]:
            return False
        self.memory[number][address : address + len(data)] = data
        return True
