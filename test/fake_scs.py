"""Scripted SCS0009: words are big endian, the lock lies at 48, no sync-read."""

from __future__ import annotations

from fake_servos import FakeServos

LOCK = 48


class FakeScs(FakeServos):
    """A port with SCS servos behind it."""

    def __init__(self, ids=range(1, 17)):
        super().__init__(ids)
        for number, memory in self.memory.items():
            memory[3:] = bytes(len(memory) - 3)
            memory[3:5] = (1284).to_bytes(2, 'big')
            memory[5] = number
            memory[8] = 1
            memory[11:13] = (1023).to_bytes(2, 'big')
            memory[18] = 0x1C
            memory[LOCK] = 1
            memory[62:64] = bytes([60, 30])
            self.set_word(number, 56, 500 + number)

    def set_word(self, number, address, value):
        self.memory[number][address : address + 2] = value.to_bytes(2, 'big')

    def word(self, number, address):
        return int.from_bytes(self.memory[number][address : address + 2], 'big')

    def _serve(self, number, instruction, parameters):
        return b'' if instruction == 0x82 else super()._serve(number, instruction, parameters)

    def _store(self, number, address, data):
        self.writes.append((number, address, bytes(data)))
        known = [*range(5, 28), 37, 38, *range(40, 49)]
        assert all(at in known for at in range(address, address + len(data))), address
        assert address >= 40 or not self.memory[number][LOCK], f'EEPROM write to {address}'
        self.memory[number][address : address + len(data)] = data
