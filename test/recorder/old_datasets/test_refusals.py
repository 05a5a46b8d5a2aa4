"""What cannot be converted is refused with one line, and nothing is left."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from old_scene import CAMERA, FPS, LENGTHS, REORDERED, STATE, OldScene, refused

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset.compact_videos import look_at
from lerobot_recorder.dataset.layout import FileIndex
from lerobot_recorder.old_datasets.convert import OldJob, convert_old


@pytest.fixture
def scene(tmp_path):
    return OldScene(tmp_path / 'old')


@pytest.mark.parametrize(
    ('version', 'match'),
    [
        ('v1.6', 'of v1.6, convert takes v2.0 and v2.1: convert it to v2 with LeRobot'),
        ('v3.0', 'of v3.0, .* nothing to convert; validate checks it'),
        ('soon', 'of soon, convert takes'),
    ],
)
def test_other_versions(scene, version, match):
    scene.version = version
    scene.write()
    refused(scene, match)


def test_v1_by_its_folders(scene):
    scene.write()
    (scene.root / 'meta').rename(scene.root / 'meta_data')
    refused(scene, r'of v1\.x')


@pytest.mark.parametrize('name', ['tasks', 'episodes'])
def test_a_broken_line_is_named(scene, name):
    scene.write()
    path = scene.root / f'meta/{name}.jsonl'
    path.write_text(path.read_text() + '\n{"episode_index": 3, "task')
    refused(scene, rf'meta/{name}.jsonl, line \d: is no JSON')
    path.write_text('{"length": 3}\n')
    refused(scene, rf'meta/{name}.jsonl, line 1: found')


def test_info_that_is_no_json(scene):
    scene.write()
    (scene.root / 'meta/info.json').write_text('{"features": ')
    refused(scene, 'info.json cannot be read')
    (scene.root / 'meta/info.json').write_text(json.dumps({'codebase_version': 'v2.1'}))
    refused(scene, 'found no features')


def test_no_rows_at_all(scene):
    scene.write()
    for number in range(3):
        scene.table(number).unlink()
    refused(scene, r'data holds no episode_\*.parquet')


def test_a_damaged_table(scene):
    scene.write()
    scene.table(1).write_bytes(scene.table(1).read_bytes()[:-40])
    refused(scene, r'1 of 3 .* episode 1: .*episode_000001.parquet cannot be read')


def test_a_damaged_video(scene):
    scene.write()
    data = scene.video(0).read_bytes()
    scene.video(0).write_bytes(data[: len(data) // 3])
    refused(scene, r'episode 0: .*episode_000000.mp4 cannot be opened')


def test_a_video_that_tells_no_pixel_format_is_one_line(scene):
    scene.write()
    data = bytearray(scene.video(0).read_bytes())
    start = data.index(b'mdat') + 4
    stop = start - 8 + int.from_bytes(data[start - 8 : start - 4], 'big')
    data[start:stop] = bytes(stop - start)
    scene.video(0).write_bytes(bytes(data))
    refused(scene, r'episode 0: .*episode_000000.mp4 is damaged')
    with pytest.raises(DatasetFormatError, match='is damaged: it tells no pixel format'):
        look_at(scene.video(0), FileIndex(0, 0), FPS)


@pytest.mark.parametrize('share', [0.3, 0.6, 0.9])
def test_a_video_of_which_a_part_is_damaged(scene, share):
    scene.options = {'g': '1'}
    scene.write()
    data = bytearray(scene.video(2).read_bytes())
    start = data.index(b'mdat') + 4
    stop = start - 8 + int.from_bytes(data[start - 8 : start - 4], 'big')
    place = start + round(share * (stop - start))
    data[place:stop] = bytes(stop - place)
    scene.video(2).write_bytes(bytes(data))
    root = scene.root.with_name('new')
    with pytest.raises(DatasetError, match=r'episode 2.*episode_000002.mp4.* (damaged|Invalid)'):
        convert_old(OldJob(scene.root, root))
    assert not root.exists()


@pytest.mark.parametrize(
    ('column', 'match'),
    [
        (lambda n: pa.array([[0.5] * 3] * LENGTHS[n]), 'holds 3 values a row, expected 2'),
        (lambda n: pa.array([[0.5] * (1 + f % 2 * 2) for f in range(LENGTHS[n])]), 'holds 1 or 3'),
        (lambda n: pa.array([[0.5, None]] * LENGTHS[n]), 'missing values'),
        (lambda n: pa.array(['x'] * LENGTHS[n]), 'holds string, info.json says float32'),
        (lambda n: pa.array([[1e300, 0.0]] * LENGTHS[n]), 'too large for float32'),
    ],
)
def test_columns_of_another_kind(scene, column, match):
    scene.write(action=column)
    refused(scene, f"episode_000000.parquet column 'action'.*{match}")


def test_numbers_that_are_not_whole(scene):
    scene.features['mode'] = {'dtype': 'int64', 'shape': [1], 'names': None}
    scene.write(mode=lambda n: pa.array(np.full(LENGTHS[n], 0.5)))
    refused(scene, "column 'mode' holds float64 that are no int64")


def test_rows_out_of_order(scene):
    scene.write(frame_index=lambda n: pa.array([0, 2, 1, *range(3, LENGTHS[n])]))
    refused(scene, 'rows are not in order, row 2 has frame_index 1')


def test_rows_of_several_episodes(scene):
    scene.write(episode_index=lambda n: pa.array([0] * (LENGTHS[n] - 1) + [5]))
    refused(scene, r'holds rows of several episodes: \[0, 5\]')


def test_a_rate_that_is_no_whole_number(scene):
    scene.fps = 9.97
    scene.write()
    refused(scene, 'fps 9.97, v3.0 takes whole numbers: .*--dataset.fps=30')


def test_an_episode_that_is_there_twice(scene):
    scene.write()
    twin = scene.root / 'data/chunk-001/episode_000001.parquet'
    twin.parent.mkdir()
    twin.write_bytes(scene.table(1).read_bytes())
    refused(scene, 'episode 1 is there twice')


def test_surplus_frames_that_cannot_be_cut(scene):
    scene.options = REORDERED
    scene.write()
    scene.encode(0, range(LENGTHS[0] + 1))
    refused(scene, r'episode 0 .* 7 frames for 6 rows, and cannot be cut')


def test_an_entry_that_makes_no_sense(scene):
    scene.features['bad'] = {'dtype': 'float32', 'shape': 'wide'}
    scene.write()
    refused(scene, "feature 'bad' has shape 'wide'")


def test_all_videos_of_an_episode_but_one_are_missing(scene):
    scene.write()
    scene.video(2).unlink()
    refused(scene, rf'1 of 3 .* episode 2: its video of {CAMERA} is missing')


def test_names_that_do_not_fit_are_dropped(scene):
    scene.features['action'] = {**STATE, 'names': ['a', 'b', 'c']}
    scene.write()
    root = scene.root.with_name('new')
    told = convert_old(OldJob(scene.root, root)).notices
    assert told == ("action: has no names now, they were ['a', 'b', 'c']",)
