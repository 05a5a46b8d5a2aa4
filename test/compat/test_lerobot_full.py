"""LeRobot 0.6 resumes, merges and edits what we wrote, shows it and trains on it."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
    WRIST,
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
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset

pytestmark = [pytest.mark.lerobot, pytest.mark.timeout(400)]

THREE = range(3 * LENGTH)
FOUR = range(4 * LENGTH)
ENCODER_KEYS = {'g', 'crf', 'preset', 'fast_decode', 'video_backend', 'extra_options'}
COMMANDS = Path(sys.executable).parent


def h264():
    """H.264 as ours is: without B-frames, with which LeRobot's concatenation fails."""
    return RGBEncoderConfig(vcodec='h264', extra_options={'bf': '0'})


def comparable(features):
    """Feature entries as merging compares them: without how the encoder was set."""
    bare = copy.deepcopy(dict(features))
    for feature in bare.values():
        for key in ENCODER_KEYS:
            (feature.get('info') or {}).pop(f'video.{key}', None)
    return json.loads(json.dumps(bare))


def uuids(root):
    return [view.extra.get('ros/uuid') for view in DatasetReader(root).episodes()]


@pytest.mark.parametrize('features', [plain(), plain('image'), every_kind()])
def test_feature_entries_are_those_of_lerobot(tmp_path, features):
    use_videos = any(feature['dtype'] == 'video' for feature in features.values())
    theirs = record_theirs(
        tmp_path / 'theirs', features, 1, rgb_encoder=h264(), use_videos=use_videos
    )
    ours = record_ours(tmp_path / 'ours', features, 1)
    found, expected = load(ours).meta.info, load(theirs).meta.info
    assert comparable(found.features) == comparable(expected.features)
    assert list(found.features) == list(expected.features)
    documents = [json.loads((r / 'meta/info.json').read_text()) for r in (ours, theirs)]
    assert list(documents[0]) == list(documents[1])
    for key in set(documents[0]) - {'features'}:
        assert documents[0][key] == documents[1][key], key


@pytest.mark.parametrize('streaming', [False, True])
@pytest.mark.parametrize('features', [plain(), plain('image'), every_kind()])
def test_lerobot_resumes_ours_and_we_go_on(tmp_path, features, streaming):
    root = record_ours(tmp_path / 'd', features)
    before = items(root)
    dataset = LeRobotDataset.resume(
        'local/test', root=root, rgb_encoder=h264(), streaming_encoding=streaming
    )
    feed_theirs(dataset, features, 3 * LENGTH, 1)
    check_items(root, features, FOUR)
    check_ours(root, features, FOUR)
    append_ours(root, features, 4 * LENGTH)
    for found, expected in zip(items(root), before, strict=False):
        same_item(found, expected)
    check_items(root, features, range(5 * LENGTH))
    check_ours(root, features, range(5 * LENGTH))
    assert all(uuids(root)[:3])
    assert uuids(root)[3] is None
    assert uuids(root)[4]


@pytest.mark.parametrize('streaming', [False, True])
@pytest.mark.parametrize('features', [plain(), plain('image'), every_kind()])
def test_we_append_to_what_lerobot_recorded(tmp_path, features, streaming):
    root = record_theirs(tmp_path / 'd', features, streaming_encoding=streaming)
    before, columns = items(root), load(root).meta.episodes.column_names
    notices = append_ours(root, features, 3 * LENGTH)
    assert all('av1' in notice for notice in notices if 'video' in notice)
    after = items(root)
    for found, expected in zip(after, before, strict=False):
        same_item(found, expected)
    check_items(root, features, FOUR)
    check_ours(root, features, FOUR)
    assert load(root).meta.episodes.column_names == columns
    dataset = LeRobotDataset.resume('local/test', root=root)
    feed_theirs(dataset, features, 4 * LENGTH, 1)
    check_items(root, features, range(5 * LENGTH))


@pytest.mark.parametrize('whose', ['ours', 'theirs', 'both'])
def test_joined_files_are_read_resumed_and_edited(tmp_path, whose):
    features = plain()
    if whose == 'ours':
        root = record_ours(tmp_path / 'd', features)
    else:
        root = record_theirs(tmp_path / 'd', features, rgb_encoder=h264())
    if whose == 'both':
        append_ours(root, features, 3 * LENGTH)
    before = items(root)
    done = compact_dataset(root)
    assert done.is_changed == (whose != 'theirs')
    for found, expected in zip(items(root), before, strict=True):
        same_item(found, expected)
    count = len(before) // LENGTH
    feed_theirs(
        LeRobotDataset.resume('local/test', root=root, rgb_encoder=h264()),
        features, count * LENGTH, 2,
    )  # fmt: skip
    check_items(root, features, range((count + 2) * LENGTH))
    compact_dataset(root)
    check_items(root, features, range((count + 2) * LENGTH))
    check_ours(root, features, range((count + 2) * LENGTH))
    edited = dataset_tools.delete_episodes(load(root), [1], tmp_path / 'e', 'local/edited')
    rows = [*range(LENGTH), *range(2 * LENGTH, (count + 2) * LENGTH)]
    check_items(edited.root, features, rows)


