"""What is kept beside the rows, live (a recorder, a clock by hand) and from a bag."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from fact_messages import camera_info, description, transforms, wrench
from recording_stage import MAPPING, Stage
from synthetic_messages import MS, T0, S, image, joint_state, raw, write_bag

from lerobot_drivers.common.errors import BagError, ConfigError
from lerobot_recorder.capture import Capture
from lerobot_recorder.convert import ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.facts import SharedFile
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.recorder_status import SessionConfig
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.session_facts import SessionFacts

STATE = 'sensor_msgs/msg/JointState'
WRENCH = 'geometry_msgs/msg/WrenchStamped'
TOPICS = {
    '/arm/joint_states': STATE,
    '/arm/joint_commands': STATE,
    '/arm/joint_commands_sent': STATE,
    '/w': WRENCH,
    '/tf_static': 'tf2_msgs/msg/TFMessage',
    '/robot_description': 'std_msgs/msg/String',
}
FEATURES = {
    'observation.state': {'topic': '/arm/joint_states'},
    'action': {'topic': '/arm/joint_commands'},
    'observation.images.front': {'topic': '/lab/left/image_raw'},
    'observation.wrench': {'topic': '/w', 'window': {'rate_hz': 1000}},
}
CONFIG = SharedFile.of_json('configuration', {'fps': 30})
SESSION = SessionFacts({'configuration': CONFIG}, {'calibration.robot': 'none'})


def mapping(**more):
    return build_mapping(
        {'features': FEATURES, 'native': {'wrench': {'topic': '/w'}}, **more}, 'm'
    )


def messages(seconds=3.0):
    """A graph's messages in the order of arrival; the wrench has a gap and bursts."""
    found = [description('<robot/>', T0), transforms(('base', 'cam'), at=T0)]
    for n in range(round(100 * seconds)):
        at = T0 + n * 10 * MS
        for topic in list(TOPICS)[:3]:
            value = joint_state(at, 'ab', [n / 100, len(topic)])
            found.append(raw(topic, value, at + 2 * MS, at + MS))
    for n in range(round(1000 * seconds)):
        at = T0 + n * MS
        if not 1200 <= n < 1260:
            found.append(wrench(at, float(n), received=at + 10 * MS - at % (10 * MS)))
    for n in range(round(30 * seconds)):
        at = T0 + n * S // 30
        pixels = np.full((16, 16, 3), n, np.uint8)
        found.append(raw('/lab/left/image_raw', image(at, pixels), at + 30 * MS))
        found.append(camera_info(at))
    return sorted(found, key=lambda message: message.received_ns)


def record(root, frames=30, episodes=1, made=None, **more):
    made = made or mapping(**more)
    capture = Capture(made, SESSION)
    capture.look({**TOPICS, '/lab/left/camera_info': 'sensor_msgs/msg/CameraInfo'})

    def make_writer(features):
        return DatasetWriter.create(root, DatasetInfo(30, features))

    config = SessionConfig('fold', episodes, frames)
    recorder = Recorder(RowPlan(made), make_writer, config, T0, capture)
    for message in messages():
        recorder.on_message(message)
        recorder.poll(message.received_ns)
        if recorder.is_done:
            break
    recorder.wait()
    assert recorder.is_done
    recorder.close()
    return root


def documents(root):
    paths = sorted((root / 'meta/ros/episodes').glob('*.json'))
    found = [json.loads(path.read_text()) for path in paths]
    return sorted(found, key=lambda document: document['episode_index_when_saved'])


def table(root, document, name):
    return pq.read_table(root / 'meta/ros/episodes' / f'{document["uuid"]}.{name}.parquet')


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    return record(tmp_path_factory.mktemp('live') / 'd', frames=20, episodes=2)


def test_commands_and_native_topics_are_kept_for_the_time_of_the_rows(recorded):
    for document in documents(recorded):
        frames = table(recorded, document, 'frames')
        first, last = (frames['tick_ns'][at].as_py() for at in (0, -1))
        for name in ('joint_commands', 'joint_commands_sent', 'wrench'):
            stamps = np.array(table(recorded, document, name)['stamp_ns'])
            assert first - S // 30 <= stamps[0] < first - S // 30 + 10 * MS
            assert last - 10 * MS < stamps[-1] <= last
            assert (np.diff(stamps) > 0).all()
            assert document['details']['kept']['native'][name]['rows'] == len(stamps)
        assert table(recorded, document, 'joint_commands_sent')['position'][0].as_py()[1] == 24


def test_windows_are_made_of_messages_of_the_native_table(recorded):
    for index, document in enumerate(documents(recorded)):
        rows = DatasetReader(recorded).episode(index).rows['observation.wrench']
        assert rows.shape == (20, 34, 6)
        native = table(recorded, document, 'wrench')
        known = dict(
            zip(native['stamp_ns'].to_pylist(), native['force.x'].to_pylist(), strict=True)
        )
        frames = table(recorded, document, 'frames').to_pylist()
        for frame, window in zip(frames[2:], rows[2:], strict=True):
            assert window[-1, 0] == known[frame['observation.wrench.stamp_ns']]
            assert set(window[:, 0].tolist()) <= set(known.values())
            different = len(set(window[:, 0].tolist()))  # after a gap one of them is an old one
            assert different - 1 <= frame['observation.wrench.fresh'] <= different


