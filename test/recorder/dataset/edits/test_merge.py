"""Merging: what is the same afterwards, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from compact_scene import CAMERA, FPS, WRIST, content, decoded, make, set_limits, whole

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError, DatasetFormatError
from lerobot_recorder.dataset import folder_links, layout
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.edits.compatibility import Allowed
from lerobot_recorder.dataset.edits.merge import Merging, merge_datasets
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.robot_facts import RobotFacts
from lerobot_recorder.dataset.statistics import summarize

INFO = layout.INFO


@pytest.fixture(scope='module')
def made(tmp_path_factory, tools):
    folder = tmp_path_factory.mktemp('merge')
    make(folder / 'a', tools)
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    film = tools.Film(info, count=100)
    with DatasetWriter.create(folder / 'b', info) as writer:
        film.episode(writer, 6, 'Task 1')
        film.episode(writer, 4, 'Task 9')
    compact_dataset(folder / 'b')
    return folder


@pytest.fixture
def pair(made, tmp_path):
    return [Path(shutil.copytree(made / name, tmp_path / name)) for name in 'ab']


def told(error):
    return str(error.value)


def test_all_of_it_is_there_in_order_and_exact(pair, tmp_path):
    before = [folder_links.snapshot(root, ()) for root in pair]
    done = merge_datasets(pair, tmp_path / 'm')
    assert (done.episodes, done.frames, done.tasks) == (9, 37, 3)
    assert whole(tmp_path / 'm') == []
    assert decoded(tmp_path / 'm') == decoded(pair[0]) + decoded(pair[1])
    views = list(DatasetReader(tmp_path / 'm').episodes())
    parts = [view for root in pair for view in DatasetReader(root).episodes()]
    start = 0
    for number, (view, part) in enumerate(zip(views, parts, strict=True)):
        assert (view.tasks, view.row_tasks, view.extra) == (part.tasks, part.row_tasks, part.extra)
        for key in ('action', 'observation.state', 'timestamp', 'frame_index'):
            assert np.array_equal(view.rows[key], part.rows[key])
        assert set(view.rows['episode_index']) == {number}
        assert list(view.rows['index']) == list(range(start, start + view.length))
        start += view.length
    assert [folder_links.snapshot(root, ()) for root in pair] == before
    assert sorted(os.listdir(tmp_path)) == ['a', 'b', 'm']


def test_statistics_are_those_of_all_rows(pair, tmp_path):
    merge_datasets(pair, tmp_path / 'm')
    reader = DatasetReader(tmp_path / 'm')
    stats = json.loads((tmp_path / 'm' / layout.STATS).read_text())
    for key in ('action', 'observation.state', 'index', 'task_index', 'episode_index'):
        column = np.concatenate([view.rows[key] for view in reader.episodes()])
        expected = summarize(column).to_lists(False)
        for name, values in expected.items():
            np.testing.assert_allclose(stats[key][name], values, rtol=1e-12, err_msg=key)
    for row, view in zip(reader.rows_of_episodes(), reader.episodes(), strict=True):
        for key in ('index', 'task_index', 'action'):
            expected = summarize(view.rows[key]).to_lists(False)
            assert row.statistics[key].to_lists(False) == expected
    # The pictures' quantiles are exact too: recorded in one go, they would be the same.
    assert stats[CAMERA]['count'] == [37]


def test_records_come_along_and_the_result_can_be_recorded_into(pair, tmp_path, tools):
    merge_datasets(pair, tmp_path / 'm')
    names = {p.name for root in pair for p in (root / layout.RECORDS).iterdir()}
    assert {p.name for p in (tmp_path / 'm' / layout.RECORDS).iterdir()} == names
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    with DatasetWriter.resume(tmp_path / 'm', info) as writer:
        assert writer.notices == ()
        tools.Film(info).episode(writer, 3)
    assert whole(tmp_path / 'm') == []


def test_what_is_merged_can_be_merged_again(pair, tmp_path):
    merge_datasets(pair, tmp_path / 'm')
    compact_dataset(tmp_path / 'm')
    merge_datasets([tmp_path / 'm'], tmp_path / 'n')
    assert content(tmp_path / 'n') == content(tmp_path / 'm')
    assert whole(tmp_path / 'n') == []


def test_changing_the_new_one_does_not_change_the_old(pair, tmp_path):
    before = [decoded(root) for root in pair]
    merge_datasets(pair, tmp_path / 'm')
    for path in (tmp_path / 'm').rglob('*'):
        if path.is_file():
            assert path.stat().st_nlink == 1
            with path.open('r+b') as file:
                file.truncate(10)
    assert [decoded(root) for root in pair] == before
    assert whole(pair[0]) == []


def test_with_links_only_videos_and_records_are_shared(pair, tmp_path):
    merge_datasets(pair, tmp_path / 'm', how=Merging(link=True))
    assert layout.video_files(tmp_path / 'm', WRIST)[0].stat().st_nlink == 2
    assert whole(tmp_path / 'm') == []
    for part in ('data', 'meta/episodes'):
        for path in (tmp_path / 'm' / part).rglob('*.parquet'):
            assert path.stat().st_nlink == 1


def test_limits_of_the_first_hold(pair, tmp_path):
    set_limits(pair[0], chunks_size=2)
    merge_datasets(pair, tmp_path / 'm')
    names = [p.relative_to(tmp_path / 'm/videos').as_posix()
             for p in layout.video_files(tmp_path / 'm', WRIST)]  # fmt: skip
    assert names[-1] == f'{WRIST}/chunk-003/file-001.mp4'
    assert whole(tmp_path / 'm') == []


def test_all_differences_are_told_at_once(pair, tmp_path):
    path = pair[1] / INFO
    document = json.loads(path.read_text())
    document['robot_type'] = 'koch'
    document['features']['action']['names'] = ['x', 'y', 'z']
    document['features'][CAMERA]['shape'] = [48, 62, 3]
    path.write_text(json.dumps(document))
    with pytest.raises(DatasetFormatError) as error:
        merge_datasets(pair, tmp_path / 'm')
    lines = told(error).splitlines()
    assert len(lines) == 4
    assert f"{pair[1]}: robot_type is 'koch', in {pair[0]} 'so_follower'" in lines[1]
    assert 'action has names' in lines[2] or 'action has names' in lines[3]
    assert f'{CAMERA} has shape [48, 62, 3]' in told(error)
    assert sorted(os.listdir(tmp_path)) == ['a', 'b']


def test_units_and_calibration_must_agree(tmp_path, tools):
    info = DatasetInfo(FPS, tools.features(), 'so_follower')
    roots = []
    for number, unit in enumerate(('degrees', 'range_m100_100')):
        facts = RobotFacts({'action': {'joint_0.pos': unit}}, {'arm': f'mark {number}'})
        root = tmp_path / f'd{number}'
        with DatasetWriter.create(root, replace(info, facts=facts)) as writer:
            tools.Film(info).episode(writer, 3, record=facts.added_to(EpisodeRecord(f'u{number}')))
        roots.append(root)
    with pytest.raises(DatasetFormatError) as error:
        merge_datasets(roots, tmp_path / 'm')
    assert 'joint_0.pos in range_m100_100, in degrees in' in told(error)
    assert 'arm was calibrated differently (mark 1' in told(error)
    with pytest.raises(DatasetFormatError) as error:
        merge_datasets(roots, tmp_path / 'm', how=Merging(Allowed(calibration=True)))
    assert 'calibrated' not in told(error)


def test_an_episode_is_not_taken_twice(pair, tmp_path):
    again = Path(shutil.copytree(pair[1], tmp_path / 'again'))
    with pytest.raises(DatasetError, match=r'are the same episode .* and 1 more'):
        merge_datasets([*pair, again], tmp_path / 'm')
    done = merge_datasets([*pair, again], tmp_path / 'm', how=Merging(skip_repeated=True))
    assert done.episodes == 9
    assert len(done.skipped) == 2
    assert whole(tmp_path / 'm') == []


def test_places_that_cannot_be(pair, tmp_path):
    with pytest.raises(DatasetExistsError, match='exists already'):
        merge_datasets(pair, pair[0])
    with pytest.raises(DatasetError, match='named twice'):
        merge_datasets([pair[0], tmp_path / 'b/../a'], tmp_path / 'm')
    with pytest.raises(DatasetError, match='lies inside'):
        merge_datasets(pair, pair[0] / 'm')
    with pytest.raises(DatasetError, match='nothing to merge'):
        merge_datasets([], tmp_path / 'm')


def test_a_recording_keeps_its_dataset(pair, tmp_path, tools):
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    with (
        DatasetWriter.resume(pair[0], info),
        pytest.raises(DatasetError, match='is being recorded into'),
    ):
        merge_datasets(pair, tmp_path / 'm')


def test_a_dataset_that_changes_meanwhile_stops_it(pair, tmp_path, tools):
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')

    def record(done, total):
        if done == 1:
            with DatasetWriter.resume(pair[0], info) as writer:
                tools.Film(info).episode(writer, 3)

    with pytest.raises(DatasetError, match='was changed while'):
        merge_datasets(pair, tmp_path / 'm', record)
    assert sorted(os.listdir(tmp_path)) == ['a', 'b']


def test_damage_is_told_and_nothing_is_left(pair, tmp_path):
    layout.data_files(pair[1])[0].write_bytes(b'PAR1')
    with pytest.raises(DatasetFormatError, match='b is not whole'):
        merge_datasets(pair, tmp_path / 'm')
    assert sorted(os.listdir(tmp_path)) == ['a', 'b']
