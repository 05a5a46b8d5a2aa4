"""A bag beside the dataset: what is in it, what it tells, and what becomes of it."""

from __future__ import annotations

import errno
import json
import threading
import time
from dataclasses import replace

import fact_messages
import numpy as np
import pyarrow.parquet as pq
import pytest
from bag_stage import CONFIGURATION, STREAMS, BagStage, bags, metadata, read
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from recording_stage import MAPPING
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from synthetic_messages import MS, T0, S, make, raw

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_config import BagConfig, Compression, Storage
from lerobot_recorder.bag_link import own_episodes
from lerobot_recorder.convert import ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.episode_bag import EpisodeBag
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder_status import Phase

KINDS = [
    BagConfig(),
    BagConfig(compression=Compression.ZSTD),
    BagConfig(storage=Storage.SQLITE3),
    BagConfig(storage=Storage.SQLITE3, compression=Compression.ZSTD),
]


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'set'


def recorded(root, config=None, **session):
    stage = BagStage(root, config, **{'num_episodes': 1, **session})
    stage.run()
    stage.recorder.close()
    return stage


def record_of(root, uuid):
    return json.loads((root / f'meta/ros/episodes/{uuid}.json').read_text())


def qos(durability):
    time = QosTime(0, 0)
    return Qos(
        QosHistory.KEEP_LAST, 7, QosReliability.RELIABLE, durability, time, time,
        QosLiveliness.AUTOMATIC, time, False,
    )  # fmt: skip


def test_an_episode_and_its_bag_name_each_other(root):
    recorded(root, num_episodes=2)
    reader = DatasetReader(root)
    assert len(bags(root)) == reader.num_episodes == 2
    for index, bag in enumerate(bags(root)):
        record, notes = record_of(root, bag.name), metadata(bag)['custom_data']
        told = record['details']['bag']
        assert (root / told['path']).resolve() == bag
        assert told['configuration'] == notes['configuration'] == CONFIGURATION
        assert notes['episode_uuid'] == record['uuid'] == bag.name
        assert notes['episode_index_when_saved'] == str(index)
        assert (notes['dataset_repo_id'], notes['dataset_root']) == ('me/set', str(root))
        assert (notes['task'], notes['frames'], notes['defects']) == ('fold', '30', '{}')
        counts = {
            t['topic_metadata']['name']: t['message_count']
            for t in metadata(bag)['topics_with_message_count']
        }
        assert told['messages'] == counts and set(counts) == STREAMS
        assert told['message_bytes'] == sum(len(data) for *_, data in read(bag))
    assert not (root.with_name('set_bags') / '.recording').exists()


@pytest.mark.parametrize('config', KINDS, ids=lambda c: f'{c.storage.value}-{c.compression.value}')
def test_every_message_is_there_as_it_came(root, config):
    stage = recorded(root, config)
    (bag,) = bags(root)
    heard = sorted((m.topic, m.received_ns, m.data, m.msgtype) for m in stage.companion.heard)
    assert sorted((topic, at, data, kind) for topic, kind, at, data in read(bag)) == heard
    assert metadata(bag)['version'] == 9
    assert metadata(bag)['storage_identifier'] == config.storage.value


def test_another_library_reads_it_by_its_own_definitions(root):
    recorded(root)
    (path,) = bags(root)[0].glob('*.mcap')
    with path.open('rb') as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        decoded = [message for *_, message in reader.iter_decoded_messages(topics=['/states'])]
    assert decoded[0].name == ['a', 'b'] and decoded[-1].position[1] == 7.0
    assert len(decoded) == len([1 for topic, *_ in read(bags(root)[0]) if topic == '/states'])


@pytest.mark.parametrize('config', KINDS[:3], ids=['mcap', 'zstd', 'sqlite3'])
def test_converting_it_gives_the_dataset_again(root, config, tmp_path):
    recorded(root, config, num_episodes=2)
    for index, bag in enumerate(bags(root)):
        (own,) = own_episodes(bag)
        target = tmp_path / f'again{index}'
        convert_bag(
            ConvertJob(
                bag, target, build_mapping(MAPPING, 'mapping'), 'fold',
                start_ns=own.start_ns, end_ns=own.end_ns,
            )
        )  # fmt: skip
        live, again = DatasetReader(root).episode(index), DatasetReader(target).episode(0)
        assert again.length == 30
        for key, values in live.rows.items():
            if key not in ('index', 'episode_index'):
                assert np.array_equal(values, again.rows[key]), key
        (path,) = (target / 'meta/ros/episodes').glob('*.frames.parquet')
        frames = pq.read_table(root / f'meta/ros/episodes/{bag.name}.frames.parquet')
        assert pq.read_table(path).equals(frames)