def test_what_never_changes_is_there_once(recorded):
    first, second = (document['details']['kept'] for document in documents(recorded))
    assert {**first['files']} == {**second['files']}
    names = [first['files']['configuration']]
    for kind in ('robot_description', 'static_transforms', 'camera_info'):
        ((version,),) = first['files'][kind].values()
        names.append(version['file'])
    assert sorted(path.name for path in (recorded / 'meta/ros/files').iterdir()) == sorted(names)
    assert (recorded / 'meta/ros/files' / CONFIG.name).read_bytes() == CONFIG.content
    assert first['missing'].items() >= {'calibration.robot': 'none'}.items()
    assert set(first['missing']) <= {'calibration.robot', 'commit'}


def test_a_bag_of_the_same_take_gives_the_same_tables(recorded, tmp_path):
    bag = write_bag(tmp_path / 'bag', messages())
    (document, _) = documents(recorded)
    last = table(recorded, document, 'frames')['tick_ns'][-1].as_py()
    job = ConvertJob(
        bag, tmp_path / 'd', mapping(), 'fold', session=SESSION,
        start_ns=document['details']['start_ns'], end_ns=last,
    )  # fmt: skip
    convert_bag(job)
    (converted,) = documents(tmp_path / 'd')
    for name in ('frames', 'joint_commands', 'joint_commands_sent', 'wrench'):
        live, made = table(recorded, document, name), table(tmp_path / 'd', converted, name)
        drop = [column for column in ('source_ns',) if column in live.column_names]
        assert live.drop_columns(drop).equals(made.drop_columns(drop)), name
    live, made = (DatasetReader(root).episode(0).rows for root in (recorded, tmp_path / 'd'))
    assert np.array_equal(live['observation.wrench'], made['observation.wrench'])
    files = converted['details']['kept']['files']
    assert files.pop('bag').startswith('bag-')
    assert files == document['details']['kept']['files']


def test_what_is_not_there_is_told():
    capture = Capture(build_mapping(MAPPING, 'm'))
    capture.look({'/states': STATE, '/commands': STATE})
    missing = capture.details([])['missing']
    assert missing['joint_commands_sent'] == 'no such topic near the robot'
    assert missing['robot_description'] == missing['static_transforms'] == 'no such topic'
    assert missing['camera_info of observation.images.front'] == 'no topic /front/camera_info'
    assert 'joint_commands' not in missing
    capture.look({'/tf_static': TOPICS['/tf_static']})
    assert capture.details([])['missing']['static_transforms'] == 'no message on /tf_static'
    capture.refused['/tf_static'] = 'tf2_msgs is not installed'
    assert capture.details([])['missing']['static_transforms'] == 'tf2_msgs is not installed'


@pytest.mark.parametrize(
    ('topics', 'sent', 'expected'),
    [
        (['/arm/joint_commands', '/arm/joint_commands_sent'], None, ['joint_commands_sent']),
        (['/arm/joint_commands', '/x/joint_commands_sent'], None, ['joint_commands_sent']),
        (['/arm/joint_commands', '/x/joint_commands_sent', '/y/joint_commands_sent'], None,
         ['joint_commands_sent', 'joint_commands_sent-1']),
        (['/arm/joint_commands', '/hw/out'], '/hw/out', ['joint_commands_sent']),
        (['/arm/joint_commands'], None, []),
    ],
)  # fmt: skip
def test_commands_sent_are_found(topics, sent, expected):
    capture = Capture(mapping(), sent=sent)
    capture.look(dict.fromkeys(topics, STATE))
    names = [log.name for log in capture.logs()]
    assert names == ['wrench', 'joint_commands', *expected]


def test_a_topic_kept_by_the_user_is_not_kept_twice():
    made = mapping(native={'asked': {'topic': '/arm/joint_commands'}})
    capture = Capture(made)
    capture.look(TOPICS)
    assert [log.name for log in capture.logs()] == ['asked', 'joint_commands_sent']
    assert 'joint_commands' not in capture.details([])['missing']


@pytest.mark.parametrize('name', ['frames', 'joint_commands', 'a.b', ''])
def test_names_of_tables_that_cannot_be(name):
    with pytest.raises(ConfigError, match='cannot be the name of a table'):
        mapping(native={name: {'topic': '/w'}})


def test_a_native_topic_that_a_bag_lacks_is_an_error(tmp_path):
    bag = write_bag(tmp_path / 'bag', messages(0.5))
    job = ConvertJob(bag, tmp_path / 'd', mapping(native={'n': {'topic': '/gone'}}), 'fold')
    with pytest.raises(BagError, match='holds no messages on /gone'):
        convert_bag(job)


def test_a_slow_native_topic_is_waited_for_at_the_end():
    stage = Stage({**MAPPING, 'native': {'slow': {'topic': '/w'}}}, num_episodes=1)
    stage._due['/w'], stage._step['/w'] = T0, 10 * MS
    usual = stage.message
    stage.message = lambda topic, at: (
        wrench(at, received=at + 150 * MS) if topic == '/w' else usual(topic, at)
    )
    stage.run()
    ((_, kept),) = stage.kept.episodes
    last = kept.tables['frames']['tick_ns'][-1].as_py()
    assert kept.tables['slow']['stamp_ns'][-1].as_py() > last - 10 * MS


def test_stamps_as_columns(tmp_path):
    root = record(tmp_path / 'd', frames=10, stamps=True)
    rows = DatasetReader(root).episode(0).rows
    frames = table(root, documents(root)[0], 'frames')
    assert (
        rows['sync.images.front_ns'].tolist()
        == frames['observation.images.front.stamp_ns'].to_pylist()
    )
    assert rows['sync.tick_ns'].dtype == np.int64
