from __future__ import annotations

import csv

from bus_frames import packet
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.sim.wire import Request, RequestParser, encode_status

frames = st.builds(
    lambda i, k, p: (Request(i, k, p), packet(i, k, *p)),
    st.integers(0, 0xFE),
    st.sampled_from([1, 2, 3, 4, 5, 0x82, 0x83]),
    st.binary(max_size=60),
)


@given(st.lists(frames, max_size=6), st.data())
def test_requests_are_found_in_any_pieces(requests, data):
    stream = b''.join(raw for _, raw in requests)
    parser, found = RequestParser(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += parser.feed(stream[:size])
        stream = stream[size:]
    assert found == [request for request, _ in requests]


@given(st.binary(max_size=12).filter(lambda b: 0xFF not in b), frames)
def test_a_request_is_found_behind_noise(noise, frame):
    request, raw = frame
    assert RequestParser().feed(noise + raw) == [request]


@given(frames, st.integers(2, 200), st.integers(1, 255))
def test_a_damaged_request_is_never_obeyed_as_such(frame, place, flip):
    request, raw = frame
    damaged = bytearray(raw)
    damaged[place % len(raw)] ^= flip
    assert request not in RequestParser().feed(bytes(damaged))


@given(st.integers(0, 252), st.integers(0, 255), st.binary(max_size=40))
def test_a_status_is_a_valid_frame(servo_id, error, parameters):
    raw = encode_status(servo_id, error, parameters)
    assert RequestParser().feed(raw) == [Request(servo_id, error, parameters)]


def test_frames_that_others_published(shared_data):
    with (shared_data / 'serial' / 'frames.tsv').open() as file:
        rows = [row for row in csv.DictReader(file, delimiter='\t') if row['protocol'] == '1']
    valid = [bytes.fromhex(row['bytes_hex']) for row in rows if row['note'] == 'valid']
    assert len(valid) >= 8
    for raw in valid:
        (request,) = RequestParser().feed(raw)
        assert (request.id, request.size) == (raw[2], len(raw))
        assert encode_status(request.id, request.instruction, request.parameters) == raw
    broken = [row for row in rows if 'garbage' in row['note'] or 'truncated' in row['note']]
    assert len(broken) >= 2
    for row in broken:
        assert RequestParser().feed(bytes.fromhex(row['bytes_hex'])) == []
    for row in (row for row in rows if 'must still decode' in row['note']):
        (request,) = RequestParser().feed(bytes.fromhex(row['bytes_hex']))
        assert request.parameters == bytes([0, 4])
