"""Registers: sign-magnitude, byte order, the state block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.motors.control_table import Register
from lerobot_drivers.motors.models import MODELS, motor_model


@pytest.mark.parametrize(
    ('sign_bit', 'value', 'data'),
    [
        (11, -1, '0108'),
        (11, 2047, 'ff07'),
        (11, -2047, 'ff0f'),
        (15, -1, '0180'),
        (10, -1000, 'e807'),
        (None, 0x1234, '3412'),
    ],
)
def test_sign_magnitude(sign_bit, value, data):
    register = Register(31, 2, sign_bit)
    assert register.encode(value, 'little').hex() == data
    assert register.decode(bytes.fromhex(data), 'little') == value


@given(st.sampled_from([None, 10, 11, 15]), st.sampled_from(['little', 'big']), st.data())
def test_round_trip(sign_bit, order, data):
    top = (1 << (16 if sign_bit is None else sign_bit)) - 1
    value = data.draw(st.integers(0 if sign_bit is None else -top, top))
    register = Register(0, 2, sign_bit)
    encoded = register.encode(value, order)
    assert len(encoded) == 2
    assert register.decode(encoded, order) == value
    assert register.decode(encoded[::-1], 'little' if order == 'big' else 'big') == value


@pytest.mark.parametrize(
    ('sign_bit', 'value'), [(11, 2048), (11, -2048), (None, -1), (None, 65536)]
)
def test_what_does_not_fit_is_refused(sign_bit, value):
    with pytest.raises(ValueError, match='does not fit'):
        Register(31, 2, sign_bit).encode(value, 'little')


@pytest.mark.parametrize(
    ('size', 'value', 'data'),
    [(4, -1, 'ffffffff'), (4, -(2**31), '00000080'), (2, -1000, '18fc'), (1, -1, 'ff')],
)
def test_twos_complement(size, value, data):
    register = Register(20, size, signed=True)
    assert register.encode(value, 'little').hex() == data
    assert register.decode(bytes.fromhex(data), 'little') == value
    for beyond in (1 << 8 * size - 1, -(1 << 8 * size - 1) - 1):
        with pytest.raises(ValueError, match='address 20'):
            register.encode(beyond, 'little')


def test_state_of_dynamixels_is_the_21_bytes_from_126():
    for name in ('xl430-w250', 'xl330-m288', 'xl330-m077', 'xm540-w270'):
        model = motor_model(name)
        assert model.state_block == (126, 21)
        block = (-3).to_bytes(2, 'little', signed=True) + (-2).to_bytes(4, 'little', signed=True)
        block += (-70000).to_bytes(4, 'little', signed=True) + bytes(8) + b'\x78\x00\x1e'
        state = {key: column.tolist() for key, column in model.decode_state([block]).items()}
        assert state == {
            'Present_Current': [-3],
            'Present_Velocity': [-2],
            'Present_Position': [-70000],
            'Present_Input_Voltage': [120],
            'Present_Temperature': [30],
        }


def test_state_is_the_fifteen_bytes_from_56():
    assert motor_model('sts3215').state_block == (56, 15)


def test_scs_is_big_endian_and_without_sync_read():
    model = motor_model('scs0009')
    assert (model.byte_order, model.sync_read, model.resolution) == ('big', False, 1024)
    assert model.state_block[0] == 56


@pytest.mark.parametrize('model', MODELS.values(), ids=lambda model: model.name)
def test_registers_do_not_overlap(model):
    taken = [
        address
        for register in model.registers.values()
        for address in range(register.address, register.address + register.size)
    ]
    assert len(taken) == len(set(taken))


def test_unknown_names_are_named():
    with pytest.raises(ConfigError, match='sts3215'):
        motor_model('sts9999')
    with pytest.raises(ConfigError, match='Goal_Colour'):
        motor_model('sts3215').register('Goal_Colour')
