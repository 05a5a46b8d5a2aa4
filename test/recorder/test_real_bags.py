"""Bags of others, read message by message as two libraries read them, or refused in one line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bags.options import BagOptions
from lerobot_recorder.bags.type_names import ros2_name

BAGS = Path(__file__).parents[2].parent / 'shared/data/bags'
TYPES = get_typestore(Stores.LATEST)
SPLITS = 'ros2_rosbag2__rosbag2_py'
INTACT = [
    'DERIVED__g1_episode_000002_mcap',
    'abitobot__joint_states_imu',
    'cruise_rosbagjs__fixtures/example-bz2.bag',
    'cruise_rosbagjs__fixtures/example-lz4.bag',
    'cruise_rosbagjs__fixtures/example-unsorted-chunks.bag',
    'cruise_rosbagjs__fixtures/no-messages.bag',
    'fiducials__aruco_images/aruco_images.bag',
    'geocamxyz__all_types_mcap',
    'geocamxyz__all_types_sqlite3',
    'imu_tools__sparkfun_razor/sparkfun_razor.bag',
    'interbotix__duck_dunk/duck_dunk.bag',
    'plotjuggler__fake_joint_state/fake_joint_state.bag',
    'plotjuggler__rosbag2_test',
    'plotjuggler__tilt_laser/tilt_laser.bag',
    'pypi_deepen_grade__fixtures/sample_ros1.bag',
    'pypi_deepen_grade__fixtures/sample_ros2',
    'robot_localization__test2/test2.bag',
    'ros2_rosbag2__ros2bag/empty_bag',
    f'{SPLITS}/mcap/talker',
    f'{SPLITS}/mcap/wbag',
    f'{SPLITS}/sqlite3/talker',
    f'{SPLITS}/sqlite3/wbag',
    'ros2_rosbag2__rosbag2_transport/mcap/rewriter_a',
    'ros2_rosbag2__rosbag2_transport/mcap/test_bag_for_seek',
    'ros_numpy__test/test.bag',
    'rosbag2parquet__testdata/array_msgs',
    'tiryoh__fixtures_truncated/test_sample.bag',
    'tiryoh__fixtures_truncated/test_sample.mcap',
]
# Their chunks or their metadata are of a kind of which rosbags gives nothing, and says nothing.
NONE_BY_ROSBAGS = (
    f'{SPLITS}/mcap/talker',
    f'{SPLITS}/sqlite3/talker',
    'ros2_rosbag2__rosbag2_transport/mcap/rewriter_a',
)


def real(name):
    path = BAGS / name
    if not path.exists():
        pytest.skip(f'no shared data: {path} is absent')
    return path


def of_rosbags(path, topics):
    """Read with rosbags; what it cannot convert from ROS 1 is left as it is."""
    with AnyReader([path], default_typestore=TYPES) as reader:
        for connection, at, data in reader.messages():
            if connection.topic in topics:
                yield connection.topic, ros2_name(connection.msgtype), at, bytes(data)


@pytest.mark.parametrize('name', [name for name in INTACT if name not in NONE_BY_ROSBAGS])
def test_message_by_message_as_rosbags(name):
    path = real(name)
    with BagReader(path) as bag:
        ours = [(m.topic, m.msgtype, m.received_ns, m.data) for m in bag.messages(bag.topics)]
        theirs = list(of_rosbags(path, bag.topics))
        if path.suffix == '.bag':
            ours = [(*one[:3], ros1_again(bag, one)) for one in ours]
            theirs = [(*one[:3], without_counter(bag, one)) for one in theirs]
        assert bag.notices == () or all(': left out' in notice for notice in bag.notices)
        assert bag.count(bag.topics) == len(ours)
    assert Counter(ours) == Counter(theirs)
    assert [one[2] for one in ours] == sorted(one[2] for one in theirs)


def begins_with_header(bag, msgtype):
    fields = bag.types.fielddefs[msgtype][1]
    return bool(fields) and fields[0][1][1] == 'std_msgs/msg/Header'


def ros1_again(bag, one):
    return without_counter(bag, (*one[:3], bytes(bag.types.cdr_to_ros1(one[3], one[1]))))


def without_counter(bag, one):
    """Leave out the counter of a header, which ROS 2 does not have; deeper ones stay zero."""
    return one[3][4:] if begins_with_header(bag, one[1]) else one[3]


@pytest.mark.parametrize(
    'name', [n for n in INTACT if 'mcap' in n or 'array' in n or 'abito' in n]
)
def test_message_by_message_as_the_mcap_library(name):
    path = real(name)
    files = sorted(path.glob('*.mcap')) if path.is_dir() else [path]
    theirs = Counter()
    for file in files:
        with file.open('rb') as opened:
            for _, channel, message in make_reader(opened).iter_messages():
                theirs[channel.topic, message.log_time, message.data] += 1
    with BagReader(real(name)) as bag:
        ours = Counter((m.topic, m.received_ns, m.data) for m in bag.messages(bag.topics))
        assert ours == {key: n for key, n in theirs.items() if key[0] in bag.topics}


def test_parts_that_are_missing():
    path = real('amber__soccer_goal_split_incomplete')
    with pytest.raises(BagError, match=r'12 of the 13 parts that metadata.yaml names are missing'):
        BagReader(path)
    for place, options in (
        (path, BagOptions(allow_missing_parts=True)),
        (path / 'soccer_goal_12.mcap', BagOptions()),
    ):
        with BagReader(place, options) as bag:
            assert set(bag.topics.values()) >= {'sensor_msgs/msg/Image'}
            found = list(bag.messages(bag.topics))
            assert len(found) == bag.message_count > 0
            image = next(m for m in found if m.msgtype == 'sensor_msgs/msg/Image')
            decoded = bag.types.deserialize_cdr(image.data, image.msgtype)
            assert len(decoded.data) == decoded.height * decoded.step > 0


def test_a_folder_without_metadata():
    with BagReader(real(f'{SPLITS}/mcap/reindex_test_bags/multiple_files')) as bag:
        assert len(list(bag.messages(bag.topics))) == bag.message_count == 1324 + 1324 + 529
        assert bag.notices == ('metadata.yaml is missing: all parts that are there are read',)


@pytest.mark.parametrize(
    ('name', 'messages', 'told'),
    [
        ('test_sample_truncated.mcap', 14, r'whole up to byte 1475 of 1533; the 14 messages'),
        ('test_truncated.bag', 3, r'whole up to byte 4117 of 5992; the 3 messages'),
        ('test_unindexed.bag', 14, r'whole up to byte 9988 of 9988; the 14 messages'),
        ('test_sample.mcap.zstd', 14, None),
    ],
)
def test_what_is_not_whole(name, messages, told):
    with BagReader(real(f'tiryoh__fixtures_truncated/{name}')) as bag:
        assert len(list(bag.messages(bag.topics))) == messages
        assert (told in bag.notices[0]) if told else bag.notices == ()


@pytest.mark.parametrize(
    ('name', 'told'),
    [
        ('cruise_rosbagjs__fixtures/empty-file.bag', r'is empty: nothing was written into it$'),
        (
            'lichtblick__custom_camera_json/custom-camera-model.mcap',
            r'holds no ROS messages, but /camera_calibration \(json foxglove.CameraCalibration\)',
        ),
        ('tiryoh__fixtures_truncated/Dockerfile.mcap', 'is no bag: it begins neither as mcap'),
        ('ros2_rosbag2__rosbag2_transport/mcap', 'is no bag: it holds no metadata.yaml'),
        ('cruise_rosbagjs__fixtures', r'files that are no parts of one bag; name one of them'),
    ],
)
def test_what_is_refused(name, told):
    with pytest.raises(BagError, match=told) as caught, BagReader(real(name)):
        pass
    assert '\n' not in str(caught.value)


def test_one_content_in_two_storages():
    def read(name):
        with BagReader(real(name)) as bag:
            return Counter((m.topic, m.msgtype, m.data) for m in bag.messages(bag.topics))

    mcap, sqlite = read('geocamxyz__all_types_mcap'), read('geocamxyz__all_types_sqlite3')
    assert mcap.keys() >= sqlite.keys() or {k[:2] for k in mcap} == {k[:2] for k in sqlite}
    assert sum(mcap.values()) == sum(sqlite.values()) == 188
