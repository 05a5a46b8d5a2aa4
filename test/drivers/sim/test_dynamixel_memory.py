"""What may be written to a Dynamixel, and when."""

from __future__ import annotations

import pytest

from lerobot_drivers.sim import dynamixel_memory as reg
from lerobot_drivers.sim.dynamixel_memory import ACCESS_ERROR, Memory


@pytest.fixture
def memory():
    return Memory(1200)


def test_factory_values(memory):
    assert memory.get(reg.MODEL, 2) == 1200
    assert memory.get(reg.BAUD_INDEX, 1) == 3
    assert memory.get(9, 1) == 250
    assert (memory.get(reg.MIN_POSITION, 4), memory.get(reg.MAX_POSITION, 4)) == (0, 4095)
    assert memory.get(reg.SECONDARY_ID, 1) == reg.NO_ID


def test_numbers_are_little_endian_and_twos_complement(memory):
    assert memory.write(reg.HOMING_OFFSET, b'\xfe\xff\xff\xff') == 0
    assert memory.get(reg.HOMING_OFFSET, 4, signed=True) == -2
    memory.set(reg.PRESENT_POSITION, -70000, 4)
    assert memory.read(reg.PRESENT_POSITION, 4) == (-70000).to_bytes(4, 'little', signed=True)


@pytest.mark.parametrize(
    'address', [reg.MODEL, reg.FIRMWARE, reg.HARDWARE_ERROR, reg.PRESENT_POSITION, 146]
)
def test_what_is_read_only_is_refused(memory, address):
    before = memory.read(address, 1)
    assert memory.write(address, b'\x55') == ACCESS_ERROR
    assert memory.read(address, 1) == before


def test_a_write_that_touches_what_is_read_only_changes_nothing(memory):
    assert memory.write(reg.GOAL_POSITION, bytes([1, 0, 0, 0, 9])) == ACCESS_ERROR
    assert memory.get(reg.GOAL_POSITION, 4) == 0
    assert memory.write(1023, b'\x01\x02') == ACCESS_ERROR


def test_persistent_registers_are_closed_while_torque_is_on(memory):
    assert memory.write(reg.OPERATING_MODE, b'\x04') == 0
    memory.write(reg.TORQUE_ENABLE, b'\x01')
    assert memory.write(reg.OPERATING_MODE, b'\x05') == ACCESS_ERROR
    assert memory.write(reg.HOMING_OFFSET, bytes(4)) == ACCESS_ERROR
    assert memory.get(reg.OPERATING_MODE, 1) == 4
    assert memory.write(reg.GOAL_POSITION, bytes(4)) == 0
    memory.write(reg.TORQUE_ENABLE, b'\x00')
    assert memory.write(reg.OPERATING_MODE, b'\x05') == 0


def test_a_power_cycle_keeps_what_persists_and_no_more(memory):
    memory.write(reg.HOMING_OFFSET, b'\x05\x00\x00\x00')
    memory.write(reg.P_GAIN, b'\x05\x00')
    memory.write(reg.TORQUE_ENABLE, b'\x01')
    memory.power_cycle()
    assert memory.get(reg.HOMING_OFFSET, 4) == 5
    assert memory.get(reg.P_GAIN, 2) == 400
    assert memory.get(reg.TORQUE_ENABLE, 1) == 0


def test_beyond_the_end_there_are_zeros(memory):
    assert memory.read(1020, 10) == bytes(10)
