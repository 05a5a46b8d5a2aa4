"""Packets of protocol 2.0: published frames, stuffing, damage, noise, echoes."""

from pathlib import Path

import bus_frames2 as frames
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lerobot_drivers.common.errors import BusCorruptError, BusError, BusTimeoutError
from lerobot_drivers.motors import packet2
from lerobot_drivers.motors.packet2 import Packet

FRAMES = Path(__file__).parents[4] / 'shared' / 'data' / 'serial' / 'frames.tsv'
HEADER = b'\xff\xff\xfd\x00'

ids = st.integers(0, 252)
codes = st.integers(0, 255)
# Data that are stuffed are rare among all data, and all that can go wrong is there.
stuffed = st.lists(st.sampled_from([0xFF, 0xFD, 0x00, 0x55]), max_size=30).map(bytes)
contents = st.one_of(st.binary(max_size=60), stuffed)


def published():
    if not FRAMES.is_file():
        pytest.skip(f'{FRAMES} is not here')
    rows = [line.split('\t') for line in FRAMES.read_text().splitlines()[1:]]
    return [(bytes.fromhex(hex_), note) for protocol, _, hex_, note in rows if protocol == '2']


def test_published_frames_decode_and_encode_back():
    valid = [frame for frame, note in published() if note == 'valid']
    assert len(valid) >= 7
    for frame in valid:
        assert packet2.decode(frame).encode() == frame


def test_a_published_frame_that_is_none_is_refused():
    broken = [frame for frame, note in published() if note != 'valid']
    assert len(broken) == 1
    for frame in broken:
        with pytest.raises(BusError):
            packet2.decode(frame)


@pytest.mark.parametrize(
    ('made', 'published_hex'),
    [
        (packet2.ping(2), 'ff ff fd 00 02 03 00 01 19 72'),
        (packet2.reboot(2), 'ff ff fd 00 02 03 00 08 2f 72'),
        (packet2.read(1, 43, 2), 'ff ff fd 00 01 07 00 02 2b 00 02 00 2e cd'),
        (
            packet2.write(1, 116, (512).to_bytes(4, 'little')),
            'ff ff fd 00 01 09 00 03 74 00 00 02 00 00 ca 89',
        ),
        (packet2.sync_read([1, 2], 132, 4), 'ff ff fd 00 fe 09 00 82 84 00 04 00 01 02 ce fa'),
        (
            packet2.sync_write(116, {1: b'\x96\0\0\0', 2: b'\xaa\0\0\0'}),
            'ff ff fd 00 fe 11 00 83 74 00 04 00 01 96 00 00 00 02 aa 00 00 00 82 87',
        ),
    ],
)
def test_requests_are_the_published_ones(made, published_hex):
    assert made == bytes.fromhex(published_hex)


def test_the_published_status_gives_166():
    raw = bytes.fromhex('ff ff fd 00 01 08 00 55 00 a6 00 00 00 8c c0')
    status, end = packet2.find_status(raw, 1, 4)
    assert (int.from_bytes(status.parameters, 'little'), status.code) == (166, 0)
    assert end == len(raw) == 4 + packet2.STATUS_OVERHEAD


@given(ids, codes, contents)
def test_a_status_is_written_as_by_hand_and_read_back(motor_id, code, parameters):
    original = Packet(motor_id, packet2.Instruction.STATUS, parameters, code)
    assert original.encode() == frames.status(motor_id, parameters, code)
    assert packet2.decode(original.encode()) == original


@given(ids, st.integers(0, 65535), contents)
def test_a_write_is_what_was_to_be_written(motor_id, address, data):
    sent = frames.parse(packet2.write(motor_id, address, data))
    assert sent == (motor_id, 3, address.to_bytes(2, 'little') + data)


def test_data_that_look_like_a_header_are_stuffed():
    raw = packet2.write(1, 116, HEADER)
    assert raw.count(HEADER) == 1
    assert raw[5] == len(raw) - 7
    assert b'\xff\xff\xfd\xfd\x00' in raw


@given(ids, contents, st.data())
def test_one_changed_bit_never_passes(motor_id, parameters, data):
    frame = bytearray(frames.status(motor_id, parameters))
    position = data.draw(st.integers(0, len(frame) - 1))
    frame[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BusError):
        packet2.decode(bytes(frame))
    with pytest.raises(BusError):
        packet2.find_status(bytes(frame), motor_id, len(parameters))


@given(ids, contents, st.data())
def test_a_cut_frame_is_a_timeout(motor_id, parameters, data):
    frame = frames.status(motor_id, parameters)
    end = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(BusTimeoutError):
        packet2.decode(frame[:end])
    with pytest.raises(BusTimeoutError):
        packet2.find_status(frame[:end], motor_id, len(parameters))


noise = st.one_of(st.binary(max_size=12), st.just(HEADER), st.just(HEADER + b'\x01\x07\x00'))


@given(ids, contents, noise, noise)
def test_a_reply_is_found_between_noise(motor_id, parameters, before, behind):
    frame = frames.status(motor_id, parameters)
    status, end = packet2.find_status(before + frame + behind, motor_id, len(parameters))
    assert status.parameters == parameters
    assert end == len(before) + len(frame)


