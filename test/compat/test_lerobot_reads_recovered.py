"""The real LeRobot library reads what a killed writer left, once it is mended."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / 'recorder/dataset'))

from crash_scenarios import CAMERA, INFO, Promises, add_frames, check
from kill_harness import killed

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.repair import repair_dataset

lerobot_dataset = pytest.importorskip(
    'lerobot.datasets.lerobot_dataset', reason='LeRobot is not installed here'
)
pytestmark = pytest.mark.lerobot


def all_items(root: Path) -> None:
    dataset = lerobot_dataset.LeRobotDataset('local/killed', root=root, video_backend='pyav')
    reader = DatasetReader(root)
    assert dataset.meta.total_episodes == reader.num_episodes
    index = 0
    for view in reader.episodes():
        for values, picture in zip(view.rows['action'], view.frames(CAMERA), strict=True):
            item = dataset[index]
            np.testing.assert_array_equal(np.asarray(item['action']), values)
            found = np.asarray(item[CAMERA]).transpose(1, 2, 0) * 255
            assert np.abs(found - picture).mean() < 2
            index += 1
    assert index == len(dataset)


def test_after_kills(tmp_path):
    root, rng, promises = tmp_path / 'set', random.Random(3), Promises()
    with DatasetWriter.create(root, INFO) as writer:
        add_frames(writer, 1, 20)
        writer.save_episode(EpisodeRecord('first'))
    for name in ('record', 'record', 'repair', 'record'):
        promises.hear(killed(name, root, rng))
    repair_dataset(root)
    check(root, promises)
    all_items(root)


def test_while_it_is_being_recorded(tmp_path):
    """What is durable can be read at any moment: statistics are rough until it is closed."""
    with DatasetWriter.create(tmp_path / 'set', INFO) as writer:
        add_frames(writer, 1, 20)
        writer.save_episode()
        add_frames(writer, 2, 15)
        shutil.copytree(tmp_path / 'set', tmp_path / 'copy')
    all_items(tmp_path / 'copy')
