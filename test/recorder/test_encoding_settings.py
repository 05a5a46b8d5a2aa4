from __future__ import annotations

import json

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from synthetic_messages import (
    COMPRESSED_IMAGE,
    MS,
    T0,
    S,
    compressed,
    header,
    image,
    joint_state,
    make,
    raw,
    write_bag,
)

from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.commands import convert
from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.validate import validate_dataset
from lerobot_recorder.session_file import record_config

DATASET = {'repo_id': 'me/set', 'single_task': 'Pick'}
FRONT, DEPTH = 'observation.images.front', 'observation.images.front_depth'
CAMERA = {'dtype': 'video', 'shape': [48, 64, 3], 'names': ['height', 'width', 'channels']}


def settings(**dataset):
    return record_config({'dataset': {**DATASET, **dataset}}, 'file').dataset


def test_the_flags_of_lerobot_reach_the_encoder(tmp_path):
    encoder = {'vcodec': 'hevc', 'crf': 20, 'preset': 'superfast', 'g': 4,
               'extra_options': {'tune': 'grain'}}  # fmt: skip
    info = settings(root=str(tmp_path), rgb_encoder=encoder).info({FRONT: CAMERA}, 'so_follower')
    assert info.video.told() == 'hevc preset superfast crf 20'
    assert info.video.options()['g'] == '4' and info.video.options()['tune'] == 'grain'
    short = settings(root=str(tmp_path), vcodec='libsvtav1').info({FRONT: CAMERA}, None)
    assert short.video.info()['video.preset'] == 12 and short.video.crf == 30


def test_without_a_wish_the_cores_decide_and_the_reason_is_kept(tmp_path):
    info = settings(root=str(tmp_path)).info({FRONT: CAMERA}, None)
    assert info.video.vcodec in ('h264', 'libsvtav1') and '1 camera at 30/s' in info.video.why


@pytest.mark.parametrize(
    ('dataset', 'told'),
    [
        ({'vcodec': 'h265'}, 'vcodec must be one of auto, h264, hevc, libsvtav1'),
        ({'rgb_encoder': {'vcodec': 'x'}}, 'vcodec must be one of'),
        ({'vcodec': 'h264', 'rgb_encoder': {'vcodec': 'hevc'}}, "but rgb_encoder.vcodec 'hevc'"),
        ({'rgb_encoder': {'video_backend': 'torchcodec'}}, "video_backend must be 'pyav'"),
        ({'depth_encoder': {'vcodec': 'ffv1'}}, 'vcodec and pix_fmt must be hevc and gray12le'),
        ({'num_image_writer_threads_per_camera': 0}, 'must be at least 1, found 0'),
        ({'num_image_writer_processes': -1}, 'must be not negative'),
    ],
)
def test_a_mistake_gives_one_line(dataset, told):
    with pytest.raises(ConfigError, match=told) as caught:
        settings(**dataset)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('dataset', 'told'),
    [
        (
            {'rgb_encoder': {'vcodec': 'hevc', 'preset': 'fastest'}},
            "video.preset: 'fastest' is not",
        ),
        ({'rgb_encoder': {'vcodec': 'h264', 'crf': 99}}, 'video.crf: 99 is not 0 to 51'),
        ({'rgb_encoder': {'vcodec': 'mjpeg', 'crf': 9}}, 'video.crf: 9 is not known to mjpeg'),
        ({'depth_encoder': {'depth_min': 20.0}}, 'depth_min 20.0 m must be below depth_max 10'),
    ],
)
def test_what_an_encoder_does_not_take_is_refused_before_there_is_a_dataset(
    tmp_path, dataset, told
):
    config = settings(root=str(tmp_path / 'd'), **dataset)
    with pytest.raises(ConfigError, match=told):
        config.info({FRONT: CAMERA}, None)
    assert not (tmp_path / 'd').exists()


def test_a_dataset_that_is_added_to_keeps_its_codec(tmp_path):
    root = tmp_path / 'd'
    with DatasetWriter.create(
        root, DatasetInfo(30, {FRONT: CAMERA}, None, VideoConfig('av1'))
    ) as w:
        w.add_frame({}, {FRONT: ArrayPicture(np.zeros((48, 64, 3), np.uint8))}, 'Look')
        w.save_episode()
    config = settings(root=str(root))
    assert config.info({FRONT: CAMERA}, None, resume=True).video.vcodec == 'libsvtav1'
    other = settings(root=str(root), vcodec='h264').info({FRONT: CAMERA}, None, resume=True)
    assert other.video.vcodec == 'h264'


# --- from a bag ------------------------------------------------------------------------------


def picture(k):
    rows, columns = np.arange(48)[:, None], np.arange(64)[None, :]
    return np.stack([40 + 2 * rows + 0 * columns, 40 + 2 * columns + 0 * rows,
                     np.full((48, 64), 20 + 5 * k)], 2).astype(np.uint8)  # fmt: skip


