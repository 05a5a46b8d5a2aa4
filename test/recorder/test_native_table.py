from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fact_messages import wrench
from random_messages import random_message
from recording_stage import KeptTable
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from synthetic_messages import MS, T0, TYPES, S, header, joint_state, make, raw

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.side_tables import SideTable, to_parquet
from lerobot_recorder.fixed_messages import LAYOUTS
from lerobot_recorder.mapping import NativeConfig
from lerobot_recorder.messages import RawMessage, decode
from lerobot_recorder.native_columns import is_kept
from lerobot_recorder.native_log import NativeLog
from lerobot_recorder.native_table import NativeTable

HAND = 'my_msgs/msg/Hand'
HAND_TEXT = """
std_msgs/Header header
int64 stamp_ns
float32[2] tilt
uint8[] skin
my_msgs/Finger[] fingers
string[<=4] words
================================================================================
MSG: my_msgs/Finger
string name
bool touches
geometry_msgs/Vector3 force
duration since
"""


def custom_types():
    store = get_typestore(Stores.LATEST)
    text = HAND_TEXT.replace('duration since', 'builtin_interfaces/Duration since')
    store.register(get_types_from_msg(text, HAND))
    return store


def kept(folder, messages, types=None, name='n'):
    """The table that a log makes of messages, through the writer's own files."""
    log = NativeLog(name, NativeConfig(topic=messages[0].topic), types)
    made = {}

    def start(table, schema):
        made[table] = SideTable(folder / f'{table}.side.arrow', schema)
        return made[table]

    for message in messages:
        log.add(message)
        log.write(0, message.received_ns + 100 * S, start)
    assert not log.counts.unusable, log.last_error
    made[name].close()
    to_parquet(folder, {name: folder / f'{name}.side.arrow'}, 'u')
    return folder / f'u.{name}.parquet'


def given_back(folder, messages, types=None):
    return [entry.raw for entry in NativeTable(kept(folder, messages, types)).messages()]


ALL = sorted(msgtype for msgtype in TYPES.fielddefs if is_kept(msgtype) and '/msg/' in msgtype)


@pytest.mark.parametrize('package', sorted({name.partition('/')[0] for name in ALL}))
def test_every_standard_message_comes_back_byte_for_byte(tmp_path, package):
    rng = np.random.default_rng(len(package))
    for number, msgtype in enumerate(t for t in ALL if t.startswith(f'{package}/')):
        folder = tmp_path / str(number)
        folder.mkdir()
        made = [random_message(msgtype, TYPES, rng, T0 + n * MS) for n in range(3)]
        messages = [raw('/x', m, T0 + n * MS + 7, T0 + n * MS + 3) for n, m in enumerate(made)]
        assert given_back(folder, messages) == messages, msgtype


@pytest.mark.parametrize('msgtype', LAYOUTS)
def test_messages_that_are_read_at_once_come_back_too(tmp_path, msgtype):
    rng = np.random.default_rng(1)
    made = random_message(msgtype, TYPES, rng, T0)
    data = [raw('/x', made, T0 + n * MS) for n in range(5)]
    assert given_back(tmp_path, data) == [RawMessage(*vars(m).values()) for m in data]


def test_nan_infinity_and_unknown_estimates_come_back(tmp_path):
    numbers = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    state = raw('/x', joint_state(T0, 'abcde', numbers, numbers[::-1]), T0)
    assert given_back(tmp_path, [state]) == [state]


def test_a_custom_type_is_kept_by_its_definition_alone(tmp_path):
    types = custom_types()
    rng = np.random.default_rng(4)
    made = [random_message(HAND, types, rng, T0 + n * MS) for n in range(9)]
    data = [bytes(types.serialize_cdr(message, HAND)) for message in made]
    messages = [RawMessage('/hand', HAND, d, 0, T0 + n * S) for n, d in enumerate(data)]
    path = kept(tmp_path, messages, types)
    table = NativeTable(path)
    assert (table.topic, table.msgtype, len(table)) == ('/hand', HAND, 9)
    assert [entry.raw for entry in table.messages()] == messages
    names = pq.read_schema(path).names
    assert names[4:] == ['header.frame_id', 'message.stamp_ns', 'tilt', 'skin', 'fingers', 'words']
    assert decode(messages[0], table.types).fingers[0].name == made[0].fingers[0].name


def cloud(stamp_ns, points):
    field = [make('sensor_msgs/msg/PointField', n, 4 * at, 7, 1) for at, n in enumerate('xyz')]
    data = np.random.default_rng(stamp_ns % 97).integers(0, 256, 12 * points, dtype=np.uint8)
    return make(
        'sensor_msgs/msg/PointCloud2', header(stamp_ns), 1, points, field, False, 12, 12 * points,
        data, True,
    )  # fmt: skip


def test_wide_rows_are_written_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr('lerobot_recorder.dataset.side_tables._ROW_GROUP_BYTES', 1 << 20)
    messages = [raw('/points', cloud(T0 + n * 100 * MS, 20_000), T0 + n * S) for n in range(20)]
    path = kept(tmp_path, messages)
    file = pq.ParquetFile(path)
    rows = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert sum(rows) == 20 and max(rows) <= 4
    assert [entry.raw for entry in NativeTable(path).messages()] == messages
    assert pq.read_table(path)['data'].type == pa.binary()


def test_another_file_is_told_apart(tmp_path):
    (tmp_path / 'text').write_text('nothing')
    with pytest.raises(DatasetError, match=r'text is no Parquet file'):
        NativeTable(tmp_path / 'text')
    pq.write_table(pa.table({'a': [1]}), tmp_path / 'old.parquet')
    with pytest.raises(DatasetError, match=r'old\.parquet does not tell the topic and type'):
        NativeTable(tmp_path / 'old.parquet')


def test_the_clocks_come_back(tmp_path):
    log = NativeLog('n', NativeConfig(topic='/w'))
    log.add(wrench(T0, 0.5))
    table = None

    def start(name, schema):
        nonlocal table
        table = KeptTable(schema)
        return table

    log.write(0, T0 + S, start)
    pq.write_table(table.table(), tmp_path / 'n.parquet')
    (entry,) = NativeTable(tmp_path / 'n.parquet').messages()
    assert (entry.stamp_ns, entry.raw) == (T0, wrench(T0, 0.5))