@pytest.mark.parametrize('concatenate', [True, False])
@pytest.mark.parametrize('second', ['ours', 'theirs'])
def test_lerobot_merges_ours(tmp_path, second, concatenate):
    features = plain()
    roots = [record_ours(tmp_path / 'one', features), tmp_path / 'two']
    if second == 'ours':
        record_ours(roots[1], features)
    else:
        record_theirs(roots[1], features, rgb_encoder=h264())
    both = tmp_path / 'both'
    aggregate_datasets(
        ['local/one', 'local/two'], 'local/both', roots=roots, aggr_root=both,
        concatenate_videos=concatenate, concatenate_data=concatenate,
    )  # fmt: skip
    rows = [*THREE, *THREE]
    check_items(both, features, rows)
    check_ours(both, features, rows)
    notices = append_ours(both, features, 6 * LENGTH)
    rows += range(6 * LENGTH, 7 * LENGTH)
    check_items(both, features, rows)
    check_ours(both, features, rows)
    assert notices == ()
    compact_dataset(both)
    check_items(both, features, rows)


def deleted(dataset, folder):
    dataset_tools.delete_episodes(dataset, [1], folder, 'local/edited')
    return folder, plain(), [*range(LENGTH), *range(2 * LENGTH, 3 * LENGTH)]


def split(dataset, folder):
    dataset_tools.split_dataset(dataset, {'a': [0, 2], 'b': [1]}, folder)
    return folder / 'a', plain(), [*range(LENGTH), *range(2 * LENGTH, 3 * LENGTH)]


def without_a_camera(dataset, folder):
    dataset_tools.remove_feature(dataset, WRIST, folder, 'local/edited')
    features = {key: feature for key, feature in plain().items() if key != WRIST}
    return folder, features, THREE


def other_tasks(dataset, folder):
    dataset_tools.modify_tasks(dataset, new_task='Do nothing')
    return dataset.root, plain(), THREE


def new_statistics(dataset, folder):
    dataset_tools.recompute_stats(dataset)
    return dataset.root, plain(), THREE


def encoded_anew(dataset, folder):
    encoder = RGBEncoderConfig(vcodec='h264', crf=18, g=4)
    dataset_tools.reencode_dataset(dataset, rgb_encoder=encoder, num_workers=0)
    return dataset.root, plain(), THREE


@pytest.mark.parametrize(
    'edit', [deleted, split, without_a_camera, other_tasks, new_statistics, encoded_anew]
)
@pytest.mark.parametrize('joined', [False, True])
def test_lerobot_edits_ours_and_we_go_on(tmp_path, edit, joined):
    source = record_ours(tmp_path / 'd', plain())
    known = uuids(source)
    if joined:
        compact_dataset(source)
    root, features, rows = edit(load(source), tmp_path / 'e')
    check_items(root, features, rows)
    check_ours(root, features, rows)
    kept = uuids(root)
    assert set(kept) <= {*known, None}
    append_ours(root, features, 3 * LENGTH)
    rows = [*rows, *range(3 * LENGTH, 4 * LENGTH)]
    check_items(root, features, rows)
    check_ours(root, features, rows)
    compact_dataset(root)
    check_items(root, features, rows)
    assert (root / 'meta/info.json').exists()
    assert [str(f) for f in validate_dataset(root) if f.severity == 'error'] == []


def test_lerobot_makes_video_of_our_images(tmp_path):
    source = record_ours(tmp_path / 'd', plain('image'))
    made = tmp_path / 'e'
    dataset_tools.convert_image_to_video_dataset(
        load(source), made, 'local/video', rgb_encoder=h264(), num_workers=1
    )
    check_items(made, plain(), THREE)
    told = ' '.join(str(finding) for finding in validate_dataset(made))
    assert 'tasks' in told, 'LeRobot loses tasks and statistics here, and our validator says so'
    append_ours(made, plain(), 3 * LENGTH)
    check_items(made, plain(), FOUR)


def run(*words, cwd):
    environment = {**os.environ, 'HF_HUB_OFFLINE': '1', 'WANDB_MODE': 'disabled'}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(params=['as recorded', 'joined'])
def recorded(request, tmp_path):
    root = record_ours(tmp_path / 'd', plain())
    if request.param == 'joined':
        compact_dataset(root)
    return root


def test_dataset_viz_shows_ours(recorded, tmp_path):
    run(
        COMMANDS / 'lerobot-dataset-viz', '--repo-id=local/d', f'--root={recorded}',
        '--episode-index=1', '--save=1', f'--output-dir={tmp_path / "viz"}', '--mode=local',
        '--num-workers=0',
        cwd=tmp_path,
    )  # fmt: skip
    (made,) = (tmp_path / 'viz').rglob('*.rrd')
    assert made.stat().st_size > 10_000


def test_edit_dataset_tells_of_ours(recorded, tmp_path):
    told = run(
        COMMANDS / 'lerobot-edit-dataset', '--repo_id=local/d', f'--root={recorded}',
        '--operation.type=info', '--operation.show_features=true',
        cwd=tmp_path,
    )  # fmt: skip
    assert FRONT in told


def test_train_runs_on_ours(recorded, tmp_path):
    run(
        COMMANDS / 'lerobot-train', '--dataset.repo_id=local/d', f'--dataset.root={recorded}',
        '--dataset.video_backend=pyav', '--policy.type=act', '--policy.device=cpu',
        '--policy.push_to_hub=false', '--policy.chunk_size=4', '--policy.n_action_steps=4',
        '--policy.dim_model=32', '--policy.n_heads=2', '--policy.dim_feedforward=32',
        '--policy.n_encoder_layers=1', '--policy.pretrained_backbone_weights=null',
        '--steps=2', '--batch_size=2', '--num_workers=0', '--wandb.enable=false',
        f'--output_dir={tmp_path / "out"}', '--save_checkpoint=true', '--save_freq=2',
        cwd=tmp_path,
    )  # fmt: skip
    made = tmp_path / 'out/checkpoints/last/pretrained_model'
    assert (made / 'model.safetensors').exists()