def distances(k):
    return (500 + 10 * k + np.arange(48)[:, None] + np.arange(64)[None, :]).astype(np.uint16)


def depth_message(stamp, k, kind):
    if kind == '16UC1':
        message = image(stamp, distances(k).view(np.uint8), kind)
        message.width = 64
        return message
    if kind == '32FC1':
        message = image(stamp, (distances(k) / 1000).astype(np.float32).view(np.uint8), kind)
        message.width = 64
        return message
    data = bytes(12) + cv2.imencode('.png', distances(k))[1].tobytes()
    text = '16UC1; compressedDepth png'
    return make(COMPRESSED_IMAGE, header(stamp), text, np.frombuffer(data, np.uint8))


def make_bag(path, depth='16UC1'):
    messages = []
    for k in range(30):
        stamp = T0 + k * S // 30
        messages.append(raw('/states', joint_state(stamp, 'ab', [k, -k]), stamp))
        messages.append(raw('/front/compressed', compressed(stamp, picture(k)), stamp + 20 * MS))
        messages.append(raw('/front/depth', depth_message(stamp, k, depth), stamp + 30 * MS))
    return write_bag(path, sorted(messages, key=lambda m: m.received_ns))


def run(bag, root, *flags):
    cameras = '{front: /front/compressed, front_depth: /front/depth}'
    return convert.run([
        str(bag), '--dataset.repo_id=me/set', '--dataset.single_task=x', f'--dataset.root={root}',
        '--topics.state=/states', '--topics.action=none', f'--topics.cameras={cameras}', *flags,
    ])  # fmt: skip


@pytest.mark.parametrize('depth', ['16UC1', '32FC1', 'compressed'])
@pytest.mark.parametrize('flag', ['vcodec=mjpeg', 'vcodec=h264', 'video=false'])
def test_colour_and_depth_of_a_bag(tmp_path, capsys, flag, depth):
    root = tmp_path / 'set'
    assert run(make_bag(tmp_path / 'bag', depth), root, f'--dataset.{flag}') == 0
    told = capsys.readouterr().out
    assert ('encoding' in told) == (flag != 'video=false')
    assert validate_dataset(root, decode=True) == []
    reader = DatasetReader(root)
    feature = reader.features[DEPTH]
    assert feature['shape'] == [48, 64, 1] and feature['info']['is_depth_map'] is True
    in_mm = depth != '32FC1'
    assert feature['info']['depth_unit'] == ('mm' if in_mm else 'm')
    view, scale = reader.episode(0), 1 if in_mm else 1000
    assert view.length >= 28
    for k, found in enumerate(view.frames(DEPTH)):
        assert np.abs(found * scale - distances(k).astype(float)).max() <= 3
    for k, found in enumerate(view.frames(FRONT)):
        assert np.abs(found.astype(int) - picture(k)).mean() < 6
    stats = json.loads((root / 'meta/stats.json').read_text())[DEPTH]
    assert 500 <= stats['mean'][0][0][0] * scale <= 1000


def test_depth_of_another_unit_in_mid_stream_is_unusable(tmp_path):
    messages = []
    for k in range(30):
        stamp = T0 + k * S // 30
        messages.append(raw('/states', joint_state(stamp, 'ab', [k, -k]), stamp))
        kind = '32FC1' if k == 12 else '16UC1'
        messages.append(raw('/front/depth', depth_message(stamp, k, kind), stamp))
        messages.append(raw('/front/compressed', compressed(stamp, picture(k)), stamp))
    root = tmp_path / 'set'
    run(write_bag(tmp_path / 'bag', messages), root)
    (record,) = (root / 'meta/ros/episodes').glob('*.json')
    assert json.loads(record.read_text())['defects']['unusable'] == 1


def test_images_are_compressed_by_several_threads_and_keep_their_order(tmp_path):
    features = {FRONT: {**CAMERA, 'dtype': 'image'}}
    info = DatasetInfo(30, features, None, VideoConfig(image_threads=3))
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        for k in range(40):
            writer.add_frame({}, {FRONT: ArrayPicture(picture(k))}, 'Look')
        writer.save_episode()
    for k, found in enumerate(DatasetReader(tmp_path / 'd').episode(0).frames(FRONT)):
        np.testing.assert_array_equal(found, picture(k), strict=True)
    table = pq.read_table(tmp_path / 'd/data/chunk-000/file-000.parquet')
    assert [image['path'] for image in table[FRONT].to_pylist()] == [
        f'frame-{k:06d}.png' for k in range(40)
    ]


def test_processes_of_lerobots_flag_become_threads():
    config = DatasetConfig(
        **DATASET, num_image_writer_processes=2, num_image_writer_threads_per_camera=3
    )
    assert config._image_threads == 6
