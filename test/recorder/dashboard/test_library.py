"""The episodes so far, as the dashboard reads them."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lerobot_recorder.dashboard import library as module
from lerobot_recorder.dashboard.library import Library
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.record import EpisodeRecord

CAMERA = 'observation.images.front'
FEATURES = {
    'action': {'dtype': 'float32', 'shape': [1], 'names': ['a']},
    CAMERA: {'dtype': 'video', 'shape': [48, 64, 3], 'names': ['height', 'width', 'channels']},
}
INFO = DatasetInfo(10, FEATURES, 'arm')
Usage = namedtuple('Usage', 'total used free')


def record(writer: DatasetWriter, shade: int, outcome: str | None = None) -> None:
    picture = np.full((48, 64, 3), (shade, 60, 60), np.uint8)
    for _ in range(5):
        writer.add_frame(
            {'action': np.zeros(1, np.float32)}, {CAMERA: ArrayPicture(picture)}, 'Fold it'
        )
    writer.save_episode(EpisodeRecord('a' * 31 + str(shade % 10), outcome, {'repeats': shade}))


@pytest.fixture(scope='module')
def recorded(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('library') / 'set'
    with DatasetWriter.create(root, INFO) as writer:
        record(writer, 40)
        record(writer, 201, 'success')
    return root


@pytest.fixture
def root(recorded, tmp_path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / 'set'))


@pytest.fixture
def library(root) -> Library:
    found = Library()
    found.refresh(str(root))
    return found


def test_episodes_come_newest_first_with_what_is_known_of_them(library):
    newest, oldest = library.page(None, 12)
    assert (newest['index'], newest['seconds'], newest['tasks']) == (1, 0.5, ['Fold it'])
    assert (newest['outcome'], newest['defects']) == ('success', {'repeats': 201})
    assert (oldest['index'], oldest['outcome'], oldest['cameras']) == (0, None, [CAMERA])
    assert newest['key'] != oldest['key']


@pytest.mark.parametrize(
    ('before', 'count', 'expected'),
    [(None, 1, [1]), (1, 5, [0]), (0, 5, []), (99, 5, [1, 0]), (None, 0, [])],
)
def test_older_episodes_come_page_by_page(library, before, count, expected):
    assert [card['index'] for card in library.page(before, count)] == expected


def test_the_picture_is_of_the_right_episode(library):
    for index, shade in ((0, 40), (1, 201)):
        data = np.frombuffer(library.thumbnail(index, CAMERA), np.uint8)
        assert abs(int(cv2.imdecode(data, cv2.IMREAD_COLOR)[24, 32, 2]) - shade) < 12


@pytest.mark.parametrize(
    ('index', 'camera'), [(2, CAMERA), (-1, CAMERA), (0, 'action'), (0, '..')]
)
def test_there_is_no_picture_of_what_is_not_there(library, index, camera):
    assert library.thumbnail(index, camera) is None


def test_an_unchanged_dataset_is_not_read_again(library, root, monkeypatch):
    monkeypatch.setattr(module, 'DatasetReader', None)
    library.refresh(str(root))
    assert library.view()['episodes'] == 2


def test_a_new_episode_is_seen(library, root):
    before = library.view()['revision']
    with DatasetWriter.resume(root, INFO) as writer:
        record(writer, 90)
    library.refresh(str(root))
    assert library.view()['episodes'] == 3 and library.view()['revision'] != before


def test_reading_leaves_no_trace(library, root):
    before = sorted(root.rglob('*'))
    library.thumbnail(0, CAMERA)
    library.refresh(str(root))
    assert sorted(root.rglob('*')) == before
    assert DatasetReader(root).num_episodes == 2


@pytest.mark.parametrize(
    ('free', 'minutes', 'level'),
    [(1 << 40, 600, 'ok'), (1 << 40, 30, 'warn'), (1 << 40, 5, 'error'), (1 << 29, 600, 'error')],
)
def test_the_disk_is_judged_by_how_long_it_lasts(library, root, monkeypatch, free, minutes, level):
    monkeypatch.setattr(module.shutil, 'disk_usage', lambda _: Usage(2 << 40, 0, free))
    second = free // (minutes * 60)
    library._shelf = replace(library._shelf, size=second * round(library._shelf.seconds))
    library.refresh(str(root))
    disk = library.view()['disk']
    assert (disk['level'], disk['free'], disk['minutes']) == (level, free, minutes)


def test_before_the_first_episode_nothing_is_wrong(tmp_path):
    library = Library()
    for root in ('', str(tmp_path / 'not_yet')):
        library.refresh(root)
        view = library.view()
        assert (view['episodes'], view['problem']) == (0, '')
    assert view['disk']['minutes'] is None and view['disk']['free'] > 0
    with DatasetWriter.create(tmp_path / 'empty', INFO):
        library.refresh(str(tmp_path / 'empty'))
        assert library.view()['problem'] == ''


def test_a_dataset_on_another_machine_is_told():
    library = Library()
    library.refresh('/nowhere/at/all')
    assert library.view()['problem'] == '/nowhere/at/all is not on this machine'


@pytest.mark.parametrize('text', ['{', '[]', json.dumps({'total_episodes': 1})])
def test_a_damaged_dataset_is_told_and_nothing_breaks(library, root, text):
    (root / 'meta/info.json').write_text(text)
    library.refresh(str(root))
    assert library.view()['problem'] and library.page(None, 5) == []
