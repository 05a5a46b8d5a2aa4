"""The emulated Dynamixels' end of the wire."""

from __future__ import annotations

import csv

import bus_frames2 as frames
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.sim.wire import Request
from lerobot_drivers.sim.wire2 import RequestParser2, checksum, encode_status

contents = st.one_of(
    st.binary(max_size=60), st.lists(st.sampled_from([0xFF, 0xFD, 0]), max_size=20).map(bytes)
)
requests = st.builds(
    lambda i, k, p: (Request(i, k, p, 2, 10), frames.request(i, k, *p)),
    st.integers(0, 0xFE),
    st.sampled_from([1, 2, 3, 4, 5, 8, 0x82, 0x83]),
    contents,
)


@given(st.lists(requests, max_size=6), st.data())
def test_requests_are_found_in_any_pieces(given_requests, data):
    stream = b''.join(raw for _, raw in given_requests)
    parser, found = RequestParser2(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += parser.feed(stream[:size])
        stream = stream[size:]
    assert found == [request for request, _ in given_requests]


@given(st.binary(max_size=12), requests)
def test_a_request_is_found_behind_noise(noise, given_request):
    request, raw = given_request
    assert RequestParser2().feed(noise.replace(b'\xff\xff\xfd\x00', b'') + raw)[-1:] == [request]


@given(requests, st.integers(0, 200), st.integers(1, 255))
def test_a_damaged_request_is_never_obeyed_as_such(given_request, place, flip):
    request, raw = given_request
    damaged = bytearray(raw)
    damaged[place % len(raw)] ^= flip
    assert request not in RequestParser2().feed(bytes(damaged))


@given(st.integers(0, 252), st.integers(0, 255), contents)
def test_a_status_is_as_by_hand(servo_id, error, parameters):
    assert encode_status(servo_id, error, parameters) == frames.status(servo_id, parameters, error)


def test_frames_that_others_published(shared_data):
    with (shared_data / 'serial' / 'frames.tsv').open() as file:
        rows = [row for row in csv.DictReader(file, delimiter='\t') if row['protocol'] == '2']
    valid = [bytes.fromhex(row['bytes_hex']) for row in rows if row['note'] == 'valid']
    assert len(valid) >= 7
    for raw in valid:
        (request,) = RequestParser2().feed(raw)
        assert (request.id, request.size) == (raw[4], len(raw))
        assert checksum(raw[:-2]) == int.from_bytes(raw[-2:], 'little')
    broken = [bytes.fromhex(row['bytes_hex']) for row in rows if row['note'] != 'valid']
    assert broken
    for raw in broken:
        assert RequestParser2().feed(raw) == []


def test_the_published_read_is_of_two_bytes_at_43():
    raw = bytes.fromhex('ff ff fd 00 01 07 00 02 2b 00 02 00 2e cd')
    (request,) = RequestParser2().feed(raw)
    assert (request.address, request.length) == (43, 2)
