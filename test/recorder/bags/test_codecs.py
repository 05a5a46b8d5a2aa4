"""What is unpacked is what was packed, and never more than was declared."""

from __future__ import annotations

import bz2
from random import Random

import lz4.frame
import pytest
import zstandard

from lerobot_recorder.bags.codecs import compression_of, unpack, unpack_start, unpacked
from lerobot_recorder.bags.losses import DamageError

TEXT = bytes(range(256)) * 4000
PACK = {
    'zstd': lambda data: zstandard.ZstdCompressor(write_content_size=True).compress(data),
    'lz4': lz4.frame.compress,
    'bz2': bz2.compress,
}


@pytest.mark.parametrize('name', PACK)
def test_there_and_back(name):
    packed = PACK[name](TEXT)
    assert unpack(packed, name, len(TEXT)) == unpack(packed, name) == TEXT
    assert unpack(packed + packed, name, 2 * len(TEXT)) == TEXT + TEXT
    pieces = [packed[at : at + 50] for at in range(0, len(packed), 50)]
    assert b''.join(unpacked(pieces, name)) == TEXT
    assert b''.join(unpacked([packed + packed], name)) == TEXT + TEXT


@pytest.mark.parametrize('name', PACK)
@pytest.mark.parametrize('size', [0, 10, len(TEXT) - 1, len(TEXT) + 1, 1 << 40])
def test_another_size_than_was_declared(name, size):
    with pytest.raises(DamageError):
        unpack(PACK[name](TEXT), name, size)


@pytest.mark.parametrize('name', PACK)
def test_what_is_cut_off_or_spoilt(name):
    packed = PACK[name](TEXT)
    for data in (packed[:-8], packed[: len(packed) // 2], packed[:3], b'\0' * 20):
        with pytest.raises(DamageError):
            unpack(data, name)
        with pytest.raises(DamageError):
            list(unpacked([data], name))


def test_the_beginning_of_what_is_cut_off():
    noise = Random(1).randbytes(1 << 20)
    packed = PACK['zstd'](noise)
    start = unpack_start(packed[: len(packed) // 2], 'zstd', len(noise))
    assert len(start) > 1 << 18 and noise.startswith(start)
    assert unpack_start(packed, 'zstd', 1000) == noise[:1000]


def test_what_nobody_knows():
    with pytest.raises(DamageError, match="compression 'gzip'; known are bz2, lz4, zstd"):
        unpack(b'x', 'gzip', 0)


def test_what_bytes_begin_with():
    assert compression_of(PACK['zstd'](TEXT)) == 'zstd'
    assert compression_of(PACK['lz4'](TEXT)) == 'lz4'
    assert compression_of(b'\x00\x01\x00\x00cdr') == compression_of(b'') == ''


def test_no_size_is_believed_that_nobody_writes(monkeypatch):
    monkeypatch.setattr('lerobot_recorder.bags.codecs.LARGEST', 1000)
    with pytest.raises(DamageError, match='a claim of 1024000 bytes, more than the 1000'):
        unpack(PACK['zstd'](TEXT), 'zstd', len(TEXT))
    with pytest.raises(DamageError, match='zstd data of 1001 bytes'):
        unpack(PACK['zstd'](TEXT), 'zstd')
