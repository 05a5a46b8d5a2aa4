from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.sim import memory as reg
from lerobot_drivers.sim.memory import Memory, decode_signed, encode_signed


@given(st.integers(-2047, 2047), st.sampled_from([11, 15]))
def test_sign_and_magnitude_round_trip(value, bit):
    assert decode_signed(encode_signed(value, bit), bit) == value


def test_offset_is_limited_to_its_bits():
    assert decode_signed(encode_signed(-9000, 11), 11) == -2047


def test_factory_model_and_firmware():
    assert Memory().read(reg.MODEL, 2) == bytes([777 & 0xFF, 777 >> 8])
    assert Memory().read(reg.FIRMWARE_MAJOR, 2) == bytes([3, 10])


def test_read_only_places_stay():
    memory = Memory()
    memory.write(reg.MODEL, b'\x01\x02')
    memory.write(reg.PRESENT_VOLTAGE, b'\x55')
    assert memory.word(reg.MODEL) == 777
    assert memory.byte(reg.PRESENT_VOLTAGE) == 0


def test_eeprom_persists_only_when_unlocked():
    memory = Memory()
    memory.write(reg.MAX_POSITION, b'\x10\x00')
    assert memory.word(reg.MAX_POSITION) == 16
    memory.power_cycle()
    assert memory.word(reg.MAX_POSITION) == 4095
    memory.write(reg.LOCK, b'\x00')
    memory.write(reg.MAX_POSITION, b'\x10\x00')
    memory.write(reg.GOAL_POSITION, b'\x10\x00')
    memory.power_cycle()
    assert memory.word(reg.MAX_POSITION) == 16
    assert memory.word(reg.GOAL_POSITION) == 0
    assert memory.byte(reg.LOCK) == 1


def test_reading_past_the_end_gives_zeros():
    assert Memory().read(250, 10)[6:] == bytes(4)
