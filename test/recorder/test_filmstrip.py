"""The picture of a dataset: every episode and camera in it, nothing that cannot be drawn."""

from __future__ import annotations

import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from spoilt_dataset import set_value

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.filmstrip import MIN_WIDTH, PLOT_HEIGHT, TILE_HEIGHT, write_filmstrip

RED = np.array([200, 30, 30], np.uint8)
FRONT = 'observation.images.front'


def dataset(root, cameras=(FRONT,), width=2, frames=8, episodes=1):
    vector = {'dtype': 'float32', 'shape': [width], 'names': [f'j{n}.pos' for n in range(width)]}
    picture = {'dtype': 'video', 'shape': [48, 64, 3], 'names': ['height', 'width', 'channels']}
    features = {'observation.state': vector, 'action': vector, **dict.fromkeys(cameras, picture)}
    pixels = ArrayPicture(np.tile(RED, (48, 64, 1)))
    with DatasetWriter.create(root, DatasetInfo(10, features)) as writer:
        for _ in range(episodes):
            for k in range(frames):
                values = np.full(width, k, np.float32)
                rows = {'observation.state': values, 'action': values + 1}
                writer.add_frame(rows, dict.fromkeys(cameras, pixels), 'fold [the] towel')
            writer.save_episode()
    return DatasetReader(root)


def drawn(reader, path, **more):
    write_filmstrip(reader, path, **more)
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture[..., ::-1]


def reddish(picture):
    return (np.abs(picture.astype(int) - RED).max(axis=2) < 40).mean()


def test_every_camera_has_its_row_in_true_colours(tmp_path):
    one = drawn(dataset(tmp_path / 'one'), tmp_path / 'one.png')
    two = drawn(dataset(tmp_path / 'two', (FRONT, 'observation.images.w')), tmp_path / 'two.png')
    assert two.shape[0] - one.shape[0] == pytest.approx(TILE_HEIGHT, abs=10)
    assert reddish(one) > 0.3
    assert reddish(two) * two.size > 1.8 * reddish(one) * one.size


def test_only_the_first_episodes_are_shown(tmp_path):
    reader = dataset(tmp_path / 'set', episodes=3, frames=3)
    heights = [drawn(reader, tmp_path / 'a.png', max_episodes=n).shape[0] for n in (1, 2, 3, 9)]
    assert heights[1] == 2 * heights[0] and heights[2] == heights[3] == 3 * heights[0]


@pytest.mark.parametrize('frames', [1, 2])
def test_short_episodes_and_no_cameras(tmp_path, frames):
    picture = drawn(dataset(tmp_path / 'set', (), frames=frames), tmp_path / 'a.png')
    assert picture.shape[0] > PLOT_HEIGHT and picture.shape[1] >= MIN_WIDTH


def test_one_joint(tmp_path):
    picture = drawn(dataset(tmp_path / 'set', (), width=1), tmp_path / 'a.png')
    assert (picture.min(axis=2) < 100).any()


@pytest.mark.parametrize('bad', [math.nan, math.inf])
def test_numbers_that_are_none_are_left_out(tmp_path, bad):
    root = dataset(tmp_path / 'set', ()).root
    set_value(root, 'observation.state', 3, [bad, 3.0])
    picture = drawn(DatasetReader(root), tmp_path / 'a.png')
    assert (picture.min(axis=2) < 100).any()
    for frame in range(8):
        set_value(root, 'observation.state', frame, [bad, bad])
        set_value(root, 'action', frame, [bad, bad])
    assert drawn(DatasetReader(root), tmp_path / 'a.png').shape == picture.shape


@pytest.mark.parametrize(
    ('path', 'told'),
    [
        ('film.gif', 'ends with .png or .jpg or .jpeg'),
        ('film', 'ends with .png'),
        ('nowhere/film.png', 'there is no folder .*nowhere'),
    ],
)
def test_a_place_where_it_cannot_go(tmp_path, path, told):
    reader = dataset(tmp_path / 'set', (), frames=2)
    with pytest.raises(DatasetError, match=told):
        write_filmstrip(reader, tmp_path / path)


def test_a_dataset_without_episodes(tmp_path):
    empty = SimpleNamespace(num_episodes=0, root=tmp_path)
    with pytest.raises(DatasetError, match='has no episodes to show'):
        write_filmstrip(empty, tmp_path / 'a.png')
    assert not (tmp_path / 'a.png').exists()
