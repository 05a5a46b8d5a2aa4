"""Bags of a dataset: readable by others, all of them or none."""

from __future__ import annotations

import errno
import shutil

import numpy as np
import pytest
from bag_round_trip import back, differences
from fact_messages import camera_info, description, transforms
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability
from synthetic_messages import MS, T0, S, compressed, image, joint_state, raw, write_bag

from lerobot_drivers.common.errors import BagError, DatasetError, UsageError
from lerobot_recorder.bag_config import BagConfig, Compression, Storage
from lerobot_recorder.commands import convert, to_bag
from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.convert import ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.episode_bag import EpisodeBag
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import header_stamp_ns
from lerobot_recorder.to_bag.outlines import Wishes
from lerobot_recorder.to_bag.picture_messages import ImageKind
from lerobot_recorder.to_bag.write import ToBagJob, write_bags

KINDS = [
    BagConfig(),
    BagConfig(compression=Compression.ZSTD),
    BagConfig(storage=Storage.SQLITE3),
    BagConfig(storage=Storage.SQLITE3, compression=Compression.ZSTD),
]
LATCHED = ('/recorder/task', '/tf_static', '/robot_description')
PIXELS = np.arange(32 * 48 * 3, dtype=np.uint8).reshape(32, 48, 3)


def scene(camera):
    yield description('<robot/>')
    yield transforms(('base', 'tool'))
    for k in range(20):
        at = T0 + k * S // 30
        yield raw('/joint_states', joint_state(at, 'ab', [k / 7, -k]), at + MS)
        yield raw('/joint_commands', joint_state(at + 5 * MS, 'ab', [k, k / 3]), at + 6 * MS)
        yield camera_info(at, topic='/front/camera_info')
        yield raw(camera[0], camera[1](at, np.roll(PIXELS, 3 * k)), at + 30 * MS)


def recorded(place, camera=('/front/image_raw', image), **dataset):
    bag = write_bag(place / 'recorded', sorted(scene(camera), key=lambda m: m.received_ns))
    mapping = {
        'features': {
            'observation.state': {'topic': '/joint_states', 'units': {'a': {'mode': 'degrees'}}},
            'action': {'topic': '/joint_commands'},
            'observation.images.front': {'topic': camera[0]},
        }
    }
    config = DatasetConfig(
        repo_id='me/set', single_task='fold', root=place / 'set', **{'video': False, **dataset}
    )
    convert_bag(ConvertJob(bag, config.root, build_mapping(mapping, 'm'), 'fold', config))
    return config.root


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp('dataset'))


def messages_of(bag):
    with AnyReader([bag]) as reader:
        for connection, at_ns, data in reader.messages():
            yield connection, at_ns, reader.deserialize(data, connection.msgtype)


@pytest.mark.parametrize('config', KINDS, ids=str)
def test_a_bag_holds_what_was_recorded_in_the_order_of_its_times(root, tmp_path, config):
    written = write_bags(ToBagJob(root, tmp_path / 'bags', [0], config=config))
    found = list(messages_of(tmp_path / 'bags/episode_000000'))
    times = [at_ns for _, at_ns, _ in found]
    assert times == sorted(times)
    rows = DatasetReader(root).episode(0)
    assert written.messages['/joint_states'] == written.messages['/front/image_raw'] == rows.length
    commands = [m for c, _, m in found if c.topic == '/joint_commands']
    *kept, last = [m.position.tolist() for m in commands]
    assert kept == [[k, k / 3] for k in range(len(kept))]
    assert last == [19.0, np.float32(19 / 3)]  # only the last row tells it
    pictures = [m for c, _, m in found if c.topic == '/front/image_raw']
    assert np.array_equal(pictures[4].data.reshape(32, 48, 3), np.roll(PIXELS, 12))
    assert pictures[4].header.frame_id == 'base'
    assert header_stamp_ns(pictures[4]) == T0 + 4 * S // 30


def test_what_lasts_comes_first_and_is_latched(root, tmp_path):
    write_bags(ToBagJob(root, tmp_path / 'bags', [0]))
    found = list(messages_of(tmp_path / 'bags/episode_000000'))
    assert {c.topic for c, _, _ in found[:3]} == set(LATCHED)
    told = {c.topic: message for c, _, message in found[:3]}
    assert told['/robot_description'].data == '<robot/>'
    assert told['/recorder/task'].data == 'fold'
    (frame,) = told['/tf_static'].transforms
    assert (frame.header.frame_id, frame.child_frame_id) == ('base', 'tool')
    assert frame.transform.translation.x == 0.5
    for connection, _, _ in found:
        (offer,) = connection.ext.offered_qos_profiles
        is_latched = offer.durability is QosDurability.TRANSIENT_LOCAL
        assert is_latched is (connection.topic in LATCHED)


