"""Files per folder and sizes of files, as info.json tells them."""

from __future__ import annotations

import json

import pytest

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.limits import FileLimits, files_per_chunk
from lerobot_recorder.dataset.validate import validate_dataset

LIMITS = FileLimits(chunks_size=2, data_files_size_in_mb=3, video_files_size_in_mb=4)


@pytest.fixture
def limited(info):
    return DatasetInfo(info.fps, info.features, info.robot_type, limits=LIMITS)


def limits_of(root):
    document = json.loads((root / 'meta/info.json').read_text())
    return {key: document[key] for key in document if key.endswith(('_size', '_size_in_mb'))}


def test_folders_are_full_before_the_next_begins(tmp_path, limited, film, tools):
    root = tmp_path / 'set'
    for opener, episodes in ((DatasetWriter.create, 3), (DatasetWriter.resume, 2)):
        with opener(root, limited) as writer:
            for _ in range(episodes):
                film.episode(writer, 3)
    names = [f'chunk-00{chunk}/file-00{file}' for chunk, file in
             ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0))]  # fmt: skip
    for folder in ('data', 'meta/episodes', f'videos/{tools.CAMERA}'):
        found = sorted((root / folder).rglob('*-*.*'))
        assert [str(p.relative_to(root / folder).with_suffix('')) for p in found] == names
    assert limits_of(root) == {
        'chunks_size': 2, 'data_files_size_in_mb': 3, 'video_files_size_in_mb': 4
    }  # fmt: skip
    assert validate_dataset(root, decode=True) == []
    for view, frames in zip(DatasetReader(root).episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)
    assert compact_dataset(root).is_changed
    assert limits_of(root)['video_files_size_in_mb'] == 4
    assert len(list((root / 'data').rglob('*.parquet'))) == 1


def test_a_resumed_dataset_keeps_its_own(tmp_path, info, limited, film):
    root = tmp_path / 'set'
    with DatasetWriter.create(root, limited) as writer:
        film.episode(writer)
    with DatasetWriter.resume(root, info) as writer:
        film.episode(writer)
    assert limits_of(root)['chunks_size'] == 2
    other = DatasetInfo(info.fps, info.features, 'so_follower', limits=FileLimits(1000, 3))
    with pytest.raises(DatasetFormatError, match='its chunks_size is 2, this session asks for 1'):
        DatasetWriter.resume(root, other)


@pytest.mark.parametrize(
    ('key', 'value', 'told'),
    [
        ('chunks_size', 0, 'chunks_size must be 1 to 1000, found 0'),
        ('chunks_size', 1001, 'chunks_size must be 1 to 1000, found 1001'),
        ('data_files_size_in_mb', 0, 'data_files_size_in_mb must be 1 to'),
        ('video_files_size_in_mb', -5, 'video_files_size_in_mb must be 1 to'),
    ],
)
def test_what_cannot_be_obeyed(key, value, told):
    with pytest.raises(ValueError, match=told):
        FileLimits(**{key: value})
    with pytest.raises(ValueError, match=told):
        DatasetConfig(repo_id='a/b', single_task='x', **{key: value})


def test_flags_reach_the_dataset():
    config = DatasetConfig(
        repo_id='a/b', single_task='x', chunks_size=7, data_files_size_in_mb=8,
        video_files_size_in_mb=9,
    )  # fmt: skip
    feature = {'observation.state': {'dtype': 'float32', 'shape': [1], 'names': ['a']}}
    assert config.info(feature, None).limits == FileLimits(7, 8, 9)


@pytest.mark.parametrize(
    ('value', 'expected'),
    [(5, 5), (5000, 1000), (0, 1000), (None, 1000), ('x', 1000), (True, 1000)],
)
def test_a_foreign_dataset_may_say_anything(value, expected):
    assert files_per_chunk({'chunks_size': value}) == expected
