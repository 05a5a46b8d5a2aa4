from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError, UsageError
from lerobot_recorder.commands import transcode as command
from lerobot_recorder.dataset import transcode as module
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.transcode import transcode
from lerobot_recorder.dataset.validate import validate_dataset

AV1 = VideoConfig('libsvtav1')


def content(root):
    return {path: path.read_bytes() for path in root.rglob('*') if path.is_file()}


def check(target, root, film, tools):
    assert validate_dataset(target, decode=True) == []
    reader, before = DatasetReader(target), DatasetReader(root)
    block = reader.features[tools.CAMERA]['info']
    assert (block['video.codec'], block['video.preset'], block['video.crf']) == ('av1', 12, 30)
    for view, old, frames in zip(reader.episodes(), before.episodes(), film.saved, strict=True):
        assert view.extra == old.extra
        for key, values in old.rows.items():
            np.testing.assert_array_equal(view.rows[key], values)
        for found, frame in zip(view.frames(tools.CAMERA), frames, strict=True):
            assert tools.psnr(found, frame['pictures'][tools.CAMERA]) > 28


def test_the_copy_has_the_same_frames_in_another_codec(tmp_path, good, film, tools):
    before, told = content(good), []
    frames = transcode(good, tmp_path / 'new', AV1, lambda *counts: told.append(counts))
    assert frames == 18 and told == [(1, 3), (2, 3), (3, 3)]
    check(tmp_path / 'new', good, film, tools)
    assert content(good) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ['good', 'new']


@pytest.mark.parametrize('step', range(3))
def test_an_interrupted_call_goes_on_where_it_was(tmp_path, good, film, tools, monkeypatch, step):
    replaced = []

    def replace(source, target):
        if str(target).endswith('.mp4'):
            if len(replaced) == step:
                raise KeyboardInterrupt
            replaced.append(target)
        os.rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(module.os, 'replace', replace)
        patch.setattr(module, '_workers', lambda: 1)
        with pytest.raises(KeyboardInterrupt):
            transcode(good, tmp_path / 'new', AV1)
    assert not (tmp_path / 'new').exists()
    kept = {path: path.stat().st_mtime_ns for path in replaced}
    transcode(good, tmp_path / 'new', AV1)
    check(tmp_path / 'new', good, film, tools)
    for path, stamp in kept.items():
        there = tmp_path / 'new' / path.relative_to(tmp_path / '.new.transcoding')
        assert there.stat().st_mtime_ns == stamp
    assert not [path for path in (tmp_path / 'new').rglob('*') if 'part' in path.name]


def test_what_another_call_left_is_not_taken_for_ones_own(tmp_path, good, film, tools):
    work = tmp_path / '.new.transcoding'
    shutil.copytree(good, work)
    transcode(good, tmp_path / 'new', AV1)
    check(tmp_path / 'new', good, film, tools)


def test_a_video_with_frames_missing_is_not_taken(tmp_path, good, monkeypatch):
    monkeypatch.setattr(module.video_reader, 'frames_on_grid', lambda *_: 4)
    with pytest.raises(DatasetError, match='4 frames came out, expected'):
        transcode(good, tmp_path / 'new', AV1)
    assert not (tmp_path / 'new').exists()


def test_nothing_is_overwritten(tmp_path, good):
    with pytest.raises(DatasetExistsError, match='exists already'):
        transcode(good, good, AV1)
    (good / '.recording').mkdir()
    with pytest.raises(DatasetError, match='interrupted'):
        transcode(good, tmp_path / 'new', AV1)


def test_a_damaged_dataset_is_refused(tmp_path, good):
    next(iter((good / 'videos').rglob('*.mp4'))).write_bytes(b'')
    with pytest.raises(DatasetError, match=r'is not whole.*repair it first'):
        transcode(good, tmp_path / 'new', AV1)


def test_the_command(tmp_path, good, capsys):
    new = tmp_path / 'new'
    flags = ['--rgb_encoder.vcodec=hevc', '--rgb_encoder.crf=20']
    assert command.run([str(good), f'--to={new}', *flags]) == 0
    assert '18 frames encoded as hevc preset ultrafast crf 20' in capsys.readouterr().out
    assert validate_dataset(new, decode=True) == []
    with pytest.raises(UsageError, match='--to='):
        command.run([str(good)])
    with pytest.raises(UsageError, match='JPEG'):
        command.run([str(good), f'--to={new}', '--rgb_encoder.vcodec=mjpeg'])
