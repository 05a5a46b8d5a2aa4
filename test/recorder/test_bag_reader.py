from __future__ import annotations

import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin
from synthetic_messages import MS, T0, joint_state, raw, write_bag

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_reader import BagReader

STATES = [raw('/s', joint_state(T0, 'a', [k]), T0 + k * 10 * MS) for k in range(101)]
OTHERS = [raw('/t', joint_state(T0, 'a', [-k]), T0 + k * 10 * MS + 1) for k in range(3)]


@pytest.mark.parametrize('storage', list(StoragePlugin))
@pytest.mark.parametrize('of_the_file', [False, True])
def test_messages_come_as_they_were_logged(tmp_path, storage, of_the_file):
    everything = sorted([*STATES, *OTHERS], key=lambda message: message.received_ns)
    path = write_bag(tmp_path / 'bag', everything, storage)
    if of_the_file:
        (path,) = (file for file in path.iterdir() if file.suffix in ('.mcap', '.db3'))
    with BagReader(path) as bag:
        assert bag.topics == dict.fromkeys(('/s', '/t'), 'sensor_msgs/msg/JointState')
        assert (bag.message_count, bag.count(['/t']), bag.count(['/none'])) == (104, 3, 0)
        assert bag.duration_s == pytest.approx(1.0, abs=1e-6)
        found = [(m.topic, m.received_ns, bytes(m.data)) for m in bag.messages(['/s', '/t'])]
        assert found == [(m.topic, m.received_ns, m.data) for m in everything]
        assert [m.topic for m in bag.messages(['/t'])] == ['/t'] * 3
        assert list(bag.messages([])) == []


def test_whatever_goes_wrong_inside_becomes_one_line(tmp_path, monkeypatch):
    path = write_bag(tmp_path / 'bag', STATES)

    def broken(self, connections):
        yield from ()
        raise RuntimeError('first\n  second')

    with BagReader(path) as bag:
        monkeypatch.setattr(AnyReader, 'messages', broken)
        with pytest.raises(BagError, match=r'cannot be read: first second$'):
            list(bag.messages(['/s']))