@settings(deadline=None)
@given(ids, st.integers(0, 200), st.integers(0, 40))
def test_no_echo_is_a_reply(motor_id, address, length):
    for echo in (packet2.read(motor_id, address, length), packet2.ping(motor_id)):
        for wanted in (0, 4):
            with pytest.raises(BusTimeoutError):
                packet2.find_status(echo, motor_id, wanted)
        reply = frames.status(motor_id, bytes(length))
        assert packet2.find_status(echo + reply, motor_id, length)[1] == len(echo + reply)


def test_replies_of_several_motors_come_in_turn():
    raw = frames.status(1, b'\x01\x02') + frames.status(2, b'\xff\xff\xfd') + b'\x00'
    first, end = packet2.find_status(raw, 1, 2)
    second, end = packet2.find_status(raw, 2, 3, end)
    assert (first.parameters, second.parameters) == (b'\x01\x02', b'\xff\xff\xfd')
    assert end == len(raw) - 1


def test_a_reply_of_another_motor_or_length_is_none():
    with pytest.raises(BusTimeoutError, match='motor 1'):
        packet2.find_status(frames.status(2, b'\x01\x02'), 1, 2)
    with pytest.raises(BusTimeoutError):
        packet2.find_status(frames.status(1, b'\x01\x02\x03'), 1, 2)


def test_a_refusal_carries_nothing_and_an_alert_is_none():
    refusal, _ = packet2.find_status(frames.status(1, error=7), 1, 4)
    assert (refusal.code, refusal.parameters) == (7, b'')
    with pytest.raises(BusTimeoutError):
        packet2.find_status(frames.status(1, error=0x80), 1, 4)
    alert, _ = packet2.find_status(frames.status(1, bytes(4), error=0x80), 1, 4)
    assert alert.code == packet2.ALERT


def test_a_damaged_reply_is_corrupt():
    frame = bytearray(frames.status(1, b'\x01\x02'))
    frame[-1] ^= 1
    with pytest.raises(BusCorruptError, match='CRC'):
        packet2.find_status(bytes(frame), 1, 2)


def test_lengths_that_cannot_be_are_refused():
    for size in (0, 1, 2):
        with pytest.raises(BusError):
            packet2.decode(HEADER + bytes([1, size, 0, 0, 0, 0])[: 3 + size])
    bare = HEADER + b'\x01\x03\x00\x55'
    check = frames.crc(bare).to_bytes(2, 'little')
    with pytest.raises(BusCorruptError, match='error byte'):
        packet2.decode(bare + check)


@given(contents)
def test_whole_packets_are_seen(data):
    assert packet2.holds_any(b'\x12' + frames.status(3, data))
    assert not packet2.holds_any(frames.status(3, data)[:-1])


def test_sync_write_wants_equal_lengths():
    with pytest.raises(ValueError):
        packet2.sync_write(116, {1: b'\x00', 2: b'\x00\x00'})


lengths_and_shares = st.integers(0, 21).flatmap(
    lambda size: st.lists(
        st.tuples(ids, st.binary(min_size=size, max_size=size), codes),
        min_size=1,
        max_size=7,
        unique_by=lambda share: share[0],
    )
)


def test_a_fast_sync_read_is_asked_for_as_a_sync_read():
    sent = frames.parse(packet2.fast_sync_read([3, 7, 4], 132, 4))
    assert sent == (0xFE, 0x8A, bytes([132, 0, 4, 0, 3, 7, 4]))


@given(lengths_and_shares, noise)
def test_shares_of_a_fast_status_are_told_apart(shares, before):
    motor_ids, size = [share[0] for share in shares], len(shares[0][1])
    raw = frames.fast_status(shares)
    assert len(raw) == packet2.FAST_OVERHEAD + len(shares) * (size + packet2.FAST_SHARE)
    found = packet2.find_fast_status(before + raw, motor_ids, size)
    assert [(p.id, p.parameters, p.code) for p in found] == shares


@given(lengths_and_shares, st.data())
def test_a_damaged_or_cut_fast_status_never_passes(shares, data):
    motor_ids, size = [share[0] for share in shares], len(shares[0][1])
    raw = bytearray(frames.fast_status(shares))
    with pytest.raises(BusTimeoutError):
        packet2.find_fast_status(bytes(raw[:-1]), motor_ids, size)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BusError):
        packet2.find_fast_status(bytes(raw), motor_ids, size)


def test_a_fast_status_of_other_motors_or_lengths_is_none():
    raw = frames.fast_status([(1, b'ab', 0), (2, b'cd', 0)])
    for motor_ids, size in (([2, 1], 2), ([1], 2), ([1, 2], 3), ([1, 3], 2), ([1, 2, 3], 2)):
        with pytest.raises(BusTimeoutError):
            packet2.find_fast_status(raw, motor_ids, size)
    with pytest.raises(BusTimeoutError):
        packet2.find_status(raw, 1, 2)
