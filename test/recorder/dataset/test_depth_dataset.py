from __future__ import annotations

import io
import json
import math
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.dataset import video_reader
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.depth_codes import LAST_CODE, DepthScale
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig
from lerobot_recorder.dataset.picture import ArrayDepth
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

CAMERA = 'observation.images.front_depth'
SIZE = (47, 63)


def features(unit, dtype='video'):
    info = {'is_depth_map': True, 'depth_unit': unit}
    names = ['height', 'width', 'channels']
    return {
        'action': {'dtype': 'float32', 'shape': [1], 'names': ['a']},
        CAMERA: {'dtype': dtype, 'shape': [*SIZE, 1], 'names': names, 'info': info},
    }


def film(number, unit):
    rng = np.random.default_rng(number)
    metres = rng.uniform(0.2, 6.0, SIZE)
    if unit == 'm':
        return metres.astype(np.float32)
    return np.rint(metres * 1000).astype(np.uint16)


def record(root, unit, dtype='video', pictures=None):
    info = DatasetInfo(30, features(unit, dtype), 'so_follower')
    pictures = pictures or [film(number, unit) for number in range(8)]
    with DatasetWriter.create(root, info) as writer:
        for _ in range(2):
            for picture in pictures:
                values = {'action': np.ones(1, np.float32)}
                writer.add_frame(values, {CAMERA: ArrayDepth(picture)}, 'Look')
            writer.save_episode()
    return pictures


def test_the_formula_is_lerobots():
    """As `configs/video.py` and `datasets/depth_utils.py` of LeRobot 0.6.1 have it."""
    scale, depth = DepthScale(), np.array([0.01, 0.5, 1.0, 3.3, 10.0], np.float32)
    low, high = math.log(0.01 + 3.5), math.log(10.0 + 3.5)
    expected = np.rint(4095 * (np.log(depth + 3.5) - low) / (high - low))
    np.testing.assert_array_equal(scale.codes(depth), expected)
    np.testing.assert_allclose(scale.depths('m')[[0, LAST_CODE]], [0.01, 10.0])
    linear = DepthScale(use_log=False, depth_max=4.095, depth_min=0.0)
    np.testing.assert_array_equal(linear.codes(np.array([0, 1, 4095], np.uint16)), [0, 1, 4095])


@given(st.floats(0.01, 10.0))
def test_a_depth_comes_back_within_half_a_code(metres):
    scale = DepthScale()
    table = scale.depths('m')
    step = np.diff(table).max()
    assert step < 0.0045
    found = table[int(scale.codes(np.array([metres], np.float32))[0])]
    assert abs(found - metres) <= step / 2 + 1e-6


def test_what_is_no_distance_becomes_the_end_of_the_scale_that_it_means():
    depth = np.array([np.nan, -np.inf, 0.0, -1.0, np.inf, 50.0], np.float32)
    assert DepthScale().codes(depth).tolist() == [0, 0, 0, 0, LAST_CODE, LAST_CODE]
    assert DepthScale().codes(np.array([0, 9, 65535], np.uint16)).tolist() == [0, 0, LAST_CODE]


@pytest.mark.parametrize('changes', [{'depth_min': 12.0}, {'depth_min': -1.0}, {'shift': -1.0}])
def test_scales_that_make_no_sense_are_refused(changes):
    with pytest.raises(ConfigError, match='depth_encoder: depth_min'):
        DepthScale(**changes)


@pytest.mark.parametrize('unit', ['mm', 'm'])
def test_depth_video_gives_the_distances_back(tmp_path, unit):
    root = tmp_path / 'd'
    pictures = record(root, unit)
    assert validate_dataset(root, decode=True) == []
    reader = DatasetReader(root)
    block = reader.features[CAMERA]['info']
    assert block == {
        'is_depth_map': True, 'depth_unit': unit,
        'video.height': 47, 'video.width': 63, 'video.codec': 'hevc', 'video.pix_fmt': 'gray12le',
        'video.fps': 30, 'video.channels': 1, 'has_audio': False,
        'video.g': 2, 'video.crf': None, 'video.preset': 'ultrafast', 'video.fast_decode': 0,
        'video.video_backend': 'pyav', 'video.extra_options': {'x265-params': 'lossless=1'},
        'video.depth_min': 0.01, 'video.depth_max': 10.0, 'video.shift': 3.5,
        'video.use_log': True,
    }  # fmt: skip
    tolerance = 0.0023 if unit == 'm' else 3
    for view in reader.episodes():
        for found, expected in zip(view.frames(CAMERA), pictures, strict=True):
            assert found.dtype == expected.dtype and found.shape == SIZE
            assert np.abs(found.astype(float) - expected).max() <= tolerance
    assert np.array_equal(view.frame(CAMERA, 3), list(view.frames(CAMERA))[3])


