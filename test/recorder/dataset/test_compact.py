"""Joining files: what is the same afterwards, and what is left alone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from compact_scene import (
    CAMERA,
    CODECS,
    FPS,
    WRIST,
    content,
    decoded,
    encode,
    make,
    paths,
    set_limits,
    whole,
)

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import (
    compact,
    compact_plan,
    folder_swap,
    layout,
    renewal,
    video_reader,
)
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo


@pytest.fixture(scope='module')
def made(tmp_path_factory, tools):
    return make(tmp_path_factory.mktemp('compact') / 'made', tools)


@pytest.fixture
def root(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / 'd'))


def test_files_are_joined_and_nothing_else_changes(root):
    before, pictures, untouched = content(root), decoded(root), (root / layout.STATS).read_bytes()
    told = []
    done = compact_dataset(root, lambda copied, total: told.append((copied, total)))
    assert (done.before.data, done.before.videos, done.before.episodes) == (7, 14, 7)
    assert (done.after.data, done.after.videos, done.after.episodes) == (1, 2, 1)
    assert done.after.size < done.before.size
    assert content(root) == before
    assert decoded(root) == pictures
    assert whole(root) == []
    assert (root / layout.STATS).read_bytes() == untouched
    assert told[-1][0] == told[-1][1] > 0
    assert [copied for copied, _ in told] == sorted(copied for copied, _ in told)
    assert os.listdir(root.parent) == ['d']
    assert not (root / layout.RECORDING).exists()


def test_rows_say_exactly_where_each_episode_lies(root):
    compact_dataset(root)
    (path,) = layout.episodes_files(root)
    start = 0
    for row in pq.read_table(path).to_pylist():
        assert row[f'videos/{CAMERA}/from_timestamp'] == start / FPS
        assert row[f'videos/{CAMERA}/to_timestamp'] == (start + row['length']) / FPS
        start += row['length']
    (path,) = layout.data_files(root)
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [row.length for row in DatasetReader(root).rows_of_episodes()]


def test_the_second_time_there_is_nothing_to_do(root):
    compact_dataset(root)
    facts = {path: path.stat().st_ino for path in root.rglob('*')}
    done = compact_dataset(root)
    assert not done.is_changed
    assert {path: path.stat().st_ino for path in root.rglob('*')} == facts


def test_what_is_not_joined_is_kept(root):
    (root / 'README.md').write_text('by hand')
    (root / 'meta/ros/notes').mkdir()
    (root / 'meta/ros/notes/a.txt').write_text('x')
    (root / 'videos' / CAMERA / 'thumbnail.jpg').write_bytes(b'jpeg')
    (root / 'empty').mkdir(mode=0o750)
    (root / 'link').symlink_to('README.md')
    extra = [name for name in paths(root) if not name.endswith('.mp4') and 'chunk-' not in name]
    inode = (root / 'README.md').stat().st_ino
    compact_dataset(root)
    assert [name for name in paths(root) if 'chunk-' not in name] == extra
    assert (root / 'README.md').stat().st_ino == inode
    assert (root / 'link').readlink() == Path('README.md')
    assert (root / 'empty').stat().st_mode & 0o777 == 0o750
    assert whole(root) == []


def test_the_limits_and_numbers_are_those_of_info_json(root):
    """Four groups of at most two videos; files carry on in the next chunk."""
    plan = compact_plan.make_plan(root)
    largest = max(file.size for group in plan.videos[CAMERA] for file in group)
    groups = compact_plan.grouped([f for g in plan.videos[CAMERA] for f in g], largest * 2 + 1)
    assert all(len(group) >= 2 for group in groups[:-1])
    assert all(sum(file.size for file in group) <= largest * 2 for group in groups)
    assert not compact_plan.gains(groups[0][:1], 10**9)


def test_chunks_are_full_before_the_next_begins(root, monkeypatch):
    set_limits(root, chunks_size=2)
    monkeypatch.setattr(compact_plan, '_MIB', 5000)  # a megabyte holds two files
    set_limits(root, data_files_size_in_mb=100, video_files_size_in_mb=1)
    before, pictures = content(root), decoded(root)
    done = compact_dataset(root)
    assert 4 < done.after.videos < 14
    assert (root / 'videos' / CAMERA / 'chunk-001/file-000.mp4').exists()
    assert content(root) == before
    assert decoded(root) == pictures
    assert whole(root) == []
    assert not compact_dataset(root).is_changed


def with_codec(root, codec):
    """Let the videos be somebody else's: the same pictures in another codec."""
    for path in sorted(root.rglob('*.mp4')):
        pictures = list(video_reader.frames(path, 0, None, FPS))
        path.unlink()
        encode(path, codec, pictures)
    document = json.loads((root / layout.INFO).read_text())
    for feature in document['features'].values():
        if feature['dtype'] == 'video':
            facts = video_reader.probe(sorted(root.rglob('*.mp4'))[0])
            feature['info'] = video_reader.info_block(facts, FPS, {})
    (root / layout.INFO).write_text(json.dumps(document))


