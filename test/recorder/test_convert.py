from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin
from synthetic_messages import MS, T0, S, compressed, image, joint_state, make, raw, write_bag

from lerobot_drivers.common.errors import (
    BagError,
    DatasetExistsError,
    LerobotRosError,
    StreamError,
)
from lerobot_recorder.convert import Converted, ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.running_episode import RunningEpisode
from lerobot_recorder.mapping import build_mapping

FEATURES = {
    'observation.state': {'topic': '/joint_states'},
    'action': {'topic': '/joint_commands'},
    'observation.images.front': {'topic': '/front/image_raw'},
}
G1 = 'bags/DERIVED__g1_episode_000002_mcap'
G1_FEATURES = {
    'observation.state': {'topic': '/joint_states'},
    'action': {'topic': '/joint_commands'},
    'observation.images.cam_high': {'topic': '/cam_high/image_raw/compressed'},
}


def mapping(features=None, **more):
    return build_mapping({'fps': 30, 'features': features or FEATURES, **more}, 'mapping')


def picture(k: int) -> np.ndarray:
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:, :, 0], pixels[:, :, 2] = 8 * (k % 30), 240 - 8 * (k % 30)
    return pixels


def scene(seconds: float = 1.0):
    """Two joints at 100 Hz, commands at 50 Hz, a camera at 30 Hz that is 35 ms late."""
    for k in range(round(100 * seconds)):
        stamp = T0 + k * S // 100
        yield raw('/joint_states', joint_state(stamp, 'ab', [k / 100, -k / 100]), stamp + MS)
    for k in range(round(50 * seconds)):
        stamp = T0 + k * S // 50
        yield raw('/joint_commands', joint_state(stamp, 'ba', [1000 + k, k]), stamp + MS)
    for k in range(round(30 * seconds)):
        stamp = T0 + k * S // 30
        yield raw('/front/image_raw', image(stamp, picture(k)), stamp + 35 * MS)


def ordered(messages):
    return sorted(messages, key=lambda message: message.received_ns)


def convert(bag: Path, root: Path, **more) -> Converted:
    return convert_bag(
        ConvertJob(bag, root, more.pop('mapping', None) or mapping(), 'lift', **more)
    )


def nothing_left(folder: Path, *kept: Path) -> bool:
    return sorted(folder.iterdir()) == sorted(kept)


@pytest.mark.parametrize('storage', list(StoragePlugin))
def test_a_bag_becomes_a_dataset(tmp_path, storage):
    bag = write_bag(tmp_path / 'bag', ordered(scene()), storage)
    result = convert(bag, tmp_path / 'set')
    assert (result.frames, result.episodes[0].outcome, result.defects) == (30, None, {})
    assert result.episodes[0].streams['observation.images.front']['clock'] == {'header': 30}
    reader = DatasetReader(tmp_path / 'set')
    view = reader.episode(0)
    times = np.arange(30) / 30
    assert reader.features['action']['names'] == ['b.pos', 'a.pos']
    assert view.rows['observation.state'] == pytest.approx(np.c_[times, -times], abs=1e-6)
    first = np.ceil(np.round(times * 50, 6))
    assert view.rows['action'][:29] == pytest.approx(np.c_[1000 + first, first][:29])
    frames = list(view.frames('observation.images.front'))
    assert len(frames) == 30
    for k, frame in enumerate(frames):
        assert abs(frame.astype(int) - picture(k)).mean() < 6


def test_both_storages_give_the_same_rows(tmp_path):
    rows = []
    for storage in StoragePlugin:
        bag = write_bag(tmp_path / storage.name, ordered(scene(2)), storage)
        root = tmp_path / f'set_{storage.name}'
        convert(bag, root)
        rows.append(DatasetReader(root).episode(0).rows)
    assert len(rows) == 2
    for key in ('observation.state', 'action', 'timestamp'):
        assert rows[0][key].tobytes() == rows[1][key].tobytes()


