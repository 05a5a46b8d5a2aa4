from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from fact_messages import wrench
from hypothesis import given, settings
from hypothesis import strategies as st
from recording_stage import KeptTable
from synthetic_messages import MS, T0, S, header, joint_state, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.mapping import NativeConfig
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.native_columns import is_kept
from lerobot_recorder.native_log import MAX_WAITING_NS, NativeLog
from lerobot_recorder.numeric_fields import READERS

END = T0 + 100 * S


class Tables:
    def __init__(self):
        self.made = {}

    def __call__(self, name, schema):
        assert name not in self.made
        self.made[name] = KeptTable(schema)
        return self.made[name]

    def table(self, name='n') -> pa.Table:
        return self.made[name].table()


def log(messages, start=T0, end=END, steps=()) -> tuple[NativeLog, pa.Table | None]:
    made, tables = NativeLog('n', NativeConfig(topic='/w')), Tables()
    for number, message in enumerate(messages):
        made.add(message)
        if number in steps:
            made.write(start, message.received_ns - 30 * MS, tables)
    made.write(start, end, tables)
    return made, tables.table() if tables.made else None


def test_every_message_is_kept_with_its_clocks():
    made, table = log([wrench(T0 + n * MS, n / 7) for n in range(500)], steps=(100, 300))
    times, first = ['stamp_ns', 'header_ns', 'source_ns', 'received_ns'], 'header.frame_id'
    assert table.column_names[:6] == [*times, first, 'force.x']
    assert table['stamp_ns'].to_pylist() == [T0 + n * MS for n in range(500)]
    assert table['header_ns'].to_pylist() == table['stamp_ns'].to_pylist()
    assert table['source_ns'][3].as_py() == T0 + 3 * MS + MS // 2
    assert table['received_ns'][3].as_py() == T0 + 4 * MS
    assert table['force.x'].to_pylist() == [n / 7 for n in range(500)]
    assert table['torque.z'].to_pylist() == [1.0] * 500
    report = made.report()
    assert (report['rows'], report['late'], report['unusable']) == (500, 0, 0)
    assert report['clock'] == {'header': 500} and report['longest_gap_ns'] == MS


def test_only_what_lies_in_the_episode_is_kept():
    _, table = log([wrench(T0 + n * MS) for n in range(-50, 50)], T0, T0 + 20 * MS)
    assert table['stamp_ns'].to_pylist() == [T0 + n * MS for n in range(21)]
    assert log([], T0)[1] is None


def test_gaps_bursts_and_late_ones_are_told():
    stamps = [0, 1, 2, 302, 303, 303, 304]
    messages = [wrench(T0 + n * MS, received=T0 + 400 * MS) for n in stamps]
    late = wrench(T0 + 1500 * 1000, received=T0 + 500 * MS)
    made, table = log([*messages, late], steps=(6,))
    assert made.counts.longest_gap_ns == 300 * MS
    assert (made.counts.duplicates, made.counts.late, made.counts.rows) == (1, 1, 8)
    assert table['stamp_ns'].to_pylist()[-1] == T0 + 1500 * 1000


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_when_it_is_written_does_not_matter(seed):
    random = np.random.default_rng(seed)
    stamps = T0 + np.cumsum(random.integers(1, 5 * MS, 200))
    messages = [wrench(int(at), float(n)) for n, at in enumerate(stamps)]
    steps = set(random.integers(0, 200, 20).tolist())
    assert log(messages, steps=steps)[1].equals(log(messages)[1])


def test_without_an_episode_memory_is_bounded():
    made = NativeLog('n', NativeConfig(topic='/w'))
    for n in range(4000):
        made.add(wrench(T0 + n * MS))
    assert len(made._waiting) <= MAX_WAITING_NS // MS + 1


