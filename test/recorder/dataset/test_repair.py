from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lerobot_drivers.common.errors import DatasetExistsError, DatasetFormatError
from lerobot_recorder.commands.which_dataset import check_free
from lerobot_recorder.dataset import accepted, closing, seal
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

CAMERA = 'observation.images.front'
DATA = 'data/chunk-000/file-{:03d}.parquet'
EPISODES = 'meta/episodes/chunk-000/file-{:03d}.parquet'
VIDEO = 'videos/' + CAMERA + '/chunk-000/file-{:03d}.mp4'


def truncate(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def test_a_good_dataset_is_left_alone(good, tools):
    before = {name: (good / name).stat().st_mtime_ns for name in tools.tree(good)}
    assert repair_dataset(good) == []
    assert {name: (good / name).stat().st_mtime_ns for name in tools.tree(good)} == before


@pytest.mark.parametrize('damage', [truncate, Path.unlink])
@pytest.mark.parametrize('file', [DATA, EPISODES, VIDEO])
@pytest.mark.parametrize(('number', 'left'), [(2, 2), (1, 1), (0, 0)])
def test_what_is_whole_is_kept_and_the_rest_set_aside(
    good, film, tools, damage, file, number, left
):
    files = set(tools.tree(good))
    damage(good / file.format(number))
    done = repair_dataset(good)
    assert f'kept the first {left} episodes' in done[0]
    document = json.loads((good / 'meta/info.json').read_text())
    assert document['total_episodes'] == left
    if left:
        assert validate_dataset(good, decode=True) == []
        for view, frames in zip(DatasetReader(good).episodes(), film.saved, strict=False):
            tools.same_rows(view, frames)
    aside = {name.split('/', 2)[2] for name in tools.tree(good) if name.startswith('.quarantine')}
    lost = {file.format(number)} if damage is Path.unlink else set()
    assert files - lost <= aside | set(tools.tree(good))
    assert repair_dataset(good) == []


def test_a_repaired_dataset_goes_on(good, info, film, tools):
    truncate(good / DATA.format(1))
    with DatasetWriter.resume(good, info) as writer:
        assert 'kept the first 1 episodes' in writer.notices[0]
        assert writer.num_episodes == 1
        film.saved = film.saved[:1]
        film.episode(writer, 8, 'Something else')
    for view, frames in zip(DatasetReader(good).episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)
    assert validate_dataset(good, decode=True) == []


def test_a_dataset_without_a_whole_episode_can_be_started_anew(good, info, film, tools):
    truncate(good / DATA.format(0))
    with DatasetWriter.resume(good, info) as writer:
        assert writer.num_episodes == 0
        film.saved = []
        film.episode(writer, 3, 'Anew')
    tools.same_rows(DatasetReader(good).episode(0), film.saved[0])
    assert validate_dataset(good, decode=True) == []


def test_wrong_totals_are_corrected(good):
    path = good / 'meta/info.json'
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, 'total_episodes': 9, 'total_frames': 99}))
    done = repair_dataset(good)
    assert 'total_episodes was 9, is 3' in done[0]
    assert validate_dataset(good) == []


def test_lost_statistics_are_computed_anew(good):
    path = good / 'meta/stats.json'
    before = json.loads(path.read_text())
    path.unlink()
    assert repair_dataset(good) == ['computed stats.json anew']
    assert json.loads(path.read_text()) == before


def test_doubled_rows_are_set_aside(good):
    shutil.copy(good / DATA.format(1), good / DATA.format(7))
    assert 'file-007' in repair_dataset(good)[0]
    assert validate_dataset(good) == []


def joined(root):
    """Put all episodes into one data and one episodes file, as LeRobot does it."""
    for folder in ('data', 'meta/episodes'):
        files = sorted((root / folder).glob('*/*.parquet'))
        table = pq.read_table(files[0].parent)
        for path in files:
            path.unlink()
        for kind in ('data', 'meta/episodes'):
            name = f'{kind}/file_index'
            if name in table.column_names:
                index = table.schema.get_field_index(name)
                zeros = [0] * len(table)
                table = table.set_column(index, table.schema.field(index), [zeros])
        pq.write_table(table, files[0])


def test_files_with_several_episodes_are_cut_inside(good, film, tools):
    joined(good)
    assert validate_dataset(good) == []
    (good / VIDEO.format(2)).unlink()
    assert 'kept the first 2 episodes' in repair_dataset(good)[0]
    assert validate_dataset(good, decode=True) == []
    for view, frames in zip(DatasetReader(good).episodes(), film.saved[:2], strict=True):
        tools.same_rows(view, frames)


def test_what_is_no_dataset_is_not_touched(tmp_path):
    (tmp_path / 'notes').write_text('hello')
    with pytest.raises(DatasetFormatError, match=r'no LeRobot dataset'):
        repair_dataset(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['notes']


def test_a_folder_with_nothing_but_what_was_set_aside_can_be_recorded_into(tmp_path, info, film):
    root = tmp_path / 'd'
    writer = DatasetWriter.create(root, info)
    film.add(writer, 3)
    shutil.copytree(root, tmp_path / 'killed')
    accepted.write(next((tmp_path / 'killed/.recording').glob('episode-*')), EpisodeRecord('e'), 3)
    writer.finalize()
    root = tmp_path / 'killed'
    assert 'no complete frame' in repair_dataset(root)[0]
    assert [path.name for path in root.iterdir()] == ['.quarantine']
    check_free(root)
    with DatasetWriter.create(root, info) as writer:
        film.running = []
        film.episode(writer, 3)
    assert validate_dataset(root) == []
    with pytest.raises(DatasetExistsError):
        check_free(root)
    with pytest.raises(DatasetExistsError):
        DatasetWriter.create(root, info)


@pytest.mark.parametrize('resumed', [False, True])
def test_a_repair_that_ended_behind_its_last_change_is_closed_by_the_next(
    good, info, monkeypatch, resumed
):
    (good / DATA.format(2)).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(closing, 'close', lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            repair_dataset(good)
    assert not seal.is_intact(good)
    if resumed:
        DatasetWriter.resume(good, info).finalize()
    else:
        repair_dataset(good)
    assert seal.is_intact(good) and validate_dataset(good) == []
    assert repair_dataset(good) == []
