"""The real LeRobot library reads, windows and batches what our writer wrote."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.limits import FileLimits
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.validate import ERROR, validate_dataset

torch = pytest.importorskip('torch', reason='LeRobot is not installed here')
lerobot_dataset = pytest.importorskip(
    'lerobot.datasets.lerobot_dataset', reason='LeRobot is not installed here'
)

pytestmark = pytest.mark.lerobot

FPS = 20
CAMERAS = ('observation.images.front', 'observation.images.wrist')
JOINTS = ['shoulder_pan.pos', 'gripper.pos']
TASKS = ['Pick up the cube', 'Place the cube', 'Pick up the cube']
LENGTHS = [25, 31, 12]
USUAL = FileLimits()


def features(dtype):
    vector = {'dtype': 'float32', 'shape': (2,), 'names': JOINTS}
    camera = {'dtype': dtype, 'shape': (48, 64, 3), 'names': ['height', 'width', 'channels']}
    return {
        'action': vector,
        'observation.state': vector,
        **dict.fromkeys(CAMERAS, camera),
        'intervention': {'dtype': 'bool', 'shape': (1,), 'names': None},
        'sync.front_ns': {'dtype': 'int64', 'shape': (1,), 'names': None},
        'pose': {'dtype': 'float32', 'shape': (3, 4), 'names': None},
        'note': {'dtype': 'string', 'shape': (1,), 'names': None},
    }


def picture(camera, index):
    """A picture whose colours say which camera and which frame it is."""
    array = np.empty((48, 64, 3), np.uint8)
    array[:24] = (30 + 3 * index % 200, 90, 200 if camera == CAMERAS[0] else 40)
    array[24:] = (120, 30 + 3 * index % 200, 60)
    return array


def values(index):
    return {
        'action': np.array([index, -index], np.float32),
        'observation.state': np.array([index / 7, 3], np.float32),
        'intervention': np.array([index % 3 == 0]),
        'sync.front_ns': np.array([10**18 + index], np.int64),
        'pose': np.arange(12, dtype=np.float32).reshape(3, 4) + index,
        'note': f'row {index}',
    }


def record(root, dtype, limits=USUAL):
    info = DatasetInfo(FPS, features(dtype), 'so_follower', limits=limits)
    index = 0
    for number, (task, length) in enumerate(zip(TASKS, LENGTHS, strict=True)):
        opened = DatasetWriter.resume if number == 2 else DatasetWriter.create
        if number != 1:
            writer = opened(root, info)
        for _ in range(length):
            pictures = {camera: ArrayPicture(picture(camera, index)) for camera in CAMERAS}
            writer.add_frame(values(index), pictures, task)
            index += 1
        writer.save_episode()
        if number != 0:
            writer.finalize()
    return root


@pytest.fixture(scope='module', params=['video', 'image'])
def root(request, tmp_path_factory):
    return record(tmp_path_factory.mktemp('lerobot') / 'd', request.param)


def load(root, **options):
    return lerobot_dataset.LeRobotDataset('local/test', root=root, video_backend='pyav', **options)


def test_every_item_is_what_was_recorded(root):
    dataset = load(root)
    assert len(dataset) == sum(LENGTHS)
    assert dataset.meta.total_episodes == 3
    tasks = [task for task, length in zip(TASKS, LENGTHS, strict=True) for _ in range(length)]
    for index in range(len(dataset)):
        item, expected = dataset[index], values(index)
        assert item['task'] == tasks[index]
        assert item['note'] == expected['note']
        assert bool(item['intervention']) == bool(expected['intervention'][0])
        assert int(item['sync.front_ns']) == expected['sync.front_ns'][0]
        for key in ('action', 'observation.state', 'pose'):
            np.testing.assert_array_equal(np.asarray(item[key]), expected[key])
        for camera in CAMERAS:
            found = np.asarray(item[camera]).transpose(1, 2, 0) * 255
            assert np.abs(found - picture(camera, index)).mean() < 3


def test_our_limits_are_its_limits_and_every_folder_is_read(tmp_path):
    dataset = load(record(tmp_path / 'd', 'video', FileLimits(2, 50, 60)))
    assert len(list((dataset.root / 'data').iterdir())) == 2
    assert dataset.meta.chunks_size == 2
    assert dataset.meta.data_files_size_in_mb == 50
    assert dataset.meta.video_files_size_in_mb == 60
    last = dataset[sum(LENGTHS) - 1]
    assert float(last['action'][0]) == sum(LENGTHS) - 1
    found = np.asarray(last[CAMERAS[0]]).transpose(1, 2, 0) * 255
    assert np.abs(found - picture(CAMERAS[0], sum(LENGTHS) - 1)).mean() < 3


def test_windows_stop_at_the_ends_of_episodes(root):
    window = {'action': [0, 1 / FPS, 2 / FPS], CAMERAS[0]: [-1 / FPS, 0]}
    dataset = load(root, delta_timestamps=window)
    item = dataset[LENGTHS[0] - 1]
    assert np.asarray(item['action_is_pad']).tolist() == [False, True, True]
    first = dataset[LENGTHS[0]]
    assert np.asarray(first[f'{CAMERAS[0]}_is_pad']).tolist() == [True, False]
    assert first[CAMERAS[0]].shape == (2, 3, 48, 64)
    found = np.asarray(dataset[10][CAMERAS[0]][0]).transpose(1, 2, 0) * 255
    assert np.abs(found - picture(CAMERAS[0], 9)).mean() < 3


def test_episodes_can_be_chosen_and_batched(root):
    dataset = load(root, episodes=[2])
    assert len(dataset) == LENGTHS[2]
    assert float(dataset[0]['action'][0]) == sum(LENGTHS[:2])
    batch = next(iter(torch.utils.data.DataLoader(dataset, batch_size=5, num_workers=0)))
    assert batch['action'].shape == (5, 2)
    assert batch[CAMERAS[1]].shape == (5, 3, 48, 64)


def test_lerobots_own_statistics_agree(root):
    from lerobot.datasets.compute_stats import aggregate_stats, get_feature_stats

    ours = json.loads((root / 'meta/stats.json').read_text())
    actions = np.stack([values(index)['action'] for index in range(sum(LENGTHS))])
    theirs = get_feature_stats(actions, axis=0, keepdims=False)
    for name in ('min', 'max', 'mean', 'std', 'count'):
        np.testing.assert_allclose(ours['action'][name], theirs[name], rtol=1e-5)
    for name in ('q01', 'q50', 'q99'):
        np.testing.assert_allclose(ours['action'][name], theirs[name], atol=1.5)
    dataset = load(root)
    assert set(dataset.meta.stats) == set(dataset.meta.features) - {'note'}
    aggregate_stats([dataset.meta.stats, dataset.meta.stats])


def test_our_columns_of_an_episode_do_no_harm(root):
    episodes = load(root).meta.episodes
    assert [episode['length'] for episode in episodes] == LENGTHS
    assert all(episode['ros/uuid'] for episode in episodes)


def plain_features(dtype):
    return {key: f for key, f in features(dtype).items() if key.startswith(('action', 'obs'))}


def lerobot_frame(index, task):
    frame = {key: values(index)[key] for key in ('action', 'observation.state')}
    return {**frame, **{camera: picture(camera, index) for camera in CAMERAS}, 'task': task}


@pytest.fixture
def theirs(tmp_path):
    """A dataset that LeRobot itself recorded: two episodes, AV1, in one file each."""
    dataset = lerobot_dataset.LeRobotDataset.create(
        'local/theirs', FPS, plain_features('video'), root=tmp_path / 'theirs',
        robot_type='so_follower',
    )  # fmt: skip
    for index in range(24):
        dataset.add_frame(lerobot_frame(index, TASKS[index // 12]))
        if index % 12 == 11:
            dataset.save_episode()
    dataset.finalize()
    return tmp_path / 'theirs'


def check_items(root, count):
    dataset = load(root)
    assert len(dataset) == count
    for index in range(count):
        np.testing.assert_array_equal(dataset[index]['action'], values(index)['action'])
        for camera in CAMERAS:
            found = np.asarray(dataset[index][camera]).transpose(1, 2, 0) * 255
            assert np.abs(found - picture(camera, index)).mean() < 4


def append(root, start, count):
    info = DatasetInfo(FPS, plain_features('video'), 'so_follower')
    with DatasetWriter.resume(root, info) as writer:
        for index in range(start, start + count):
            row = {key: values(index)[key] for key in ('action', 'observation.state')}
            pictures = {camera: ArrayPicture(picture(camera, index)) for camera in CAMERAS}
            writer.add_frame(row, pictures, 'A new task')
        writer.save_episode()
        return writer.notices


def test_we_append_to_what_lerobot_recorded(theirs):
    notices = append(theirs, 24, 15)
    assert all('av1' in notice for notice in notices)
    check_items(theirs, 39)
    findings = validate_dataset(theirs, decode=True)
    assert [str(finding) for finding in findings if finding.severity == ERROR] == []
    reader = DatasetReader(theirs)
    for view in reader.episodes():
        first = view.rows['index'][0]
        for number, found in enumerate(view.frames(CAMERAS[1])):
            assert np.abs(found.astype(int) - picture(CAMERAS[1], first + number)).mean() < 4


def test_lerobot_merges_ours(tmp_path):
    from lerobot.datasets.aggregate import aggregate_datasets

    roots = [tmp_path / 'one', tmp_path / 'two']
    for root in roots:
        with DatasetWriter.create(
            root, DatasetInfo(FPS, plain_features('video'), 'so_follower')
        ) as writer:
            for index in range(20):
                row = {key: values(index)[key] for key in ('action', 'observation.state')}
                pictures = {camera: ArrayPicture(picture(camera, index)) for camera in CAMERAS}
                writer.add_frame(row, pictures, f'Task of {root.name}')
                if index % 10 == 9:
                    writer.save_episode()
    aggregate_datasets(
        ['local/one', 'local/two'], 'local/both', roots=roots, aggr_root=tmp_path / 'both'
    )
    dataset = load(tmp_path / 'both')
    assert len(dataset) == 40
    for index in range(40):
        found = np.asarray(dataset[index][CAMERAS[0]]).transpose(1, 2, 0) * 255
        assert np.abs(found - picture(CAMERAS[0], index % 20)).mean() < 3
        assert dataset[index]['task'] == f'Task of {("one", "two")[index // 20]}'
    both = DatasetReader(tmp_path / 'both')
    assert both.num_episodes == 4
    findings = validate_dataset(tmp_path / 'both', decode=True)
    assert [str(finding) for finding in findings if finding.severity == ERROR] == []