@pytest.mark.parametrize('codec', CODECS)
def test_every_codec_is_joined_bit_by_bit(root, codec):
    with_codec(root, codec)
    assert whole(root) == []
    before, pictures = content(root), decoded(root)
    done = compact_dataset(root)
    assert done.after.videos == 2
    assert decoded(root) == pictures
    assert content(root) == before
    assert whole(root) == []
    for path in root.rglob('*.mp4'):
        assert video_reader.probe(path).fps == FPS
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            ticks = [p.pts for p in container.demux(stream) if p.pts is not None]
            assert all(pts * stream.time_base * FPS == n for n, pts in enumerate(sorted(ticks)))


def test_different_videos_are_never_joined(root):
    files = layout.video_files(root, CAMERA)
    for number, (codec, changes) in {
        2: ('h264', {'profile': 'high', 'preset': 'medium'}),
        4: ('av1', {}),
    }.items():
        pictures = list(video_reader.frames(files[number], 0, None, FPS))
        encode(files[number], codec, pictures, **changes)
    pictures = decoded(root)
    compact_dataset(root)
    assert len(layout.video_files(root, CAMERA)) == 5
    assert len(layout.video_files(root, WRIST)) == 1
    assert decoded(root) == pictures
    assert [f for f in whole(root) if f.startswith('error')] == []
    assert not compact_dataset(root).is_changed


def test_a_joined_dataset_goes_on_and_is_joined_again(root, tools):
    compact_dataset(root)
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    film = tools.Film(info)
    film.count = 100
    with DatasetWriter.resume(root, info) as writer:
        assert writer.notices == ()
        film.episode(writer, 4, 'A new task')
    assert len(layout.data_files(root)) == 2
    before, pictures = content(root), decoded(root)
    assert compact_dataset(root).after.data == 1
    assert content(root) == before
    assert decoded(root) == pictures
    assert whole(root) == []


def test_images_in_parquet_are_joined(tmp_path, tools):
    info = DatasetInfo(FPS, tools.features(dtype='image'), 'so_follower')
    film, root = tools.Film(info), tmp_path / 'images'
    with DatasetWriter.create(root, info) as writer:
        for _ in range(3):
            film.episode(writer, 4)
    before, pictures = content_of_images(root), decoded(root)
    done = compact_dataset(root)
    assert (done.after.data, done.after.videos) == (1, 0)
    assert content_of_images(root) == before
    assert decoded(root) == pictures
    assert whole(root) == []


def content_of_images(root):
    return [
        (view.length, {key: column.tolist() for key, column in view.rows.items()})
        for view in DatasetReader(root).episodes()
    ]


def test_a_dataset_reached_by_a_link_is_joined_where_it_lies(root, tmp_path):
    (tmp_path / 'name').symlink_to(root)
    assert compact_dataset(tmp_path / 'name').after.data == 1
    assert (tmp_path / 'name').is_symlink()
    assert whole(root) == []


def test_nobody_records_while_files_are_joined(root, tools, monkeypatch):
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    refused = []

    def attempt(*arguments):
        with pytest.raises(DatasetError, match='another process'):
            DatasetWriter.resume(root, info)
        refused.append(arguments)

    carry_over = renewal._carry_over
    monkeypatch.setattr(compact, '_check_space', attempt)
    monkeypatch.setattr(
        renewal, '_carry_over', lambda *a: (attempt('after the exchange'), carry_over(*a))
    )
    compact_dataset(root)
    assert len(refused) == 2
    DatasetWriter.resume(root, info).finalize()


def test_without_hard_links_files_are_copied(root, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(1, 'no links here')

    before = content(root)
    monkeypatch.setattr(os, 'link', refuse)
    compact_dataset(root)
    assert content(root) == before
    assert whole(root) == []


def test_a_file_put_there_in_the_last_moment_is_carried_over(root, monkeypatch):
    swap = folder_swap.swap

    def late(path):
        (root / 'notes.txt').write_text('late')
        (root / 'README.md').write_text('late too')
        return swap(path)

    (root / 'README.md').write_text('early')
    monkeypatch.setattr(folder_swap, 'swap', late)
    compact_dataset(root)
    assert (root / 'notes.txt').read_text() == 'late'
    assert (root / 'README.md').read_text() == 'late too'


def test_a_reader_goes_on_while_files_are_joined(root):
    reader = DatasetReader(root)
    running = reader.episode(2).frames(CAMERA)
    first = next(running)
    compact_dataset(root)
    assert np.array_equal(first, next(DatasetReader(root).episode(2).frames(CAMERA)))
    assert len(list(running)) == 4
