"""Chunks: which are read at once, and whose checksums are looked at."""

from lerobot_recorder.bags.blocks import Block, Entry, OrderedBlocks
from lerobot_recorder.bags.losses import Losses
from lerobot_recorder.bags.windows import MemoryWindow

CHUNK = Block(0, 1, at=7, length=8, channels=frozenset({1}))


class Watched(MemoryWindow):
    """Counts what is asked of it."""

    def __init__(self, sound=True):
        super().__init__(b'abcdefgh')
        self.sound, self.looked, self.loads = sound, 0, 0

    def is_intact(self):
        self.looked += 1
        return self.sound

    def loaded(self):
        self.loads += 1
        return self


def walk(window):
    yield Entry(0, 0, 4, 1)
    yield Entry(1, 4, 4, 1)


def read(window, losses, sound, wanted=(1,)):
    blocks = OrderedBlocks([CHUNK], lambda block: window, walk, losses, sound)
    return [data for _, (_, data) in blocks.messages(wanted)]


def test_a_checksum_that_agreed_is_not_computed_again():
    window, losses, sound = Watched(), Losses('bag'), set()
    for _ in range(2):
        assert read(window, losses, sound) == [b'abcd', b'efgh']
    assert window.looked == 1


def test_a_chunk_with_a_wrong_one_is_left_out_each_time():
    window, losses, sound = Watched(sound=False), Losses('bag'), set()
    for _ in range(2):
        assert read(window, losses, sound) == []
    assert window.looked == 2


def test_only_a_chunk_that_is_wanted_as_a_whole_is_read_at_once():
    window, losses = Watched(), Losses('bag')
    read(window, losses, None)
    assert window.loads == 1
    both = CHUNK._replace(channels=frozenset({1, 2}))
    blocks = OrderedBlocks([both], lambda block: window, walk, losses)
    assert len(list(blocks.messages([1]))) == 2
    assert window.loads == 1