def test_a_lens_is_told_beside_each_picture(root, tmp_path):
    write_bags(ToBagJob(root, tmp_path / 'bags', [0]))
    found = list(messages_of(tmp_path / 'bags/episode_000000'))
    lenses = [m for c, _, m in found if c.topic == '/front/camera_info']
    pictures = [m for c, _, m in found if c.topic == '/front/image_raw']
    assert [header_stamp_ns(m) for m in lenses] == [header_stamp_ns(m) for m in pictures]
    assert lenses[0].k[0] == 500.0 and np.isnan(lenses[0].d[1])


def test_others_read_it(root, tmp_path):
    write_bags(ToBagJob(root, tmp_path / 'bags', [0]))
    (file,) = (tmp_path / 'bags/episode_000000').glob('*.mcap')
    with file.open('rb') as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        decoded = [(c.topic, m) for _, c, _, m in reader.iter_decoded_messages()]
    assert len({topic for topic, _ in decoded}) == 7
    (first, *_) = [m for topic, m in decoded if topic == '/joint_states']
    assert list(first.name) == ['a', 'b']


JPEGS = ('/front/image_raw/compressed', compressed)


def test_jpegs_that_lie_in_the_dataset_come_as_they_came(tmp_path):
    root = recorded(tmp_path, JPEGS, video=True, vcodec='mjpeg')
    write_bags(ToBagJob(root, tmp_path / 'bags', [0]))
    found = messages_of(tmp_path / 'bags/episode_000000')
    sent = [m for c, _, m in found if c.topic == JPEGS[0]]
    with AnyReader([tmp_path / 'recorded']) as reader:
        connections = [c for c in reader.connections if c.topic == JPEGS[0]]
        came = [reader.deserialize(d, c.msgtype) for c, _, d in reader.messages(connections)]
    assert len(sent) == 20
    assert [m.data.tobytes() for m in sent] == [m.data.tobytes() for m in came]
    assert not differences(root, back(root, tmp_path))


def depth_image(at, pixels):
    millimetres = 300 + 20 * pixels[:, :, 0].astype(np.uint16)
    message = image(at, millimetres.view(np.uint8).reshape(32, 96), '16UC1')
    message.width = 48
    return message


def test_distances_come_back(tmp_path):
    root = recorded(tmp_path, ('/front/image_raw', depth_image), video=True)
    made = back(root, tmp_path)
    assert not differences(root, made)
    (camera,) = DatasetReader(made).cameras
    one, other = (DatasetReader(folder).episode(0) for folder in (root, made))
    pairs = list(zip(one.frames(camera), other.frames(camera), strict=True))
    assert pairs[3][0].dtype == np.uint16 and len(np.unique(pairs[3][0])) > 50
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize('kind', [ImageKind.JPEG, ImageKind.PNG, ImageKind.RAW])
def test_pictures_may_be_asked_for_as_something_else(root, tmp_path, kind):
    wishes = Wishes(images=kind)
    made = back(root, tmp_path, wishes=wishes)
    assert not differences(root, made)
    one, other = (DatasetReader(folder).episode(0) for folder in (root, made))
    pairs = zip(
        one.frames('observation.images.front'),
        other.frames('observation.images.front'),
        strict=True,
    )
    same = [np.array_equal(a, b) for a, b in pairs]
    assert all(same) if kind is not ImageKind.JPEG else not any(same)


def test_nothing_is_written_over(root, tmp_path):
    (tmp_path / 'bags').mkdir()
    with pytest.raises(BagError, match='exists already'):
        write_bags(ToBagJob(root, tmp_path / 'bags', [0]))


def refusing(*_):
    raise OSError(errno.ENOSPC, 'No space left on device')


