"""LeRobot 0.6 takes what our edits made, edits it again and trains; equal to its own edits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
from packaging.version import Version

try:
    FOUND = version('lerobot')
except PackageNotFoundError:
    FOUND = '0'
if Version(FOUND) < Version('0.6'):
    pytest.skip(
        f'needs LeRobot 0.6 or newer, found {FOUND}; see test/compat/README.md',
        allow_module_level=True,
    )

from lerobot.configs.video import RGBEncoderConfig
from lerobot.datasets import dataset_tools
from lerobot.datasets.aggregate import aggregate_datasets
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from small_dataset import (
    FRONT,
    LENGTH,
    append_ours,
    check_items,
    check_ours,
    every_kind,
    feed_theirs,
    items,
    load,
    plain,
    record_ours,
    record_theirs,
    same_item,
)

from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.edits.delete import delete_episodes
from lerobot_recorder.dataset.edits.deviations import WHOLE
from lerobot_recorder.dataset.edits.merge import merge_datasets
from lerobot_recorder.dataset.edits.recompute import recompute
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.edits.split import extract_episodes, split_dataset
from lerobot_recorder.dataset.edits.write_statistics import write_statistics
from lerobot_recorder.dataset.validate import validate_dataset

pytestmark = [pytest.mark.lerobot, pytest.mark.timeout(400)]

THREE = range(3 * LENGTH)
MATRICES = ('pose', 'force')
FEW_KINDS = {key: feature for key, feature in every_kind().items() if key not in MATRICES}
KINDS = [
    pytest.param(plain(), id='video'),
    pytest.param(plain('image'), id='images'),
    pytest.param(FEW_KINDS, id='all but matrices'),  # LeRobot 0.6.1 cannot edit those
]


def h264():
    return RGBEncoderConfig(vcodec='h264', extra_options={'bf': '0'})


def rows_of(*episodes):
    return [row for episode in episodes for row in range(episode * LENGTH, (episode + 1) * LENGTH)]


def stats(root):
    return json.loads((root / 'meta/stats.json').read_text())


def same_statistics(found, expected, names=('min', 'max', 'mean', 'std', 'count')):
    """But for quantiles, which LeRobot joins roughly, and what it does not count anew."""
    assert found.keys() == expected.keys()
    for key in expected.keys() - {'index', 'episode_index', 'task_index'}:
        for name in names:
            wanted = expected[key]
            np.testing.assert_allclose(
                found[key][name], wanted[name], rtol=1e-6, atol=1e-7, err_msg=f'{key} {name}'
            )


@pytest.mark.parametrize('features', KINDS)
@pytest.mark.parametrize('whose', ['ours', 'theirs', 'mixed'])
def test_merged_as_lerobot_merges(tmp_path, features, whose):
    roots = [tmp_path / 'one', tmp_path / 'two']
    for root, ours in zip(roots, (whose != 'theirs', whose == 'ours'), strict=True):
        if ours:
            record_ours(root, features)
        else:
            videos = any(feature['dtype'] == 'video' for feature in features.values())
            record_theirs(root, features, rgb_encoder=h264(), use_videos=videos)
    merge_datasets(roots, tmp_path / 'merged')
    aggregate_datasets(
        ['local/one', 'local/two'], 'local/both', roots=roots, aggr_root=tmp_path / 'both',
        concatenate_videos=False,
    )  # fmt: skip
    for found, expected in zip(items(tmp_path / 'merged'), items(tmp_path / 'both'), strict=True):
        same_item(found, expected)
    check_items(tmp_path / 'merged', features, [*THREE, *THREE])
    check_ours(tmp_path / 'merged', features, [*THREE, *THREE])
    same_statistics(stats(tmp_path / 'merged'), stats(tmp_path / 'both'))
    # and on: both record into it, LeRobot deletes from it, it is joined
    append_ours(tmp_path / 'merged', features, 6 * LENGTH)
    feed_theirs(
        LeRobotDataset.resume('local/test', root=tmp_path / 'merged', rgb_encoder=h264()),
        features, 7 * LENGTH, 1,
    )  # fmt: skip
    rows = [*THREE, *THREE, *rows_of(6, 7)]
    check_items(tmp_path / 'merged', features, rows)
    edited = dataset_tools.delete_episodes(load(tmp_path / 'merged'), [1], tmp_path / 'e', 'l/e')
    check_ours(edited.root, features, rows_of(0, 2, 0, 1, 2, 6, 7))
    merge_datasets([edited.root], tmp_path / 'again')
    compact_dataset(tmp_path / 'again')
    check_items(tmp_path / 'again', features, rows_of(0, 2, 0, 1, 2, 6, 7))


@pytest.mark.parametrize('features', KINDS)
@pytest.mark.parametrize('whose', ['ours', 'ours joined', 'theirs'])
def test_deleted_and_split_as_lerobot_does(tmp_path, features, whose):
    root = tmp_path / 'd'
    if whose == 'theirs':
        videos = any(feature['dtype'] == 'video' for feature in features.values())
        record_theirs(root, features, rgb_encoder=h264(), use_videos=videos)
    else:
        record_ours(root, features)
    if whose == 'ours joined':
        compact_dataset(root)
    split_dataset(read_source(root), tmp_path / 's', {'a': [0, 2], 'b': [1]})
    for name, rows in (('a', rows_of(0, 2)), ('b', rows_of(1))):
        check_items(tmp_path / 's' / name, features, rows)
        check_ours(tmp_path / 's' / name, features, rows)
    theirs = dataset_tools.delete_episodes(load(root), [1], tmp_path / 't', 'local/t').root
    delete_episodes(root, [1])
    check_items(root, features, rows_of(0, 2))
    check_ours(root, features, rows_of(0, 2))
    pictures = {key for key, feature in features.items() if feature['dtype'] == 'video'}
    for found, expected in zip(items(root), items(theirs), strict=True):
        bare = [{k: v for k, v in item.items() if k not in pictures} for item in (found, expected)]
        same_item(*bare)  # LeRobot encodes the pictures anew, so they differ somewhat
    numbers = {key: value for key, value in stats(root).items() if key not in pictures}
    same_statistics(numbers, {key: stats(theirs)[key] for key in numbers})
    # LeRobot's result is one stream, whose episodes need not begin with key frames
    extract_episodes(read_source(theirs), tmp_path / 'x', [1])
    check_items(tmp_path / 'x', features, rows_of(2))
    for found, expected in zip(items(tmp_path / 'x'), items(theirs)[LENGTH:], strict=True):
        for key in pictures:
            assert np.array_equal(np.asarray(found[key]), np.asarray(expected[key]))
    merge_datasets([root, theirs], tmp_path / 'm')
    check_items(tmp_path / 'm', features, rows_of(0, 2, 0, 2))
    back = dataset_tools.delete_episodes(load(tmp_path / 'm'), [0], tmp_path / 'n', 'local/n')
    check_ours(back.root, features, rows_of(2, 0, 2))


@pytest.mark.parametrize('vcodec', ['libsvtav1', 'h264', 'hevc'])
def test_files_that_lerobots_episodes_share_are_cut_without_loss(tmp_path, vcodec):
    """Its defaults: H.264 and HEVC with B-frames, each episode encoded on its own."""
    root = record_theirs(tmp_path / 'd', plain(), 4, rgb_encoder=RGBEncoderConfig(vcodec=vcodec))
    before = items(root)
    done = delete_episodes(root, [1])
    assert done.notices == ()
    for _ in range(2):
        after = items(root)
        assert len(after) == 3 * LENGTH
        for found, expected in zip(after, before[:LENGTH] + before[2 * LENGTH :], strict=True):
            for key in plain():
                assert np.array_equal(np.asarray(found[key]), np.asarray(expected[key])), key
        assert [str(finding) for finding in validate_dataset(root, decode=True)] == []
        compact_dataset(root)


def test_codecs_may_differ(tmp_path):
    one = record_ours(tmp_path / 'one', plain())
    two = record_theirs(tmp_path / 'two', plain())
    done = merge_datasets([one, two], tmp_path / 'm')
    assert any(f'{FRONT} is av1, in {one} h264' in notice for notice in done.notices)
    check_items(tmp_path / 'm', plain(), [*THREE, *THREE])
    check_ours(tmp_path / 'm', plain(), [*THREE, *THREE])
    info = json.loads((tmp_path / 'm/meta/info.json').read_text())
    assert info['features'][FRONT]['info']['video.preset'] is None
    delete_episodes(tmp_path / 'm', [0, 4])
    check_items(tmp_path / 'm', plain(), rows_of(1, 2, 0, 2))
    compact_dataset(tmp_path / 'm')
    check_items(tmp_path / 'm', plain(), rows_of(1, 2, 0, 2))


@pytest.mark.parametrize('whose', ['ours', 'theirs', 'mixed'])
def test_every_kind_is_edited_and_read(tmp_path, whose):
    """Matrices too, of which LeRobot's own merge and delete fail, on its own datasets."""
    roots = [tmp_path / 'one', tmp_path / 'two']
    for root, ours in zip(roots, (whose != 'theirs', whose == 'ours'), strict=True):
        if ours:
            record_ours(root, every_kind())
        else:
            record_theirs(root, every_kind(), rgb_encoder=h264())
    merge_datasets(roots, tmp_path / 'm')
    check_items(tmp_path / 'm', every_kind(), [*THREE, *THREE])
    delete_episodes(tmp_path / 'm', [1, 3])
    check_items(tmp_path / 'm', every_kind(), rows_of(0, 2, 1, 2))
    check_ours(tmp_path / 'm', every_kind(), rows_of(0, 2, 1, 2))


