from __future__ import annotations

import pytest

from lerobot_recorder.dataset.parameter_sets import ParameterSets

SPS, PPS, SLICE = b'\x67\x42\xc0', b'\x68\xce', b'\x65\x88\x84'
AVCC = b'\x01\x42\xc0\x0d\xff\xe1\x00\x03' + SPS + b'\x01\x00\x02' + PPS


def packet(*units):
    return b''.join(len(unit).to_bytes(4, 'big') + unit for unit in units)


@pytest.mark.parametrize(
    ('units', 'expected'),
    [
        ((SLICE,), True),
        ((SPS, PPS, SLICE), True),
        ((b'\x67\x64\x00', SLICE), False),
        ((SPS, b'\x68\xff', SLICE), False),
        ((b'\x06\x05', SLICE, b''), True),
    ],
)
def test_sets_among_the_pictures_of_h264(units, expected):
    assert ParameterSets('h264', AVCC).are_in_force(packet(*units)) is expected


def test_a_stream_without_a_header_is_told():
    assert not ParameterSets('h264', None).are_in_force(packet(SLICE))
    assert not ParameterSets('hevc', b'\x00\x00\x00\x01').are_in_force(packet(SLICE))


def test_hevc_has_kinds_of_its_own():
    header = b'\x01' + bytes(20) + b'\xff' + b'\x42\x01\x01'
    assert ParameterSets('hevc', header).are_in_force(packet(b'\x42\x01\x01', b'\x26\x01'))
    assert not ParameterSets('hevc', header).are_in_force(packet(b'\x40\x01\x0c'))


def test_other_codecs_have_none():
    assert ParameterSets('av1', None).are_in_force(b'anything')