def test_a_full_disk_leaves_nothing(root, tmp_path, monkeypatch):
    write, left = EpisodeBag.write, [30]

    def limited(bag, message, offered):
        left[0] -= 1
        return write(bag, message, offered) if left[0] else refusing()

    monkeypatch.setattr(EpisodeBag, 'write', limited)
    with pytest.raises(BagError, match='bags cannot be written: No space left'):
        write_bags(ToBagJob(root, tmp_path / 'bags', [0]))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_dataset_leaves_nothing(root, tmp_path):
    copy = shutil.copytree(root, tmp_path / 'set')
    for path in (copy / 'meta/ros/episodes').glob('*.frames.parquet'):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match=r'frames\.parquet cannot be read'):
        write_bags(ToBagJob(copy, tmp_path / 'bags', [0]))
    assert [path.name for path in tmp_path.iterdir()] == ['set']


def test_what_a_killed_one_left_is_removed(root, tmp_path):
    left = tmp_path / '.bags.lerobot-to-bag/episode_000007'
    left.mkdir(parents=True)
    write_bags(ToBagJob(root, tmp_path / 'bags', [0]))
    assert [path.name for path in tmp_path.iterdir()] == ['bags']


def foreign(root):
    """A dataset that tells nothing of topics: two episodes."""
    features = {
        'observation.state': {'dtype': 'float32', 'shape': [2], 'names': ['a.pos', 'b.pos']},
        'next.reward': {'dtype': 'float32', 'shape': [1], 'names': None},
    }
    with DatasetWriter.create(root, DatasetInfo(10, features, 'thing')) as writer:
        for task in ('fold', 'open'):
            for k in range(12):
                row = {
                    'observation.state': np.array([k / 7, -k], np.float32),
                    'next.reward': np.array([k % 2], np.float32),
                }
                writer.add_frame(row, {}, task)
            writer.save_episode()
    return root


def test_a_dataset_that_does_not_tell_gets_topics_and_is_told_so(tmp_path, capsys):
    root = foreign(tmp_path / 'set')
    assert to_bag.run([str(root), f'--to={tmp_path / "bags"}', '--episodes=1']) == 0
    told = capsys.readouterr().out
    assert 'observation.state becomes /joint_states' in told and 'rad' in told
    (bag,) = (tmp_path / 'bags').iterdir()
    assert bag.name == 'episode_000001'
    assert (
        convert.run([str(bag), '--dataset.repo_id=a/b', f'--dataset.root={tmp_path / "b"}']) == 0
    )
    one, other = DatasetReader(root).episode(1), DatasetReader(tmp_path / 'b').episode(0)
    assert other.row_tasks == one.row_tasks
    for key in ('observation.state', 'next.reward'):
        assert np.array_equal(one.rows[key], other.rows[key])


def test_degrees_become_radians(tmp_path):
    root = foreign(tmp_path / 'set')
    to_bag.run([str(root), f'--to={tmp_path / "bags"}', '--episodes=0', '--degrees=true'])
    found = messages_of(tmp_path / 'bags/episode_000000')
    states = [m.position[1] for c, _, m in found if c.topic == '/joint_states']
    assert states == pytest.approx([np.radians(-k) for k in range(12)])


def test_one_bag_holds_all_episodes_one_after_the_other(tmp_path):
    root = foreign(tmp_path / 'set')
    write_bags(ToBagJob(root, tmp_path / 'bag', [0, 1], single_bag=True))
    tasks = [m.data for c, _, m in messages_of(tmp_path / 'bag') if c.topic == '/recorder/task']
    assert tasks == ['fold', '', 'open', '']
    by_task = ['--episodes.by=task', '--episodes.topic=/recorder/task']
    for flags in ([], by_task):
        back = tmp_path / f'back{len(flags)}'
        convert.run(
            [str(tmp_path / 'bag'), '--dataset.repo_id=a/b', f'--dataset.root={back}', *flags]
        )
        one, other = DatasetReader(root), DatasetReader(back)
        assert [e.row_tasks for e in other.episodes()] == [e.row_tasks for e in one.episodes()]
        for a, b in zip(one.episodes(), other.episodes(), strict=True):
            assert np.array_equal(a.rows['observation.state'], b.rows['observation.state'])


@pytest.mark.parametrize(
    ('flag', 'told'),
    [
        ('--episodes=7', 'episode 7'),
        ('--storage=rosbag', 'one of mcap, sqlite3'),
        ('--images=bmp', 'one of auto, raw, jpeg, png'),
    ],
)
def test_a_flag_that_cannot_be_obeyed_is_told(root, tmp_path, flag, told):
    with pytest.raises(UsageError, match=told):
        to_bag.run([str(root), f'--to={tmp_path / "bags"}', flag])