@pytest.mark.parametrize('streaming', [False, True])
def test_statistics_of_lerobots_episodes_are_right_and_can_be_written(tmp_path, streaming):
    root = record_theirs(
        tmp_path / 'd', every_kind(), rgb_encoder=h264(), streaming_encoding=streaming
    )
    found = recompute(read_source(root))
    assert {one.where for one in found.deviations} == {WHOLE}  # quantiles are joined roughly
    assert all(one.name.startswith('q') for one in found.deviations)
    before = stats(root)
    write_statistics(root)
    assert recompute(read_source(root)).deviations == []
    numbers = {key: value for key, value in stats(root).items() if 'image' not in key}
    same_statistics(numbers, {key: before[key] for key in numbers})
    for key in before.keys() - numbers.keys():
        np.testing.assert_allclose(stats(root)[key]['mean'], before[key]['mean'], atol=0.01)
    check_items(root, every_kind(), THREE)
    feed_theirs(
        LeRobotDataset.resume('local/test', root=root, rgb_encoder=h264()),
        every_kind(), 3 * LENGTH, 1,
    )  # fmt: skip
    check_items(root, every_kind(), range(4 * LENGTH))
    check_ours(root, every_kind(), range(4 * LENGTH))


def test_statistics_that_lerobot_lost_come_back(tmp_path):
    source = record_ours(tmp_path / 'd', plain('image'))
    made = tmp_path / 'e'
    dataset_tools.convert_image_to_video_dataset(
        load(source), made, 'local/video', rgb_encoder=h264(), num_workers=1
    )
    write_statistics(made)
    assert recompute(read_source(made)).deviations == []
    merge_datasets([made], tmp_path / 'm')
    check_items(tmp_path / 'm', plain(), THREE)
    check_ours(tmp_path / 'm', plain(), THREE)