def test_the_bag_of_a_dropped_take_goes_with_it(root):
    stage = BagStage(root, num_episodes=1)
    stage.run_to(Phase.RECORDING)
    stage.run(0.5)
    stage.recorder.rerecord()
    stage.run()
    stage.recorder.close()
    assert [bag.name for bag in bags(root)] == [
        path.stem for path in (root / 'meta/ros/episodes').glob('*.json')
    ]
    assert len(list(root.with_name('set_bags').iterdir())) == 1


def test_the_bag_of_an_episode_dropped_after_it_was_saved_goes_with_it(root):
    stage = BagStage(root, num_episodes=2, reset_ns=1000 * S)
    stage.run_to(Phase.RESETTING)
    while not stage.recorder.status().saved:
        time.sleep(0.02)
        stage.run(0.01)
    answer = stage.recorder.rerecord()
    while not answer.is_given:
        time.sleep(0.02)
        stage.run(0.01)
    stage.recorder.close()
    assert answer.success and bags(root) == [], answer.text


@pytest.mark.parametrize('verb', ['stop', 'close'])
def test_a_take_that_never_began_leaves_no_bag(root, verb):
    stage = BagStage(root, reset_ns=S)
    stage.run_to(Phase.RESETTING)
    stage.silent = {'/front'}
    stage.run_to(Phase.WAITING)
    stage.run(0.5)
    getattr(stage.recorder, verb)()
    stage.recorder.close()
    assert [path.name for path in root.with_name('set_bags').iterdir()] == [bags(root)[0].name]


def test_a_session_without_an_episode_leaves_no_folder(root):
    stage = BagStage(root)
    stage.run(0.1)
    stage.recorder.close()
    assert not root.with_name('set_bags').exists()


def test_facts_from_before_begin_every_bag(root):
    stage = BagStage(root, num_episodes=2)
    latched = {'/tf_static', '/robot_description'}
    stage.companion.look(
        {}, lambda t: [qos(QosDurability(1 if t in latched else 2))]
    )  # TRANSIENT_LOCAL, VOLATILE
    facts = [
        fact_messages.transforms(('base', 'camera'), at=T0 - 90 * S),
        fact_messages.transforms(('base', 'tool'), at=T0 - 80 * S),
        fact_messages.description('<old/>', at=T0 - 70 * S),
        fact_messages.description('<robot/>', at=T0 - 60 * S),
        fact_messages.camera_info(T0 - 50 * S),
        fact_messages.camera_info(T0 - 40 * S),
    ]
    for fact in facts:
        stage.companion.on_message(fact)
    stage.run()
    stage.recorder.close()
    for bag in bags(root):
        lasting = [entry for entry in read(bag) if entry[0] not in STREAMS]
        kept = [facts[number] for number in (0, 1, 3, 5)]
        assert sorted(data for *_, data in lasting) == sorted(fact.data for fact in kept)
        first = min(at for topic, _, at, _ in read(bag) if topic in STREAMS)
        assert {at for _, _, at, _ in lasting} == {first}
        offered = {
            t['topic_metadata']['name']: t['topic_metadata']['offered_qos_profiles'][0]
            for t in metadata(bag)['topics_with_message_count']
        }
        assert offered['/tf_static']['durability'] == 'transient_local'
        assert offered['/states']['durability'] == 'volatile'
        assert offered['/states']['depth'] == 7


def test_a_fact_during_a_take_lies_within_the_bag(root):
    stage = BagStage(root, num_episodes=1)
    stage.run_to(Phase.RECORDING)
    late = fact_messages.camera_info(stage.now - 100 * MS)
    elsewhere = replace(fact_messages.camera_info(stage.now), received_ns=2 * T0)
    stage.companion.on_message(late)
    stage.companion.on_message(elsewhere)
    stage.run()
    stage.recorder.close()
    found = {data: at for topic, _, at, data in read(bags(root)[0]) if topic not in STREAMS}
    assert found[late.data] == late.received_ns
    times = [at for topic, _, at, _ in read(bags(root)[0]) if topic in STREAMS]
    assert min(times) < found[elsewhere.data] <= max(times)


def test_topics_for_the_bag_only_make_no_row_and_wait_for_no_take(root):
    stage = BagStage(root, BagConfig(topics=['/map', '/never']), num_episodes=1)
    there = {'/map': 'std_msgs/msg/String', '/states': 'x/msg/Y', '/other': 'x/msg/Y'}
    asked = stage.companion.look(there, lambda _: [qos(QosDurability.TRANSIENT_LOCAL)] * 0)
    assert asked == ['/map']
    stage.recorder._capture.beside = {*asked}
    stage.run_to(Phase.RECORDING)
    odd = RawMessage('/map', 'my_msgs/msg/Odd', b'\0\1\0\0odd', 0, stage.now)
    stage.recorder.on_message(odd)
    stage.run()
    stage.recorder.close()
    (bag,) = bags(root)
    assert ('/map', 'my_msgs/msg/Odd', odd.received_ns, odd.data) in read(bag)
    assert '/map' not in stage.recorder._recent._topics
    assert record_of(root, bag.name)['details']['bag']['unheard'] == ['/never']
    stage.companion.told()  # what its thread said after the last poll
    told = '; '.join(stage.companion.lines)
    assert 'nothing came on /never' in told
    assert '/map: the package of my_msgs/msg/Odd is not installed here' in told


