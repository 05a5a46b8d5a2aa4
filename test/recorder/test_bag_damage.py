"""Bags that are not whole: what is whole of them is read, and what is not is told."""

from __future__ import annotations

import random
import shutil
import sqlite3

import pytest
from bag_makers import MAKERS, mcap, ros1, some_messages
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2 import StoragePlugin
from synthetic_messages import T0, make, raw, write_bag

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bags.options import BagOptions

MESSAGES = some_messages()
SINGLE = [kind for kind in MAKERS if 'file' not in kind]


def read(path, **options):
    with BagReader(path, BagOptions(**options)) as bag:
        found = [(m.topic, m.received_ns, m.data) for m in bag.messages(bag.topics)]
        return found, bag.notices


def plain(messages):
    return [(m.topic, m.received_ns, m.data) for m in messages]


def file_of(path):
    return path if path.is_file() else next(f for f in path.iterdir() if f.suffix != '.yaml')


# --- cut off ----------------------------------------------------------------------------------


@pytest.mark.parametrize('kind', [k for k in MAKERS if k.startswith(('mcap', 'ros1'))])
def test_a_file_cut_anywhere_gives_what_was_before(tmp_path, kind):
    path = MAKERS[kind](tmp_path, MESSAGES)
    file, counts = file_of(path), set()
    whole, expected = file.read_bytes(), plain(MESSAGES)
    for part in range(1, 20):
        file.write_bytes(whole[: len(whole) * part // 20])
        try:
            found, notices = read(path)
        except BagError as error:
            assert 'file' in kind or 'is empty' in str(error)
            continue
        assert found == expected[: len(found)]
        assert len(found) == len(expected) or (notices and '\n' not in ''.join(notices))
        counts.add(len(found))
    assert len(counts) > 3 or 'file' in kind


@pytest.mark.parametrize('compression', CompressionType)
def test_of_the_chunk_a_file_ends_in_its_beginning_is_read(tmp_path, compression):
    noise = random.Random(1)
    texts = [noise.randbytes(8000).hex() for _ in range(40)]
    some = [raw('/s', make('std_msgs/msg/String', t), T0 + n) for n, t in enumerate(texts)]
    path = mcap(tmp_path / 'a.mcap', some, compression, chunk_size=1 << 30)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found, (notice,) = read(path)
    assert 14 <= len(found) <= 20 and found == plain(some[: len(found)])
    assert f'the {len(found)} messages in there' in notice


def test_a_file_cut_between_the_indexes_of_its_last_chunk(tmp_path):
    path = mcap(tmp_path / 'a.mcap', MESSAGES)
    with BagReader(path) as bag:
        block = bag._parts[0]._blocks[3]
    first_index = (
        9
        + 2
        + 4
        + 16
        * sum(
            message.topic == MESSAGES[0].topic
            and block.start_ns <= message.received_ns <= block.end_ns
            for message in MESSAGES
        )
    )
    path.write_bytes(path.read_bytes()[: block.at + block.length + first_index])
    found, (notice,) = read(path)
    expected = [m for m in MESSAGES if m.received_ns <= block.end_ns]
    assert {m.topic for m in expected} == {'/joints', '/text', '/pixels'}
    assert len(expected) - 2 <= len(found) <= len(expected) and f'the {len(found)} mess' in notice
    with BagReader(path) as bag:
        late = [m for m in bag.messages(['/text', '/pixels']) if m.received_ns >= block.start_ns]
    assert {m.topic for m in late} == {'/text', '/pixels'}


def test_the_last_part_of_a_killed_recorder_is_empty(tmp_path):
    folder = write_bag(tmp_path / 'a', MESSAGES)
    shutil.move(folder / 'a.mcap', folder / 'a_0.mcap')
    (folder / 'a_1.mcap').touch()
    (folder / 'metadata.yaml').unlink()
    found, (missing, empty) = read(folder)
    assert found == plain(MESSAGES) and missing.startswith('metadata.yaml is missing')
    assert 'a_1.mcap is empty' in empty and empty.endswith(': left out')
    (folder / 'a_0.mcap').write_bytes(b'')
    with pytest.raises(BagError, match=r'a_0.mcap is empty: nothing was written into it$'):
        read(folder)


def test_a_recorder_of_ros1_that_was_killed_wrote_its_last_chunk_without_a_size(tmp_path):
    path = ros1(tmp_path / 'a.bag', MESSAGES)
    whole = path.read_bytes()
    with BagReader(path) as bag:
        block = bag._parts[0]._blocks[-1]
    record = whole.index(b'size=', block.at)
    at = whole.index(b'size=', block.at) + 5
    size = int.from_bytes(whole[at : at + 4], 'little')
    end = record + len('size=') + 4
    data = end + 4
    if whole[end : end + 4] != size.to_bytes(4, 'little'):
        data = whole.index(size.to_bytes(4, 'little'), end) + 4
    torn = whole[: data - 4] + bytes(4) + whole[data : data + size]
    path.write_bytes(torn)
    found, (notice,) = read(path)
    assert found == plain(MESSAGES) and 'was not written to its end' in notice


# --- damaged in the middle --------------------------------------------------------------------


def spoil(path, find, change=b'\xff', offset=0, nth=0):
    data = bytearray(path.read_bytes())
    at = -1
    for _ in range(nth + 1):
        at = data.index(find, at + 1)
    data[at + offset : at + offset + len(change)] = change
    path.write_bytes(bytes(data))


@pytest.mark.parametrize('compression', CompressionType)
def test_a_chunk_with_a_wrong_checksum_is_left_out_and_counted(tmp_path, compression):
    path = mcap(tmp_path / 'a.mcap', MESSAGES, compression)
    with BagReader(path) as bag:
        block = bag._parts[0]._blocks[2]
    data = bytearray(path.read_bytes())
    pixels = data.find(bytes(range(200)), block.at)
    is_plain = 0 <= pixels < block.at + block.length
    data[pixels if is_plain else block.at + block.length // 2] ^= 1
    path.write_bytes(bytes(data))
    found, (notice,) = read(path)
    inside = [m for m in MESSAGES if block.start_ns <= m.received_ns <= block.end_ns]
    lost = [one for one in plain(MESSAGES) if one not in found]
    assert 0 < len(lost) <= len(inside) and len(found) + len(lost) == len(MESSAGES)
    assert notice.startswith('a.mcap: ') and f'at {block.at})' in notice
    assert f'{len(lost)} messages are left out' in notice


def test_losses_are_told_once_however_often_a_bag_is_read(tmp_path):
    path = mcap(tmp_path / 'a.mcap', MESSAGES)
    spoil(path, b'message 30', b'?')
    with BagReader(path) as bag:
        for _ in range(3):
            list(bag.messages(bag.topics))
        assert len(bag.notices) == 1 and 'a wrong checksum (at' in bag.notices[0]


@pytest.mark.parametrize('kind', ['mcap message zstd', 'sqlite3 message zstd'])
def test_a_message_that_cannot_be_unpacked_is_left_out(tmp_path, kind):
    path = MAKERS[kind](tmp_path, MESSAGES)
    file = file_of(path)
    data = bytearray(file.read_bytes())
    at = -1
    for _ in range(40):
        at = data.index(b'\x28\xb5\x2f\xfd', at + 1)
    data[at + 4 : at + 6] = b'\xff\xff'
    file.write_bytes(bytes(data))
    found, (notice,) = read(path)
    assert len(found) == len(MESSAGES) - 1 and set(found) < set(plain(MESSAGES))
    assert 'bytes that are no' in notice and '1 messages are left out' in notice


@pytest.mark.parametrize('kind', ['mcap none', 'mcap unchunked'])
def test_a_message_of_nobody_is_left_out(tmp_path, kind):
    path = MAKERS[kind](tmp_path, MESSAGES)
    text = next(m.data for m in MESSAGES if m.topic == '/text')
    spoil(path, text, b'\x07\x07', offset=-22)
    found, notices = read(path)
    assert len(found) < len(MESSAGES) and set(found) < set(plain(MESSAGES))
    assert any('a channel that is nowhere defined' in n or 'checksum' in n for n in notices)


# --- sqlite -----------------------------------------------------------------------------------


def test_a_damaged_database_gives_the_rows_that_can_be_reached(tmp_path):
    path = file_of(write_bag(tmp_path / 'a', MESSAGES * 3, StoragePlugin.SQLITE3))
    data = bytearray(path.read_bytes())
    page = len(data) // 4096 // 2 * 4096
    data[page : page + 4096] = b'\xa5' * 4096
    path.write_bytes(bytes(data))
    found, notices = read(path)
    assert 60 < len(found) < len(MESSAGES) * 3 and set(found) <= set(plain(MESSAGES))
    assert [one[1] for one in found] == sorted(one[1] for one in found)
    assert any('is damaged (' in notice for notice in notices)


def test_a_database_without_an_index_of_times(tmp_path):
    path = file_of(write_bag(tmp_path / 'a', MESSAGES[::-1], StoragePlugin.SQLITE3))
    with sqlite3.connect(path) as database:
        database.execute('DROP INDEX timestamp_idx')
    database.close()
    found, notices = read(path)
    assert sorted(found) == sorted(plain(MESSAGES)) and notices == ()
    assert [one[1] for one in found] == sorted(one[1] for one in found)


def test_the_write_ahead_log_of_a_killed_recorder_is_read(tmp_path):
    path = file_of(write_bag(tmp_path / 'a', MESSAGES, StoragePlugin.SQLITE3))
    writer = sqlite3.connect(path)
    writer.execute('PRAGMA journal_mode=WAL')
    writer.execute(
        'INSERT INTO messages SELECT id + 1000, topic_id, timestamp, data FROM messages'
    )
    writer.commit()
    killed = tmp_path / 'killed'
    killed.mkdir()
    for file in path.parent.glob('a.db3*'):
        if file.suffix != '.db3-shm':
            shutil.copy(file, killed)
    writer.close()
    before = (killed / 'a.db3').read_bytes(), (killed / 'a.db3-wal').read_bytes()
    found, notices = read(killed / 'a.db3')
    assert len(found) == 2 * len(MESSAGES) and notices == ()
    assert ((killed / 'a.db3').read_bytes(), (killed / 'a.db3-wal').read_bytes()) == before


def test_rows_without_sense_are_left_out(tmp_path):
    path = file_of(write_bag(tmp_path / 'a', MESSAGES, StoragePlugin.SQLITE3))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE messages SET timestamp = 'never' WHERE id = 3")
        database.execute('UPDATE messages SET timestamp = -5 WHERE id = 4')
        database.execute('UPDATE messages SET data = 7 WHERE id = 5')
        database.execute('UPDATE messages SET topic_id = 99 WHERE id = 6')
    database.close()
    found, notices = read(path)
    assert len(found) == len(MESSAGES) - 4
    assert any('a damaged row (2 times' in notice for notice in notices)
    assert any('a row without data (at 5)' in notice for notice in notices)


# --- topics that cannot be given --------------------------------------------------------------


def strange(path, *channels):
    """Write an mcap with channels (topic, encoding, type, language, definition, data)."""
    writer = McapWriter(str(path))
    writer.start('ros2', 'test')
    for topic, encoding, kind, language, text, data in channels:
        schema = writer.register_schema(kind, language, text) if kind else 0
        channel = writer.register_channel(topic, encoding, schema)
        writer.add_message(channel, T0, data, T0)
    writer.finish()
    return path


STRING = make('std_msgs/msg/String', 'x')
GOOD = ('/good', 'cdr', 'std_msgs/msg/String', 'ros2msg', b'string data', raw('/', STRING, 0).data)


@pytest.mark.parametrize(
    ('channel', 'why'),
    [
        (('/odd', 'json', 'foxglove.Log', 'jsonschema', b'{}', b'{}'), 'json, not ROS'),
        (('/odd', 'cdr', '', '', b'', b''), 'does not say of what type'),
        (('/odd', 'cdr', 'lab_msgs/msg/Grip', 'ros2msg', b'float [', b''), 'cannot be parsed'),
        (('/odd', 'cdr', 'lab_msgs/Grip', '', b'', b''), 'nobody defines lab_msgs/msg/G'),
        (('/odd', *GOOD[1:4], b'int8 data', b''), 'std_msgs/msg/String in two ways'),
        (('/odd', 'cdr', 'lab_msgs/srv/A_Event', 'ros2msg', b'lab_msgs/B b', b''), 'msg/B'),
    ],
)  # fmt: skip
def test_a_topic_that_cannot_be_given_costs_itself_alone(tmp_path, channel, why):
    path = strange(tmp_path / 'a.mcap', GOOD, channel)
    found, (notice,) = read(path)
    assert [one[0] for one in found] == ['/good']
    assert notice.startswith('/odd: left out, ') and why in notice
    with BagReader(path) as bag:
        assert (bag.topics, bag.count(['/odd']), bag.stored('/odd')) == ({'/good': GOOD[2]}, 0, 1)
        assert why in bag.why_not('/odd') and bag.why_not('/good') == ''
        assert list(bag.all_topics) == ['/good', '/odd']
        assert bag.message_count == 2 and list(bag.messages(['/odd'])) == []


def test_a_topic_of_two_types(tmp_path):
    other = ('/good', 'cdr', 'std_msgs/msg/Int8', 'ros2msg', b'int8 data', b'')
    path = strange(tmp_path / 'a.mcap', GOOD, other, ('/fine', *GOOD[1:]))
    found, (notice,) = read(path)
    assert [one[0] for one in found] == ['/fine']
    assert 'of 2 types: std_msgs/msg/Int8 and std_msgs/msg/String' in notice


def test_a_file_of_other_messages_is_refused_in_one_line(tmp_path):
    path = strange(tmp_path / 'a.mcap', ('/log', 'protobuf', 'foxglove.Log', 'protobuf', b'', b''))
    with pytest.raises(BagError, match=r'no ROS messages, but /log \(protobuf foxglove.Log\)$'):
        read(path)


def test_given_definitions_make_a_topic_readable(tmp_path):
    channel = ('/grip', 'cdr', 'lab_msgs/msg/Grip', '', b'', raw('/', STRING, 0).data)
    path = strange(tmp_path / 'a.mcap', GOOD, channel)
    msgs = tmp_path / 'ws/src/lab_msgs/msg'
    msgs.mkdir(parents=True)
    (msgs / 'Grip.msg').write_text('string data')
    found, notices = read(path, msgs=(tmp_path / 'ws',))
    assert [one[0] for one in found] == ['/good', '/grip'] and notices == ()


def test_ros1_messages_in_an_mcap(tmp_path):
    text = (
        b'Header header\nfloat64 f\n'
        + b'=' * 80
        + b'\nMSG: std_msgs/Header\nuint32 seq\ntime stamp\nstring frame_id'
    )
    data = bytes(4) + (5).to_bytes(4, 'little') + bytes(4) + b'\x01\0\0\0a' + bytes(8)
    path = strange(tmp_path / 'a.mcap', ('/f', 'ros1', 'lab_msgs/F', 'ros1msg', text, data))
    with BagReader(path) as bag:
        (message,) = bag.messages(['/f'])
        decoded = bag.types.deserialize_cdr(message.data, message.msgtype)
    assert (decoded.header.stamp.sec, decoded.header.frame_id, decoded.f) == (5, 'a', 0.0)


def test_old_type_names(tmp_path):
    path = strange(tmp_path / 'a.mcap', (*GOOD[:2], 'std_msgs/String', *GOOD[3:]))
    with BagReader(path) as bag:
        assert bag.topics == {'/good': 'std_msgs/msg/String'}
    assert len(read(path)[0]) == 1
