"""What is not joined: nothing is touched then, and the reason is told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import av
import pytest
from compact_scene import (
    CAMERA,
    FPS,
    WRIST,
    encode,
    make,
    set_limits,
    whole,
)

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import (
    compact,
    compact_videos,
    folder_links,
    layout,
    video_reader,
)
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo


@pytest.fixture(scope='module')
def made(tmp_path_factory, tools):
    return make(tmp_path_factory.mktemp('compact') / 'made', tools)


@pytest.fixture
def root(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / 'd'))


def damage(path):
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    ('spoil', 'told'),
    [
        (lambda root: damage(layout.data_files(root)[3]), 'not whole'),
        (lambda root: damage(layout.episodes_files(root)[6]), 'not whole'),
        (lambda root: layout.video_files(root, WRIST)[2].unlink(), 'not whole'),
        (
            lambda root: shutil.copy(
                layout.video_files(root, WRIST)[2],
                layout.video_files(root, WRIST)[2].with_name('file-099.mp4'),
            ),
            'no episode refers to',
        ),
        (lambda root: set_limits(root, total_episodes=8), 'total_episodes'),
        (lambda root: set_limits(root, chunks_size=0), 'chunks_size is 0'),
        (lambda root: (root / '.recording/episode').mkdir(parents=True), 'interrupted recording'),
        (lambda root: (root / layout.INFO).unlink(), 'no LeRobot dataset'),
    ],
    ids=['data', 'episodes', 'video', 'stray', 'totals', 'limit', 'interrupted', 'none'],
)
def test_what_is_not_whole_is_refused_and_not_touched(root, spoil, told):
    spoil(root)
    before = folder_links.snapshot(root, {layout.RECORDING})
    with pytest.raises(DatasetError, match=told):
        compact_dataset(root)
    assert folder_links.snapshot(root, {layout.RECORDING}) == before
    assert os.listdir(root.parent) == ['d']


def test_frames_off_the_grid_are_refused(root):
    path = layout.video_files(root, CAMERA)[1]
    pictures = list(video_reader.frames(path, 0, None, FPS))
    encode(path, 'h264', pictures, fps=11)
    with pytest.raises(DatasetFormatError, match='off the grid'):
        compact_dataset(root)


def test_a_folder_that_is_a_link_is_refused(root, tmp_path):
    (root / 'videos').rename(tmp_path / 'elsewhere')
    (root / 'videos').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(DatasetError, match='symbolic link'):
        compact_dataset(root)


def test_a_running_recording_keeps_its_dataset(root, tools):
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    with (
        DatasetWriter.resume(root, info),
        pytest.raises(DatasetError, match='another process is recording'),
    ):
        compact_dataset(root)


def test_too_little_space_is_told_beforehand(root, monkeypatch):
    before = folder_links.snapshot(root, {layout.RECORDING})
    usage = shutil.disk_usage(root)._replace(free=10 * 2**20)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage)
    with pytest.raises(DatasetError, match=r'needs 16 MiB .* 10 MiB are free; nothing'):
        compact_dataset(root)
    assert folder_links.snapshot(root, {layout.RECORDING}) == before


def test_somebody_elses_changes_stop_it(root, monkeypatch):
    write = compact._write_data

    def disturb(plan, new):
        (root / 'meta/info.json').write_text((root / 'meta/info.json').read_text() + ' ')
        return write(plan, new)

    monkeypatch.setattr(compact, '_write_data', disturb)
    with pytest.raises(DatasetError, match='was changed while'):
        compact_dataset(root)
    assert len(layout.data_files(root)) == 7
    assert whole(root) == []


@pytest.mark.parametrize('fault', ['a frame late', 'the frames of another file'])
def test_packets_that_are_not_those_of_the_source_are_noticed(root, monkeypatch, fault):
    before = folder_links.snapshot(root, {layout.RECORDING})
    copy, other = compact_videos._copy, layout.video_files(root, WRIST)[3]

    def wrong(video, source, stream, start, fps):
        if fault == 'a frame late':
            return copy(video, source, stream, start + (start > 0), fps)
        with av.open(str(other)) as another:
            return copy(video, another if start else source, stream, start, fps)

    monkeypatch.setattr(compact_videos, '_copy', wrong)
    with pytest.raises(DatasetFormatError, match=r'frames are not|packets are not'):
        compact_dataset(root)
    assert folder_links.snapshot(root, {layout.RECORDING}) == before
    assert os.listdir(root.parent) == ['d']
