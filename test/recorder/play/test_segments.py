"""What can be played at a path, and how it was offered."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_messages import MS, T0, joint_state, raw, write_bag

from lerobot_drivers.common.errors import BagError, UsageError
from lerobot_recorder.commands import play
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.play.segments import segments_at
from lerobot_recorder.play.selection import played_segments
from lerobot_recorder.to_bag.write import ToBagJob, write_bags


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('played') / 'set'
    names = {'observation.state': ['a.pos', 'b.pos'], 'action': ['a.pos', 'b.pos']}
    features = {k: {'dtype': 'float32', 'shape': [2], 'names': n} for k, n in names.items()}
    with DatasetWriter.create(root, DatasetInfo(10, features, 'thing')) as writer:
        for task in ('fold', 'open'):
            for k in range(6):
                writer.add_frame(dict.fromkeys(names, np.full(2, k, np.float32)), {}, task)
            writer.save_episode()
    return root


def told(segment):
    topics = segment.topics()
    return {name: topic.is_latched for name, topic in topics.items()}, set(segment.actions())


def test_a_dataset_is_played_as_its_bags_would_be(root, tmp_path):
    write_bags(ToBagJob(root, tmp_path / 'bags', [0, 1]))
    bags, episodes = segments_at(tmp_path / 'bags'), segments_at(root)
    assert [s.name for s in bags] == ['episode_000000', 'episode_000001']
    assert [s.name for s in episodes] == ['episode 0', 'episode 1']
    for bag, episode in zip(bags, episodes, strict=True):
        assert told(bag) == told(episode)
        topics = set(bag.topics())
        sent = [(m.topic, m.received_ns, m.data) for m in bag.messages(topics)]
        assert sent == [(m.topic, m.received_ns, m.data) for m in episode.messages(topics)]
        assert bag.span_ns()[1] == episode.span_ns()[1]
    latched, actions = told(bags[0])
    assert actions == {'/joint_commands'}
    assert latched == {'/joint_states': False, '/joint_commands': False, '/recorder/task': True}


def test_episodes_are_chosen_by_number(root):
    assert [s.name for s in played_segments(root, '1', {})] == ['episode 1']
    with pytest.raises(UsageError, match='episode 2'):
        played_segments(root, 2, {})


def test_a_bag_of_others_has_no_known_commands(tmp_path):
    bag = write_bag(tmp_path / 'bag', [raw('/s', joint_state(T0, 'a', [1.0]), T0 + MS)])
    (segment,) = segments_at(bag)
    assert told(segment) == ({'/s': False}, set())
    assert segment.span_ns() == (T0 + MS, T0 + MS)


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(BagError, match='does not exist; name a bag'):
        segments_at(tmp_path / 'nothing')
    with pytest.raises(BagError, match='does not exist'):
        play.run([str(tmp_path / 'nothing')])


def test_one_thing_is_named(root):
    with pytest.raises(UsageError, match='not both'):
        play.run([str(root), f'--dataset.root={root}'])
