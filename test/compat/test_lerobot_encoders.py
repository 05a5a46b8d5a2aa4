"""The real LeRobot library reads videos of every kind that our writer makes."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig
from lerobot_recorder.dataset.picture import ArrayDepth, ArrayPicture
from lerobot_recorder.images import CompressedPicture

pytest.importorskip('torch', reason='LeRobot is not installed here')
lerobot_dataset = pytest.importorskip(
    'lerobot.datasets.lerobot_dataset', reason='LeRobot is not installed here'
)

pytestmark = pytest.mark.lerobot

FPS, LENGTH = 20, 14
CAMERA, DEPTH = 'observation.images.front', 'observation.images.front_depth'
NAMES = ['height', 'width', 'channels']


def picture(index, size):
    array = np.empty((*size, 3), np.uint8)
    array[: size[0] // 2] = (30 + 12 * index, 90, 220)
    array[size[0] // 2 :] = (250, 20 + 10 * index, 0)
    return array


def sent(rgb, vcodec):
    if vcodec != 'mjpeg':
        return ArrayPicture(rgb)
    options = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x211111]
    data = cv2.imencode('.jpg', rgb[:, :, ::-1], options)[1].ravel()
    return CompressedPicture(*rgb.shape[:2], data, '/front')


def load(root):
    return lerobot_dataset.LeRobotDataset('local/test', root=root, video_backend='pyav')


@pytest.mark.parametrize(
    ('vcodec', 'size'),
    [
        ('h264', (48, 64)), ('hevc', (48, 64)), ('libsvtav1', (96, 128)), ('mjpeg', (48, 64)),
        ('h264', (47, 63)), ('hevc', (47, 63)), ('mjpeg', (47, 63)),
    ],
)  # fmt: skip
def test_every_kind_of_video_has_the_declared_shape_and_the_right_colours(tmp_path, vcodec, size):
    root, camera = tmp_path / 'd', {'dtype': 'video', 'shape': [*size, 3], 'names': NAMES}
    info = DatasetInfo(FPS, {CAMERA: camera}, 'so_follower', VideoConfig(vcodec))
    with DatasetWriter.create(root, info) as writer:
        for _ in range(2):
            for index in range(LENGTH):
                writer.add_frame({}, {CAMERA: sent(picture(index, size), vcodec)}, 'Look')
            writer.save_episode()
    dataset = load(root)
    assert len(dataset) == 2 * LENGTH
    for index in range(2 * LENGTH):
        found = np.asarray(dataset[index][CAMERA])
        assert found.shape == (3, *size)
        expected = picture(index % LENGTH, size)
        bias = found.transpose(1, 2, 0) * 255 - expected
        inside = np.concatenate([bias[4:16], bias[-16:-4]])[:, 4:-4]
        assert np.abs(inside).mean() < 3 and np.abs(inside.mean(axis=(0, 1))).max() < 5


def depth_dataset(root, unit, dtype):
    block = {'is_depth_map': True, 'depth_unit': unit}
    feature = {'dtype': dtype, 'shape': [47, 63, 1], 'names': NAMES, 'info': block}
    rng = np.random.default_rng(0)
    metres = rng.uniform(0.2, 6.0, (LENGTH, 47, 63))
    film = np.rint(metres * 1000).astype(np.uint16) if unit == 'mm' else metres.astype(np.float32)
    with DatasetWriter.create(root, DatasetInfo(FPS, {DEPTH: feature}, 'so_follower')) as writer:
        for distances in film:
            writer.add_frame({}, {DEPTH: ArrayDepth(distances)}, 'Look')
        writer.save_episode()
    return film


@pytest.mark.parametrize('dtype', ['video', 'image'])
@pytest.mark.parametrize('unit', ['mm', 'm'])
def test_depth_is_read_in_its_unit(tmp_path, unit, dtype):
    pytest.importorskip('lerobot.datasets.depth_utils', reason='this LeRobot knows no depth yet')
    film = depth_dataset(tmp_path / 'd', unit, dtype)
    dataset = load(tmp_path / 'd')
    assert dataset.meta.depth_keys == [DEPTH]
    per_mm = 1 if unit == 'mm' else 1000
    for index in range(LENGTH):
        found = np.asarray(dataset[index][DEPTH], dtype=float).reshape(47, 63)
        assert np.abs(found - film[index] * per_mm).max() <= 3.1
    stats = json.loads((tmp_path / 'd/meta/stats.json').read_text())[DEPTH]
    assert stats['mean'][0][0][0] == pytest.approx(film.mean(), rel=2e-3)


def test_our_scale_is_lerobots():
    theirs = pytest.importorskip(
        'lerobot.datasets.depth_utils', reason='this LeRobot knows no depth yet'
    )
    rng = np.random.default_rng(0)
    scale = VideoConfig().depth
    metres = rng.uniform(0.0, 11.0, (40, 50)).astype(np.float32)
    for depth in (metres, np.rint(metres * 1000).astype(np.uint16)):
        codes = theirs.quantize_depth(depth, video_backend=None)
        assert np.abs(codes.astype(int) - scale.codes(depth)).max() <= 1
        assert (codes == scale.codes(depth)).mean() > 0.99
