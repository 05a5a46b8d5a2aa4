"""Definitions that go into a bag."""

from __future__ import annotations

from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from lerobot_recorder.bag_types import MessageTypes
from lerobot_recorder.messages import standard_types


def installed(folder, **definitions):
    for name, text in definitions.items():
        path = folder / f'share/lab_msgs/msg/{name}.msg'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return MessageTypes([folder])


def test_a_message_of_the_lab_with_all_that_is_in_it(tmp_path):
    types = installed(
        tmp_path,
        Grip='uint8 OPEN=1\nlab_msgs/Finger[2] fingers\nstd_msgs/Header header\n',
        Finger='float64[<=3] forces\nstring name "thumb"\n',
    )
    found = types.definition('lab_msgs/msg/Grip')
    assert found.is_known
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(found.text, 'lab_msgs/msg/Grip'))
    assert {'lab_msgs/msg/Finger', 'std_msgs/msg/Header'} < set(store.fielddefs)
    assert store.hash_rihs01('lab_msgs/msg/Grip') == found.digest


def test_what_is_installed_counts_not_what_is_standard(tmp_path):
    path = tmp_path / 'share/std_msgs/msg/String.msg'
    path.parent.mkdir(parents=True)
    path.write_text('string data\nuint8 added_by_the_lab\n')
    found = MessageTypes([tmp_path]).definition('std_msgs/msg/String')
    assert 'added_by_the_lab' in found.text
    assert found.digest != standard_types().hash_rihs01('std_msgs/msg/String')


def test_standard_messages_need_nothing_installed():
    found = MessageTypes([]).definition('sensor_msgs/msg/Image')
    assert found.is_known and 'uint8[] data' in found.text
    assert found.digest == standard_types().hash_rihs01('sensor_msgs/msg/Image')


def test_nobody_knows_it(tmp_path):
    types = installed(tmp_path, Broken='float32 [x\n', Torn='lab_msgs/Missing part\n')
    for name in ('Broken', 'Torn', 'Missing'):
        found = types.definition(f'lab_msgs/msg/{name}')
        assert (found.text, found.is_known) == ('', False)
