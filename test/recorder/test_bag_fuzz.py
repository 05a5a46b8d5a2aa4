"""Bags with bytes that are wrong: messages or one line come out of them, never anything else.

Longer: BAG_FUZZ_RUNS=20000 python -m pytest test/recorder/test_bag_fuzz.py
"""

from __future__ import annotations

import os
import random
import tracemalloc

import pytest
from bag_makers import MAKERS, some_messages

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_reader import BagReader

MESSAGES = some_messages(24)
RUNS = int(os.environ.get('BAG_FUZZ_RUNS', '40'))
MOST_BYTES = 24 << 20


def flip(data, chance):
    for _ in range(chance.choice((1, 1, 1, 8))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def replace(data, chance):
    at = chance.randrange(len(data))
    size = min(chance.randrange(1, 600), len(data) - at)
    data[at : at + size] = chance.choice(
        (bytes(size), b'\xff' * min(size, 8), chance.randbytes(size))
    )


def cut(data, chance):
    del data[chance.randrange(1, len(data)) :]


def shift(data, chance):
    at = chance.randrange(len(data))
    if chance.random() < 0.5:
        del data[at : at + chance.randrange(1, 40)]
    else:
        data[at:at] = chance.randbytes(chance.randrange(1, 40))


def spoil_end(data, chance):
    at = max(len(data) - chance.randrange(1, 400), 1)
    data[at : at + 8] = chance.choice((b'\xff' * 8, chance.randbytes(8)))


DAMAGES = (flip, flip, flip, replace, cut, shift, spoil_end)


def outcome(path):
    """Return the messages, None if the bag is refused in one line; whatever else is a fault."""
    try:
        with BagReader(path) as bag:
            found = [(m.topic, m.received_ns, m.data) for m in bag.messages(bag.topics)]
            assert bag.message_count >= 0 and bag.duration_s >= 0
            assert all('\n' not in notice for notice in bag.notices)
            return found, bag.notices
    except BagError as error:
        assert '\n' not in str(error) and str(error)
        return None


@pytest.fixture
def nothing_unforeseen(monkeypatch):
    """What a reader does not foresee becomes one line too, but here it is a fault."""

    def fault(self, error):
        raise AssertionError(f'{type(error).__name__}: {error}') from error

    monkeypatch.setattr(BagReader, '_unreadable', fault)


@pytest.mark.timeout(max(60, RUNS // 5))
@pytest.mark.parametrize('kind', MAKERS)
def test_damage_gives_messages_or_one_line(tmp_path, kind, nothing_unforeseen):
    path = MAKERS[kind](tmp_path, MESSAGES)
    file = path if path.is_file() else next(f for f in path.iterdir() if f.suffix != '.yaml')
    whole, chance = file.read_bytes(), random.Random(kind)
    given = told = 0
    for _ in range(RUNS):
        data = bytearray(whole)
        chance.choice(DAMAGES)(data, chance)
        file.write_bytes(bytes(data))
        found = outcome(path)
        if found is not None:
            given += 1
            messages, notices = found
            told += bool(notices)
            assert len(messages) <= 2 * len(MESSAGES)
    assert given and told


@pytest.mark.parametrize('kind', ['mcap none', 'mcap zstd', 'ros1', 'sqlite3'])
def test_an_absurd_size_takes_no_memory(tmp_path, kind, nothing_unforeseen):
    path = MAKERS[kind](tmp_path, MESSAGES)
    file = path if path.is_file() else next(f for f in path.iterdir() if f.suffix != '.yaml')
    whole = file.read_bytes()
    assert outcome(path) is not None
    tracemalloc.start()
    try:
        for at in range(0, len(whole), len(whole) // 9):
            for size in (b'\xff\xff\xff\x7f', b'\0\0\0\x30\0\0\0\0'):
                file.write_bytes(whole[:at] + size + whole[at + len(size) :])
                outcome(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