def test_damaged_messages_are_counted_and_leave_no_row():
    good = [wrench(T0 + n * MS) for n in range(4)]
    torn = [RawMessage('/w', good[0].msgtype, good[0].data[:size], 0, T0) for size in (3, 20, 60)]
    made, table = log([*good[:2], *torn, *good[2:]])
    assert table.num_rows == 4 and made.counts.unusable == 3
    assert 'not a valid geometry_msgs' in made.report()['last_error']


def test_messages_of_several_frames_are_kept_too():
    _, table = log([wrench(T0 + n * MS, n, frame='a' * (n % 3)) for n in range(9)])
    assert table['force.x'].to_pylist() == list(range(9))


def test_joint_states_are_lists_by_name():
    messages = [
        raw('/w', joint_state(T0 + n * MS, 'abc'[: n + 1], np.arange(n + 1)), T0) for n in range(3)
    ]
    _, table = log(messages)
    assert table['name'].to_pylist() == [['a'], ['a', 'b'], ['a', 'b', 'c']]
    assert table['position'].to_pylist() == [[0], [0, 1], [0, 1, 2]]
    assert table['effort'].to_pylist() == [[], [], []]


def test_messages_without_a_header_have_the_stamp_of_arrival():
    message = raw('/w', make('std_msgs/msg/Float64', 0.5), T0 + 2, T0 + 1)
    _, table = log([message])
    assert table.to_pylist() == [
        {'stamp_ns': T0 + 1, 'header_ns': None, 'source_ns': T0 + 1, 'received_ns': T0 + 2,
         'data': 0.5}
    ]  # fmt: skip


def test_an_unknown_orientation_is_kept_as_it_was_told():
    nine = np.zeros(9)
    unknown = nine.copy()
    unknown[0] = -1
    turn = make('geometry_msgs/msg/Quaternion', 0.0, 0.0, 0.0, 1.0)
    vector = make('geometry_msgs/msg/Vector3', 1.0, 2.0, 3.0)
    for covariance in (nine, unknown):
        fields = (header(T0), turn, covariance, vector, nine, vector, nine)
        _, table = log([raw('/w', make('sensor_msgs/msg/Imu', *fields), T0)])
        assert table['orientation.w'].to_pylist() == [1.0]
        assert table['orientation_covariance'].to_pylist() == [covariance.tolist()]
        assert table['angular_velocity.z'].to_pylist() == [3.0]


def test_what_can_be_a_feature_can_be_kept():
    assert {msgtype for msgtype in READERS if not is_kept(msgtype)} == set()


def test_other_types_are_refused():
    made = NativeLog('n', NativeConfig(topic='/w'))
    with pytest.raises(StreamError, match=r'my_msgs/msg/Hand cannot be kept .*native\.n'):
        made.add(RawMessage('/w', 'my_msgs/msg/Hand', b'', 0, 0))


def test_the_end_waits_for_what_is_on_its_way():
    made = NativeLog('n', NativeConfig(topic='/w'))
    assert made.is_settled(T0, T0, 100)
    made.add(wrench(T0, received=T0 + 40 * MS))
    assert not made.is_settled(T0 + 10 * MS, T0 + 50 * MS, 0)
    assert made.is_settled(T0 + 10 * MS, T0 + 51 * MS, 0)
    made.add(wrench(T0 + 11 * MS))
    assert made.is_settled(T0 + 10 * MS, T0 + 12 * MS, 100)


def test_heavy_messages_are_written_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr('lerobot_recorder.native_log.HEAVY', 1000)
    size = len(wrench(T0).data)
    made, tables = NativeLog('n', NativeConfig(topic='/w')), Tables()
    for number in range(100):
        assert made.is_heavy == (number * size > 1000)
        made.add(wrench(T0 + number * MS, number))
    made.write(T0, T0 + 79 * MS, tables)
    assert made.is_heavy == (20 * size > 1000)
    made.write(T0, END, tables)
    assert not made.is_heavy
    batches = tables.made['n'].batches
    assert sum(batch.num_rows for batch in batches) == 100
    assert max(batch.num_rows for batch in batches) == 1000 // size + 1
    assert tables.table()['force.x'].to_pylist() == list(range(100))