def test_a_training_step_on_an_edited_dataset(tmp_path):
    merge_datasets(
        [record_ours(tmp_path / 'one', plain()), record_theirs(tmp_path / 'two', plain())],
        tmp_path / 'm',
    )
    delete_episodes(tmp_path / 'm', [2])
    words = [
        'lerobot-train', '--dataset.repo_id=local/d', f'--dataset.root={tmp_path / "m"}',
        '--dataset.video_backend=pyav', '--policy.type=act', '--policy.device=cpu',
        '--policy.push_to_hub=false', '--policy.chunk_size=4', '--policy.n_action_steps=4',
        '--policy.dim_model=32', '--policy.n_heads=2', '--policy.dim_feedforward=32',
        '--policy.n_encoder_layers=1', '--policy.pretrained_backbone_weights=null',
        '--steps=1', '--batch_size=2', '--num_workers=0', '--wandb.enable=false',
        f'--output_dir={tmp_path / "out"}', '--save_checkpoint=true', '--save_freq=1',
    ]  # fmt: skip
    done = subprocess.run(
        [str(Path(sys.executable).with_name(words[0])), *words[1:]], capture_output=True,
        text=True, check=False, env={**os.environ, 'HF_HUB_OFFLINE': '1'}, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert list((tmp_path / 'out').rglob('model.safetensors'))