def test_compressed_pictures(tmp_path):
    def shrunk(entry):
        if entry.topic != '/front/image_raw':
            return entry
        k = round((entry.received_ns - 35 * MS - T0) * 30 / S)
        stamp = entry.received_ns - 35 * MS
        return raw(entry.topic, compressed(stamp, picture(k), 'png'), entry.received_ns)

    bag = write_bag(tmp_path / 'bag', ordered(map(shrunk, scene())))
    convert(bag, tmp_path / 'set')
    frames = list(DatasetReader(tmp_path / 'set').episode(0).frames('observation.images.front'))
    assert all(abs(f.astype(int) - picture(k)).mean() < 6 for k, f in enumerate(frames))


def test_a_corrupt_picture_is_repeated_and_counted(tmp_path):
    messages = []
    for entry in ordered(scene()):
        if entry.topic == '/front/image_raw':
            stamp = entry.received_ns - 35 * MS
            message = compressed(stamp, picture(3))
            if stamp == T0 + 10 * S // 30:
                message.data = message.data[: len(message.data) // 2]
            entry = raw(entry.topic, message, entry.received_ns)
        messages.append(entry)
    result = convert(write_bag(tmp_path / 'bag', messages), tmp_path / 'set')
    assert result.frames == 30
    assert result.defects == {'repeats': 1, 'unusable': 1}


def test_a_part_of_a_bag(tmp_path):
    bag = write_bag(tmp_path / 'bag', ordered(scene(3)))
    result = convert(bag, tmp_path / 'set', start_ns=T0 + S, end_ns=T0 + 2 * S)
    assert result.frames == 31
    view = DatasetReader(tmp_path / 'set').episode(0)
    assert view.rows['observation.state'][0, 0] == pytest.approx(1.0)
    assert view.rows['timestamp'][0] == 0.0


def test_a_sensor_lost_on_the_way_is_told(tmp_path):
    kept = [
        m for m in ordered(scene(4)) if m.topic != '/front/image_raw' or m.received_ns < T0 + S
    ]
    result = convert(write_bag(tmp_path / 'bag', kept), tmp_path / 'set')
    assert result.episodes[0].outcome == 'incomplete'
    assert result.frames == pytest.approx(60, abs=2) and result.defects['repeats'] >= 28


def test_one_feature_of_several_topics_and_units(tmp_path):
    features = {
        'observation.state': {
            'sources': [
                {'topic': '/joint_states', 'joints': ['b'], 'units': {'b': {'mode': 'degrees'}}},
                {'topic': '/joint_commands', 'joints': ['a'], 'names': ['asked']},
            ]
        }
    }
    bag = write_bag(tmp_path / 'bag', ordered(scene()))
    convert(bag, tmp_path / 'set', mapping=mapping(features))
    reader = DatasetReader(tmp_path / 'set')
    assert reader.features['observation.state']['names'] == ['b.pos', 'asked']
    rows = reader.episode(0).rows['observation.state']
    times = np.arange(len(rows)) / 30
    assert rows[:, 0] == pytest.approx(np.rad2deg(-times), abs=1e-4)
    assert rows[:, 1] == pytest.approx(50 * times, abs=1e-4)


def test_zero_and_absurd_stamps_fall_back_to_the_log_time_and_are_counted(tmp_path):
    messages = []
    for k in range(100):
        at = T0 + k * S // 100
        stamp = 0 if k % 2 else 12345
        messages.append(raw('/joint_states', joint_state(stamp, 'ab', [k / 100, 0]), at))
    features = {'observation.state': {'topic': '/joint_states'}}
    result = convert(
        write_bag(tmp_path / 'bag', messages), tmp_path / 'set', mapping=mapping(features)
    )
    assert result.episodes[0].streams['observation.state']['clock'] == {'receive': 100}
    assert result.episodes[0].streams['observation.state']['missing_stamps'] == 50
    assert result.defects == {'doubtful_stamps': 50}


# --- the real bag ---------------------------------------------------------------------------


def test_the_real_bag_gives_back_its_numbers_and_its_pictures(tmp_path, shared_data, monkeypatch):
    taken = []
    add = RunningEpisode.add

    def spy(self, values, pictures, task, wait=True):
        taken.append(pictures['observation.images.cam_high'].data.tobytes())
        return add(self, values, pictures, task, wait)

    monkeypatch.setattr(RunningEpisode, 'add', spy)
    bag = shared_data / G1
    result = convert(bag, tmp_path / 'set', mapping=mapping(G1_FEATURES))
    assert (result.frames, result.episodes[0].outcome, result.defects) == (343, None, {})
    origin = pq.read_table(
        shared_data / 'lerobot/yifan_g1_policy/data/chunk-000/episode_000002.parquet'
    )
    rows = DatasetReader(tmp_path / 'set').episode(0).rows
    for key in ('observation.state', 'action'):
        expected = np.stack([np.asarray(row, np.float32) for row in origin[key].to_pylist()])
        assert rows[key].shape == (343, 26)
        assert rows[key].tobytes() == expected.tobytes()
    with AnyReader([bag]) as reader:
        connections = [c for c in reader.connections if c.topic.startswith('/cam_high')]
        jpegs = [
            reader.deserialize(data, c.msgtype).data.tobytes()
            for c, _, data in reader.messages(connections)
        ]
    assert taken == jpegs
    view = DatasetReader(tmp_path / 'set').episode(0)
    for k in (0, 100, 342):
        expected = cv2.imdecode(np.frombuffer(jpegs[k], np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
        found = view.frame('observation.images.cam_high', k)
        assert abs(found.astype(int) - expected).mean() < 5


def cut(shared_data, folder, share):
    """A bag of which only a part is there."""
    bag = shutil.copytree(shared_data / G1, folder / 'bag', copy_function=shutil.copyfile)
    bag.chmod(0o755)
    (file,) = bag.glob('*.mcap')
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    return bag


@pytest.mark.parametrize('share', [0.0, 0.00001])
def test_a_bag_of_which_nothing_is_left_gives_one_line(tmp_path, shared_data, share):
    bag = cut(shared_data, tmp_path, share)
    with pytest.raises(BagError) as caught:
        convert(bag, tmp_path / 'set', mapping=mapping(G1_FEATURES))
    assert '\n' not in str(caught.value) and str(bag) in str(caught.value)
    assert nothing_left(tmp_path, bag)


@pytest.mark.parametrize('share', [0.5, 0.99])
def test_a_bag_cut_short_is_converted_up_to_there(tmp_path, shared_data, share):
    bag = cut(shared_data, tmp_path, share)
    result = convert(bag, tmp_path / 'set', mapping=mapping(G1_FEATURES))
    assert result.frames == pytest.approx(343 * share, rel=0.1)
    assert 'was not written to its end' in result.look.notices[0]
    assert len(DatasetReader(tmp_path / 'set').episode(0).rows['action']) == result.frames


# --- what cannot be converted ---------------------------------------------------------------


def test_a_bag_that_is_not_there(tmp_path):
    with pytest.raises(BagError, match=r'bag .*/none does not exist'):
        convert(tmp_path / 'none', tmp_path / 'set')
    assert nothing_left(tmp_path)


def test_missing_topics_are_named_with_those_that_are_there(tmp_path):
    kept = [m for m in ordered(scene()) if m.topic == '/joint_states']
    bag = write_bag(tmp_path / 'bag', kept)
    told = r'holds no messages on /joint_commands, /front/image_raw; topics there: /joint_states$'
    with pytest.raises(BagError, match=told):
        convert(bag, tmp_path / 'set')
    assert nothing_left(tmp_path, bag)


def test_streams_that_never_meet(tmp_path):
    early = [m for m in scene(2) if m.topic != '/front/image_raw' and m.received_ns < T0 + S]
    late = [m for m in scene(4) if m.topic == '/front/image_raw' and m.received_ns > T0 + 3 * S]
    bag = write_bag(tmp_path / 'bag', ordered([*early, *late]))
    with pytest.raises(BagError, match='gives no row'):
        convert(bag, tmp_path / 'set')
    assert nothing_left(tmp_path, bag)


def test_pictures_that_are_none(tmp_path):
    messages = []
    for entry in ordered(scene()):
        if entry.topic == '/front/image_raw':
            message = make(
                'sensor_msgs/msg/CompressedImage',
                compressed(1, picture(0)).header,
                'jpeg',
                np.arange(50, dtype=np.uint8),
            )
            entry = raw(entry.topic, message, entry.received_ns)
        messages.append(entry)
    few = [m for k, m in enumerate(messages) if m.topic != '/front/image_raw' or k < 40]
    for number, kept in enumerate((messages, few)):
        bag = write_bag(tmp_path / f'bag{number}', kept)
        with pytest.raises((BagError, StreamError), match=r'holds no whole JPEG, PNG'):
            convert(bag, tmp_path / 'set')
        assert not (tmp_path / 'set').exists()


def test_a_topic_of_another_type(tmp_path):
    features = {**FEATURES, 'observation.images.front': {'topic': '/joint_states'}}
    bag = write_bag(tmp_path / 'bag', ordered(scene()))
    with pytest.raises(StreamError, match=r'holds sensor_msgs/msg/JointState, but observation'):
        convert(bag, tmp_path / 'set', mapping=mapping(features))
    assert nothing_left(tmp_path, bag)


def test_joints_that_are_not_there_are_named(tmp_path):
    features = {'observation.state': {'topic': '/joint_states', 'joints': ['a', 'wrist']}}
    bag = write_bag(tmp_path / 'bag', ordered(scene()))
    told = r'no message of /joint_states holds wrist; there are a, b$'
    with pytest.raises(BagError, match=told):
        convert(bag, tmp_path / 'set', mapping=mapping(features))
    assert nothing_left(tmp_path, bag)


def test_a_folder_that_exists_is_left_alone(tmp_path):
    bag = write_bag(tmp_path / 'bag', ordered(scene()))
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set' / 'mine').write_text('x')
    with pytest.raises(DatasetExistsError):
        convert(bag, tmp_path / 'set')
    assert (tmp_path / 'set' / 'mine').read_text() == 'x'


def test_ctrl_c_leaves_nothing(tmp_path):
    bag = write_bag(tmp_path / 'bag', ordered(scene()))

    def progress(done):
        if done >= 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_bag(ConvertJob(bag, tmp_path / 'set', mapping(), 'lift'), progress)
    assert nothing_left(tmp_path, bag)


@pytest.mark.parametrize(
    'bag',
    [
        'abitobot__joint_states_imu',
        'amber__soccer_goal_split_incomplete',
        'cruise_rosbagjs__fixtures/empty-file.bag',
        'cruise_rosbagjs__fixtures/no-messages.bag',
        'cruise_rosbagjs__fixtures/example-bz2.bag',
        'interbotix__duck_dunk/duck_dunk.bag',
        'lichtblick__custom_camera_json/custom-camera-model.mcap',
        'lichtblick__custom_camera_json',
        'ros2_rosbag2__ros2bag/empty_bag',
        'tiryoh__fixtures_truncated',
        'plotjuggler__rosbag2_test',
        'README.md',
    ],
)
def test_bags_of_others_without_our_topics_give_one_line(tmp_path, shared_data, bag):
    path = shared_data / 'bags' / bag if bag != 'README.md' else shared_data / bag
    with pytest.raises(LerobotRosError) as caught:
        convert(path, tmp_path / 'set')
    assert isinstance(caught.value, BagError)
    assert '\n' not in str(caught.value) and path.name in str(caught.value)
    assert nothing_left(tmp_path)