def test_all_is_every_topic_that_is_not_hidden(root):
    stage = BagStage(root, BagConfig(topics='all'))
    there = dict.fromkeys(['/a', '/b/c', '/_hidden', '/b/_action/status'], 'std_msgs/msg/String')
    assert stage.companion.look(there, lambda _: ()) == ['/a', '/b/c']
    stage.recorder.close()


def test_a_disk_that_is_behind_costs_the_bag_messages_and_nobody_else(root, monkeypatch):
    going_on, write = threading.Event(), EpisodeBag.write

    def slow(self, raw, offered):
        going_on.wait(20)
        write(self, raw, offered)

    monkeypatch.setattr(EpisodeBag, 'write', slow)
    stage = BagStage(root, BagConfig(queue_mb=1), num_episodes=1)
    stage.run_to(Phase.RECORDING)
    stage.recorder._capture.beside = {'/big'}
    for number in range(3):
        text = make('std_msgs/msg/String', 'x' * 400_000)
        stage.recorder.on_message(raw('/big', text, stage.now + number))
    stage.run(until=lambda: bool(stage.recorder.accepted))
    going_on.set()
    stage.run()
    stage.recorder.close()
    (bag,) = bags(root)
    told = record_of(root, bag.name)['details']['bag']
    assert told['dropped'] == {'/big': 1} and told['messages']['/big'] == 2
    assert DatasetReader(root).episode(0).length == 30
    assert len(read(bag)) == sum(told['messages'].values())
    assert 'bag: 1 messages are not in it: the disk was behind' in stage.companion.lines


class FullFile:
    """A file on a disk that gets full in the midst of a write."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, data):
        written = self._file.write(data[: self._room])
        self._room -= written
        if written < len(data):
            raise OSError(errno.ENOSPC, 'No space left on device')

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.mark.parametrize(('sent', 'room'), [(12, 2_500_000), (4, 1_300_000)], ids=['take', 'end'])
def test_a_full_disk_ends_the_bag_and_not_the_episode(root, monkeypatch, sent, room):
    """A chunk is written half, while recording or when the bag is closed."""
    begin = EpisodeBag.__init__

    def begun(self, *arguments):
        begin(self, *arguments)
        self._writer.storage.bio = FullFile(self._writer.storage.bio, room)

    monkeypatch.setattr(EpisodeBag, '__init__', begun)
    stage = BagStage(root, num_episodes=1)
    stage.run_to(Phase.RECORDING)
    stage.recorder._capture.beside = {'/big'}
    for number in range(sent):
        text = make('std_msgs/msg/String', 'x' * 400_000)
        stage.recorder.on_message(raw('/big', text, stage.now + number))
    stage.run()
    lines = stage.companion.lines
    try:
        stage.recorder.close()
    except BagError as error:  # where nobody was told before
        lines.append(str(error))
    assert sum('not whole: No space left on device' in line for line in lines) == 1
    (bag,) = bags(root)
    assert DatasetReader(root).episode(0).length == 30
    found, heard = read(bag), {(m.topic, m.received_ns): m.data for m in stage.companion.heard}
    assert [topic for topic, *_ in found].count('/big') == (6 if sent == 12 else 3)
    assert all(heard[topic, at] == data for topic, _, at, data in found)
    assert metadata(bag)['message_count'] == len(found)
    assert metadata(bag)['custom_data']['fault'] == 'No space left on device'
    assert metadata(bag)['custom_data']['episode_uuid'] == bag.name


def test_what_nobody_foresaw_ends_one_bag_and_is_told(root, monkeypatch):
    write, seen = EpisodeBag.write, []

    def odd(self, raw, offered):
        seen.append(raw)
        if len(seen) == 50:
            raise ValueError('odd')
        write(self, raw, offered)

    monkeypatch.setattr(EpisodeBag, 'write', odd)
    stage = BagStage(root, num_episodes=2)
    stage.run(until=lambda: stage.recorder.accepted == 1)
    stage.recorder.wait()
    stage.run()
    stage.recorder.close()
    assert any('not whole: odd' in line for line in stage.companion.lines)
    first, second = bags(root)
    assert metadata(first)['custom_data']['fault'] == 'odd'
    assert 'fault' not in metadata(second)['custom_data']
    assert DatasetReader(root).num_episodes == 2


def test_a_folder_that_cannot_be_made_is_told_before_anything(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(BagError, match=r'cannot be made: Not a directory; name another one'):
        BagStage(tmp_path / 'set', BagConfig(root=tmp_path / 'file/bags'))
