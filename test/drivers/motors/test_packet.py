"""Packets: published frames, damage, echoes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.errors import BusCorruptError, BusError, BusTimeoutError
from lerobot_drivers.motors import packet
from lerobot_drivers.motors.packet import Packet

FRAMES = Path(__file__).parents[4] / 'shared' / 'data' / 'serial' / 'frames.tsv'

ids = st.integers(0, 253)


def published(valid):
    if not FRAMES.is_file():
        pytest.skip(f'{FRAMES} is not here')
    rows = [line.split('\t') for line in FRAMES.read_text().splitlines()[1:]]
    rows = [(bytes.fromhex(hex_), note) for protocol, _, hex_, note in rows if protocol == '1']
    good = ('valid', 'clean reply')
    return [frame for frame, note in rows if (note in good) == valid]


def test_published_valid_frames_decode_and_encode_back():
    frames = published(valid=True)
    assert len(frames) >= 10
    for frame in frames:
        assert packet.decode(frame).encode() == frame


def test_published_invalid_frames_are_refused():
    frames = published(valid=False)
    assert len(frames) == 4
    for frame in frames:
        with pytest.raises(BusError):
            packet.decode(frame)


def test_published_echo_frames_still_give_1024():
    echoed = [frame for frame in published(valid=False) if frame.endswith(b'\x00\x04\xf6')]
    assert [frame[0] for frame in echoed] == [0, 0]
    for frame in echoed:
        status, end = packet.find_status(frame, 1, 2)
        assert int.from_bytes(status.parameters, 'little') == 1024
        assert end == len(frame)


def test_published_truncated_reply_is_a_timeout_and_garbage_is_corrupt():
    with pytest.raises(BusTimeoutError, match='cut short'):
        packet.decode(bytes.fromhex('ff ff 01 04 00 67'))
    with pytest.raises(BusTimeoutError):
        packet.find_status(bytes.fromhex('ff ff 01 04 00 67'), 1, 2)
    with pytest.raises(BusCorruptError, match='header'):
        packet.decode(bytes.fromhex('ff 60 18 fb ef'))


@pytest.mark.parametrize(
    ('made', 'published_hex'),
    [
        (packet.ping(1), 'ff ff 01 02 01 fb'),
        (packet.read(1, 43, 1), 'ff ff 01 04 02 2b 01 cc'),
        (packet.write(0xFE, 3, b'\x01'), 'ff ff fe 04 03 03 01 f6'),
        (packet.sync_read([11, 12], 30, 2), 'ff ff fe 06 82 1e 02 0b 0c 42'),
        (
            packet.sync_write(30, {11: b'\x00\x00', 12: b'\x0a\x14'}),
            'ff ff fe 0a 83 1e 02 0b 00 00 0c 0a 14 1f',
        ),
    ],
)
def test_requests_are_the_published_ones(made, published_hex):
    assert made == bytes.fromhex(published_hex)


@given(ids, st.integers(0, 255), st.binary(max_size=250))
def test_round_trip(motor_id, code, parameters):
    original = Packet(motor_id, code, parameters)
    assert packet.decode(original.encode()) == original


@given(ids, st.binary(min_size=1, max_size=30), st.data())
def test_one_changed_bit_never_passes(motor_id, parameters, data):
    frame = bytearray(Packet(motor_id, 0, parameters).encode())
    position = data.draw(st.integers(0, len(frame) - 1))
    frame[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BusError):
        packet.decode(bytes(frame))


@given(ids, st.binary(max_size=20), st.data())
def test_a_cut_frame_is_a_timeout(motor_id, parameters, data):
    frame = Packet(motor_id, 0, parameters).encode()
    end = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(BusTimeoutError):
        packet.decode(frame[:end])


@given(ids, st.binary(max_size=20), st.binary(max_size=8))
def test_a_reply_is_found_behind_an_echo(motor_id, parameters, echo):
    frame = Packet(motor_id, 0, parameters).encode()
    wanted = b'\xff\xff' + bytes([motor_id, len(parameters) + 2])
    if wanted in (echo + frame)[: len(echo) + 3]:
        return
    status, end = packet.find_status(echo + frame, motor_id, len(parameters))
    assert status.parameters == parameters
    assert end == len(echo) + len(frame)


def test_a_reply_of_another_motor_is_none():
    with pytest.raises(BusTimeoutError, match='motor 1'):
        packet.find_status(Packet(2, 0, b'\x01\x02').encode(), 1, 2)


def test_a_reply_of_another_length_is_none():
    with pytest.raises(BusTimeoutError):
        packet.find_status(Packet(1, 0, b'\x01\x02\x03').encode(), 1, 2)


def test_a_damaged_reply_is_corrupt():
    frame = bytearray(Packet(1, 0, b'\x01\x02').encode())
    frame[-1] ^= 1
    with pytest.raises(BusCorruptError):
        packet.find_status(bytes(frame), 1, 2)


def test_sync_write_wants_equal_lengths():
    with pytest.raises(ValueError):
        packet.sync_write(42, {1: b'\x00', 2: b'\x00\x00'})
