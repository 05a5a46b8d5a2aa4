"""Small datasets of the same content, recorded by us and by LeRobot, and what is in them."""

from __future__ import annotations

from uuid import uuid4

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.validate import ERROR, validate_dataset

FPS = 20
FRONT, WRIST = 'observation.images.front', 'observation.images.wrist'
JOINTS = ['shoulder_pan.pos', 'gripper.pos']
TASKS = ['Pick up the cube', 'Place the cube']
LENGTH = 8
ROBOT = 'so_follower'


def vector():
    return {'dtype': 'float32', 'shape': (2,), 'names': list(JOINTS)}


def camera(dtype='video'):
    names = ['height', 'width', 'channels']
    return {'dtype': dtype, 'shape': (48, 64, 3), 'names': names}


def plain(dtype='video'):
    """What a robot with two cameras gives."""
    return {
        'action': vector(),
        'observation.state': vector(),
        FRONT: camera(dtype),
        WRIST: camera(dtype),
    }


def every_kind():
    """Every kind of feature, pictures as video and as images."""
    return {
        'observation.state': vector(),
        FRONT: camera(),
        'success': {'dtype': 'bool', 'shape': (1,), 'names': None},
        'stamp_ns': {'dtype': 'int64', 'shape': (1,), 'names': None},
        'precise': {'dtype': 'float64', 'shape': (3,), 'names': ['x', 'y', 'z']},
        'pose': {'dtype': 'float32', 'shape': (3, 4), 'names': None},
        'force': {'dtype': 'float32', 'shape': (2, 3, 4), 'names': None},
        'note': {'dtype': 'string', 'shape': (1,), 'names': None},
        WRIST: camera('image'),
        'action': vector(),
    }


def picture(key, index):
    """A picture whose colours say which camera and which frame it is."""
    array = np.empty((48, 64, 3), np.uint8)
    array[:24] = (30 + 3 * index % 200, 90, 200 if key == FRONT else 40)
    array[24:] = (120, 30 + 3 * index % 200, 60)
    return array


def value(key, feature, index):
    shape, dtype = tuple(feature['shape']), feature['dtype']
    if dtype == 'string':
        return f'row {index}'
    if dtype == 'bool':
        return np.array([index % 3 == 0])
    return (np.arange(np.prod(shape)).reshape(shape) * 0.25 + index).astype(dtype)


def row(features, index):
    return {
        key: value(key, feature, index)
        for key, feature in features.items()
        if feature['dtype'] not in ('video', 'image')
    }


def pictures_of(features, index):
    keys = [key for key, feature in features.items() if feature['dtype'] in ('video', 'image')]
    return {key: picture(key, index) for key in keys}


def feed(writer, features, start, episodes, length=LENGTH, record=None):
    """Record episodes with our writer; rows are numbered from `start` on."""
    for index in range(start, start + episodes * length):
        shown = {key: ArrayPicture(p) for key, p in pictures_of(features, index).items()}
        task = TASKS[index // length % len(TASKS)]
        writer.add_frame(row(features, index), shown, task)
        if (index - start) % length == length - 1:
            writer.save_episode(record)


def record_ours(root, features, episodes=3, start=0):
    with DatasetWriter.create(root, DatasetInfo(FPS, features, ROBOT)) as writer:
        feed(writer, features, start, episodes)
    return root


def append_ours(root, features, start, episodes=1):
    with DatasetWriter.resume(root, DatasetInfo(FPS, features, ROBOT)) as writer:
        feed(writer, features, start, episodes, record=EpisodeRecord(uuid4().hex, 'success'))
        return writer.notices


def feed_theirs(dataset, features, start, episodes, length=LENGTH):
    """Record episodes with LeRobot."""
    for index in range(start, start + episodes * length):
        shown = pictures_of(features, index)
        task = TASKS[index // length % len(TASKS)]
        dataset.add_frame({**row(features, index), **shown, 'task': task})
        if (index - start) % length == length - 1:
            dataset.save_episode()
    dataset.finalize()


def record_theirs(root, features, episodes=3, **options):
    dataset = LeRobotDataset.create(
        'local/theirs', FPS, features, root=root, robot_type=ROBOT, **options
    )
    feed_theirs(dataset, features, 0, episodes)
    return root


def load(root, **options):
    return LeRobotDataset('local/test', root=root, video_backend='pyav', **options)


def items(root):
    dataset = load(root)
    return [dataset[index] for index in range(len(dataset))]


def same_item(found, expected):
    assert found.keys() == expected.keys()
    for key, wanted in expected.items():
        if isinstance(wanted, str):
            assert found[key] == wanted, key
        else:
            assert np.array_equal(np.asarray(found[key]), np.asarray(wanted)), key


def check_items(root, features, rows):
    """LeRobot gives exactly the rows with these numbers, and pictures close to them."""
    found = items(root)
    assert len(found) == len(rows)
    for item, index in zip(found, rows, strict=True):
        for key, wanted in row(features, index).items():
            if isinstance(wanted, str):
                assert item[key] == wanted
            elif wanted.dtype != np.float64:  # LeRobot makes float32 of it
                expected = wanted[0] if wanted.shape == (1,) else wanted
                np.testing.assert_array_equal(np.asarray(item[key]), expected)
        for key, wanted in pictures_of(features, index).items():
            shown = np.asarray(item[key]).transpose(1, 2, 0) * 255
            assert np.abs(shown - wanted).mean() < 4, (index, key)


def check_ours(root, features, rows):
    """Our reader gives the same, and our validator finds nothing."""
    findings = validate_dataset(root, decode=True)
    errors = [str(finding) for finding in findings if finding.severity == ERROR]
    assert errors == [], '\n'.join(errors)
    reader, wanted = DatasetReader(root), iter(rows)
    for view in reader.episodes():
        numbers = [next(wanted) for _ in range(view.length)]
        for key, column in view.rows.items():
            if key in features:
                expected = [row(features, index)[key] for index in numbers]
                assert column.tolist() == np.array(expected).reshape(column.shape).tolist()
        for key in pictures_of(features, 0):
            for shown, index in zip(view.frames(key), numbers, strict=True):
                assert np.abs(shown.astype(int) - picture(key, index)).mean() < 4
    assert next(wanted, None) is None
