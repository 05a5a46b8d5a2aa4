"""The real LeRobot library loads rows that hold windows, and never minds what lies beside them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.dataset.record import EpisodeRecord

torch = pytest.importorskip('torch', reason='LeRobot is not installed here')
lerobot_dataset = pytest.importorskip(
    'lerobot.datasets.lerobot_dataset', reason='LeRobot is not installed here'
)

pytestmark = pytest.mark.lerobot

FPS, K, LENGTH = 30, 34, 20
NAMES = [f'{what}.{axis}' for what in ('force', 'torque') for axis in 'xyz']
FEATURES = {
    'observation.state': {'dtype': 'float32', 'shape': [2], 'names': ['a.pos', 'b.pos']},
    'action': {'dtype': 'float32', 'shape': [2], 'names': ['a.pos', 'b.pos']},
    'observation.wrench': {'dtype': 'float32', 'shape': [K, 6], 'names': NAMES},
    'sync.wrench_ns': {'dtype': 'int64', 'shape': [1], 'names': None},
}
SIDE = pa.schema([('stamp_ns', pa.int64()), ('force.x', pa.float64())])


def window(index):
    return (np.arange(K * 6, dtype=np.float32).reshape(K, 6) + 1000 * index).astype(np.float32)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('windows') / 'd'
    with DatasetWriter.create(root, DatasetInfo(FPS, FEATURES, 'lab')) as writer:
        for episode in range(2):
            for frame in range(LENGTH):
                index = episode * LENGTH + frame
                values = {
                    'observation.state': np.float32([index, 0]),
                    'action': np.float32([index, 1]),
                    'observation.wrench': window(index),
                    'sync.wrench_ns': np.array([10**18 + index], np.int64),
                }
                writer.add_frame(values, {}, 'press')
            table = writer.side_table('wrench', SIDE)
            table.append(pa.record_batch([np.arange(600), np.arange(600.0)], schema=SIDE))
            files = {'urdf-1.urdf': b'<robot/>'}
            writer.save_episode(EpisodeRecord(f'episode-{episode}', files=files))
    return root


def load(root, **options):
    return lerobot_dataset.LeRobotDataset('local/windows', root=root, **options)


def test_windows_come_back_as_they_were(root):
    dataset = load(root)
    assert len(dataset) == 2 * LENGTH
    for index in (0, 1, LENGTH, 2 * LENGTH - 1):
        item = dataset[index]
        np.testing.assert_array_equal(np.asarray(item['observation.wrench']), window(index))
        assert int(item['sync.wrench_ns']) == 10**18 + index


def test_windows_are_batched_and_stacked_over_time(root):
    dataset = load(root, delta_timestamps={'observation.wrench': [-1 / FPS, 0]})
    batch = next(iter(torch.utils.data.DataLoader(dataset, batch_size=4)))
    assert tuple(batch['observation.wrench'].shape) == (4, 2, K, 6)
    np.testing.assert_array_equal(np.asarray(batch['observation.wrench'][3, 0]), window(2))


def test_a_window_is_an_input_of_policies_and_stamps_are_none(root):
    from lerobot.datasets.utils import dataset_to_policy_features

    found = dataset_to_policy_features(load(root).meta.features)
    assert tuple(found['observation.wrench'].shape) == (K, 6)
    assert 'sync.wrench_ns' not in found


def test_statistics_have_a_shape_that_normalises_a_window(root):
    stats = load(root).meta.stats['observation.wrench']
    mean, std = (torch.as_tensor(np.asarray(stats[name])) for name in ('mean', 'std'))
    item = load(root)[0]['observation.wrench']
    assert tuple(((item - mean) / (std + 1e-8)).shape) == (K, 6)
    stored = json.loads((root / 'meta/stats.json').read_text())['observation.wrench']
    compute = pytest.importorskip('lerobot.datasets.compute_stats').get_feature_stats
    windows = np.stack([window(index) for index in range(2 * LENGTH)])
    theirs = compute(windows, axis=0, keepdims=False)
    for name in ('mean', 'std', 'min', 'max'):
        assert np.asarray(stored[name]).shape == theirs[name].shape
        np.testing.assert_allclose(stored[name], theirs[name], rtol=1e-3)
