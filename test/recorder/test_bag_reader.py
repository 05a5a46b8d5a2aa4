"""Bags of every format, read message by message and compared with what two libraries read."""

from __future__ import annotations

from itertools import product

import pytest
from bag_makers import MAKERS, mcap, some_messages
from mcap.reader import make_reader
from mcap.writer import IndexType
from rosbags.highlevel import AnyReader
from synthetic_messages import MS, T0, TYPES, write_bag

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bags.chunked import ChunkedStorage
from lerobot_recorder.bags.options import BagOptions
from lerobot_recorder.messages import decode

MESSAGES = some_messages()
ALL = IndexType.ALL


def read(path, topics=None, **options):
    with BagReader(path, BagOptions(**options)) as bag:
        chosen = bag.topics if topics is None else topics
        return [(m.topic, m.msgtype, m.received_ns, bytes(m.data)) for m in bag.messages(chosen)]


def written(messages):
    return [(m.topic, m.msgtype, m.received_ns, m.data) for m in messages]


@pytest.mark.parametrize('kind', MAKERS)
def test_messages_come_as_they_were_logged(tmp_path, kind):
    path = MAKERS[kind](tmp_path, MESSAGES)
    assert read(path) == written(MESSAGES)
    with BagReader(path) as bag:
        assert bag.topics == {m.topic: m.msgtype for m in MESSAGES}
        assert (bag.message_count, bag.count(['/text', '/text', '/none'])) == (len(MESSAGES), 20)
        assert (bag.start_ns, bag.end_ns) == (T0, T0 + 590 * MS)
        assert (bag.duration_s, bag.notices) == (pytest.approx(0.59), ())
        some = [m for m in MESSAGES if m.topic != '/joints']
        assert [m.data for m in bag.messages({'/text', '/pixels'})] == [m.data for m in some]
        assert list(bag.messages([])) == []
        first = next(bag.messages(['/joints']))
        assert list(decode(first, bag.types).name) == ['a', 'b']


@pytest.mark.parametrize('kind', MAKERS)
def test_rosbags_reads_the_same(tmp_path, kind):
    if kind in ('mcap bare summary', 'mcap unindexed'):
        pytest.skip('rosbags wants an index')
    path = MAKERS[kind](tmp_path, MESSAGES)
    with AnyReader([path], default_typestore=TYPES) as reader:
        theirs = [(c.topic, c.msgtype, at, bytes(data)) for c, at, data in reader.messages()]
    ours = read(path)
    if path.suffix == '.bag':
        ours = [(*one[:3], bytes(TYPES.cdr_to_ros1(one[3], one[1]))) for one in ours]
    assert sorted(ours) == sorted(theirs)
    assert [one[2] for one in ours] == sorted(one[2] for one in theirs)


@pytest.mark.parametrize('kind', [kind for kind in MAKERS if kind.startswith('mcap')])
def test_the_mcap_library_reads_the_same(tmp_path, kind):
    path = MAKERS[kind](tmp_path, MESSAGES)
    if kind in ('mcap file zstd', 'mcap message zstd', 'mcap bare summary'):
        pytest.skip('it knows neither the compressions of rosbag2 nor a summary without schemas')
    file = path if path.is_file() else next(path.glob('*.mcap'))
    with file.open('rb') as opened:
        theirs = [
            (channel.topic, schema.name, message.log_time, message.data)
            for schema, channel, message in make_reader(opened).iter_messages()
        ]
    assert sorted(read(path)) == sorted(theirs)


FEATURES = (
    'use_chunking', 'repeat_channels', 'repeat_schemas', 'use_statistics', 'use_summary_offsets',
    'enable_data_crcs',
)  # fmt: skip


@pytest.mark.parametrize('index', [IndexType.NONE, IndexType.CHUNK, IndexType.MESSAGE, ALL])
def test_whatever_an_mcap_leaves_out_of_its_index(tmp_path, index):
    few = MESSAGES[:30]
    for number, chosen in enumerate(product((False, True), repeat=len(FEATURES))):
        options = dict(zip(FEATURES, chosen, strict=True))
        path = mcap(tmp_path / f'{number}.mcap', few, index_types=index, **options)
        assert read(path) == written(few), options
        with BagReader(path) as bag:
            assert (bag.message_count, bag.notices) == (len(few), ()), options


def shuffled():
    """Messages that were logged late: each in the place of another, some at one time."""
    pairs = zip(MESSAGES[::2], MESSAGES[1::2], strict=False)
    return [one for first, second in pairs for one in (second, first)]


@pytest.mark.parametrize('kind', [k for k in MAKERS if not k.startswith('sqlite3')])
def test_order_is_that_of_log_times_and_ties_that_of_the_file(tmp_path, kind):
    mixed = shuffled()
    found = read(MAKERS[kind](tmp_path, mixed))
    assert found == sorted(written(mixed), key=lambda one: one[2])


def test_the_parts_of_a_bag_may_overlap_in_time(tmp_path):
    folder = write_bag(tmp_path / 'bag', MESSAGES[:1])
    (folder / 'bag.mcap').unlink()
    parts = [MESSAGES[:70:2], MESSAGES[1:70:2], MESSAGES[70:]]
    for number, part in enumerate(parts):
        mcap(folder / f'bag_{number}.mcap', part)
    name = folder / 'metadata.yaml'
    names = '[bag_0.mcap, bag_1.mcap, bag_2.mcap]'
    text = name.read_text().replace('- bag.mcap', f'{names}', 1)
    name.write_text(text.replace('relative_file_paths:\n', 'relative_file_paths: ', 1))
    expected = sorted((one for part in parts for one in written(part)), key=lambda one: one[2])
    assert read(folder) == expected
    name.unlink()
    assert read(folder) == expected
    with BagReader(folder) as bag:
        assert bag.notices == ('metadata.yaml is missing: all parts that are there are read',)
        assert bag.message_count == len(MESSAGES)


def test_only_what_is_wanted_is_read(tmp_path, monkeypatch):
    path = mcap(tmp_path / 'a.mcap', MESSAGES)
    read_bytes = []
    opened = ChunkedStorage._entries

    def watched(self, window):
        original = window._read
        window._read = lambda at, size: read_bytes.append(size) or original(at, size)
        return opened(self, window)

    monkeypatch.setattr('lerobot_recorder.bags.windows._BUFFER', 64)
    monkeypatch.setattr(ChunkedStorage, '_entries', watched)
    assert len(read(path, ['/text'])) == 20
    assert sum(read_bytes) < path.stat().st_size // 4


def test_a_bag_is_read_twice_at_once(tmp_path):
    with BagReader(mcap(tmp_path / 'a.mcap', MESSAGES)) as bag:
        twice = zip(bag.messages(bag.topics), bag.messages(bag.topics), strict=True)
        assert all(one == other for one, other in twice)


def test_whatever_goes_wrong_inside_becomes_one_line(tmp_path, monkeypatch):
    path = mcap(tmp_path / 'a.mcap', MESSAGES)

    def broken(self, wanted):
        yield from ()
        raise RuntimeError('first\n  second')

    with BagReader(path) as bag:
        monkeypatch.setattr(ChunkedStorage, 'messages', broken)
        with pytest.raises(BagError, match=r'cannot be read: first second$'):
            list(bag.messages(['/joints']))
