"""Service events, as rclpy sent them, and episodes cut by them."""

from __future__ import annotations

from pathlib import Path

import pytest
from long_bag import at, bag_of, convert, pictures, streams
from rosbags.rosbag2 import StoragePlugin, Writer
from synthetic_messages import S

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.conversion.service_events import ServiceCalls, parse
from lerobot_recorder.messages import RawMessage

TRIGGER, SET_BOOL = 'std_srvs/srv/Trigger_Event', 'std_srvs/srv/SetBool_Event'
CLIENT, SERVER = '010f78fd8962f1780000000000001603', '010f78fd8962f1780000000000001504'
ASKED = '010000000000000000000000'
REFUSED = '00000000010000000000000002000000' + '6d00'
"""What rclpy 7 (Fast DDS) wrote for a request of Trigger, and for a refusal with the text m."""


def event(kind: int, who: str, number: int, rest: str) -> bytes:
    head = f'000100000{kind}000000c38c096b30f6da1c{who}00000000'
    return bytes.fromhex(head + number.to_bytes(8, 'little').hex() + rest)


def raw(data: bytes, msgtype: str = TRIGGER, at_s: float = 0.0) -> RawMessage:
    return RawMessage('/rec/start/_service_event', msgtype, data, 0, at(at_s))


def test_what_rclpy_sent_is_read():
    asked = parse(raw(event(1, SERVER, 1, ASKED)))
    assert (asked.kind, asked.call) == (1, (bytes.fromhex(SERVER), 1))
    assert asked.data is asked.success is None
    assert parse(raw(event(2, SERVER, 1, REFUSED))).success is False
    granted = REFUSED.replace('0100000000', '0100000001', 1)
    assert parse(raw(event(2, SERVER, 1, granted))).success is True
    true = ASKED.replace('0100000000', '0100000001', 1)
    assert parse(raw(event(1, SERVER, 1, true), SET_BOOL)).data is True
    assert parse(raw(event(1, SERVER, 1, ASKED), SET_BOOL)).data is False
    bare = event(1, SERVER, 1, '0000000000000000')  # introspection of metadata alone
    assert parse(raw(bare, SET_BOOL)).data is None


def test_bytes_that_are_no_event_are_an_error():
    for size in range(47):
        with pytest.raises(StreamError, match='not a valid service event'):
            parse(raw(event(1, SERVER, 1, ASKED)[:size]))


def test_a_call_counts_once_though_both_sides_tell_of_it_and_a_refused_one_not_at_all():
    calls = ServiceCalls(TRIGGER)
    for number, refused in ((1, False), (2, True), (3, False)):
        calls.add(raw(event(0, CLIENT, number, ASKED), at_s=number))
        calls.add(raw(event(1, SERVER, number, ASKED), at_s=number + 0.1))
        if refused:
            calls.add(raw(event(2, SERVER, number, REFUSED), at_s=number + 0.2))
    assert [(call.at_ns - at(0)) / S for call in calls.done()] == [1.1, 3.1]


def test_what_the_client_alone_tells_counts_too():
    calls = ServiceCalls(TRIGGER)
    calls.add(raw(event(0, CLIENT, 1, ASKED), at_s=1))
    assert [(call.at_ns - at(0)) / S for call in calls.done()] == [1.0]


def with_calls(path: Path, plugin: StoragePlugin, calls) -> Path:
    """A bag with service events, of which it keeps what rosbag2 keeps: the text of the .srv."""
    plain = bag_of(path.with_name('plain'), streams(5))
    with BagReader(plain) as reader, Writer(path, version=9, storage_plugin=plugin) as writer:
        messages = list(reader.messages(list(reader.topics)))
        for number, (topic, kind, at_s, rest) in enumerate(calls):
            data = event(1, SERVER, number, rest)
            messages.append(RawMessage(topic, kind, data, 0, at(at_s)))
        made = {}
        for one in sorted(messages, key=lambda one: one.received_ns):
            if one.topic not in made:
                text, _ = (
                    reader.types.generate_msgdef(one.msgtype, ros_version=2)
                    if 'srv' not in (one.msgtype)
                    else ('---\nbool success\nstring message\n', '')
                )
                made[one.topic] = writer.add_connection(
                    one.topic, one.msgtype, msgdef=text, rihs01='x'
                )
            writer.write(made[one.topic], one.received_ns, one.data)
    return path


@pytest.mark.parametrize('plugin', list(StoragePlugin))
def test_services_that_are_named_for_words_cut(tmp_path, plugin):
    start, stop = '/rec/start_episode/_service_event', '/rec/success/_service_event'
    calls = [(start, TRIGGER, 1.0, ASKED), (stop, TRIGGER, 2.0, ASKED), (start, TRIGGER, 3, ASKED)]
    bag = with_calls(tmp_path / 'bag', plugin, calls)
    converted = convert(bag, tmp_path / 'set', episodes={'by': 'service'})
    assert pictures(tmp_path / 'set') == [list(range(10, 21)), list(range(30, 50))]
    assert [episode.outcome for episode in converted.episodes] == ['success', None]


def test_a_service_that_switches_cuts(tmp_path):
    true = ASKED.replace('0100000000', '0100000001', 1)
    name = '/cam/record/_service_event'
    calls = [(name, SET_BOOL, 1.0, true), (name, SET_BOOL, 2.0, ASKED)]
    bag = with_calls(tmp_path / 'bag', StoragePlugin.MCAP, calls)
    convert(bag, tmp_path / 'set', episodes={'by': 'service', 'topic': '/cam/record'})
    assert pictures(tmp_path / 'set') == [list(range(10, 21))]