@pytest.mark.parametrize('dtype', ['video', 'image'])
@pytest.mark.parametrize('unit', ['mm', 'm'])
def test_statistics_are_in_the_unit_of_the_depth(tmp_path, unit, dtype):
    root = tmp_path / 'd'
    pictures = np.stack(record(root, unit, dtype)).astype(float)
    stats = json.loads((root / 'meta/stats.json').read_text())[CAMERA]
    half = 0.0025 if unit == 'm' else 2.5
    expected = {
        'min': pictures.min(), 'max': pictures.max(), 'mean': pictures.mean(),
        'std': pictures.std(), 'q01': np.quantile(pictures, 0.01), 'q50': np.median(pictures),
    }  # fmt: skip
    for name, value in expected.items():
        assert np.shape(stats[name]) == (1, 1, 1)
        assert stats[name][0][0][0] == pytest.approx(value, abs=half), name
    assert stats['count'] == [16]
    with DatasetWriter.resume(root, DatasetInfo(30, features(unit, dtype), 'so_follower')) as w:
        w.add_frame({'action': np.ones(1, np.float32)}, {CAMERA: ArrayDepth(film(9, unit))}, 'Go')
        w.save_episode()
    again = json.loads((root / 'meta/stats.json').read_text())[CAMERA]
    assert again['q50'][0][0][0] == pytest.approx(expected['q50'], abs=half * 20)
    assert validate_dataset(root, decode=True) == []


@pytest.mark.parametrize('unit', ['mm', 'm'])
def test_depth_images_are_kept_as_they_are(tmp_path, unit):
    root = tmp_path / 'd'
    pictures = record(root, unit, 'image')
    view = DatasetReader(root).episode(1)
    for found, expected in zip(view.frames(CAMERA), pictures, strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)
    (file,) = (root / 'data/chunk-000').glob('file-001.parquet')
    image = pq.read_table(file)[CAMERA][0].as_py()
    assert image['path'] == 'frame-000000.tiff'
    assert image['bytes'][:2] in (b'II', b'MM')
    block = DatasetReader(root).features[CAMERA]['info']
    assert block == {'is_depth_map': True, 'depth_unit': unit}
    pillow = pytest.importorskip('PIL.Image', reason='Pillow comes with LeRobot')
    np.testing.assert_array_equal(np.asarray(pillow.open(io.BytesIO(image['bytes']))), pictures[0])


@pytest.mark.parametrize('dtype', ['video', 'image'])
def test_interrupted_depth_is_recovered(tmp_path, dtype):
    root, pictures = tmp_path / 'd', [film(number, 'mm') for number in range(60)]
    with DatasetWriter.create(root, DatasetInfo(30, features('mm', dtype), None)) as writer:
        for picture in pictures:
            writer.add_frame(
                {'action': np.ones(1, np.float32)}, {CAMERA: ArrayDepth(picture)}, 'x'
            )
        camera = writer._episode._cameras[CAMERA]
        while camera._done < 60 or getattr(camera._sink, '_waiting', ()):
            pass
        shutil.copytree(root, tmp_path / 'killed')
        writer.discard_episode()
    repair_dataset(tmp_path / 'killed')
    view = DatasetReader(tmp_path / 'killed').episode(0)
    assert view.length >= 28
    for found, expected in zip(view.frames(CAMERA), pictures, strict=False):
        assert np.abs(found.astype(int) - expected).max() <= 3
    assert validate_dataset(tmp_path / 'killed', decode=True) == []


def test_the_video_itself_is_lossless(tmp_path):
    root = tmp_path / 'd'
    pictures = record(root, 'mm')
    (path, _) = sorted((root / 'videos' / CAMERA).rglob('*.mp4'))
    scale = VideoConfig().depth
    for found, expected in zip(
        video_reader.frames(path, 0, None, 30, 'gray12le'), pictures, strict=True
    ):
        np.testing.assert_array_equal(found, scale.codes(expected))


def test_the_scale_of_a_dataset_stays_when_it_is_resumed(tmp_path):
    near = VideoConfig(depth=DepthScale(depth_max=3.0))
    values = {'action': np.ones(1, np.float32)}
    picture = ArrayDepth(np.full(SIZE, 1500, np.uint16))
    for number, opener in enumerate((DatasetWriter.create, DatasetWriter.resume)):
        video = VideoConfig() if number else near
        with opener(tmp_path / 'd', DatasetInfo(30, features('mm'), 'x', video)) as writer:
            writer.add_frame(values, {CAMERA: picture}, 'Look')
            writer.save_episode()
            assert not any('videos so far' in notice for notice in writer.notices)
    for view in DatasetReader(tmp_path / 'd').episodes():
        (found,) = view.frames(CAMERA)
        assert abs(found.astype(int) - 1500).max() <= 1
