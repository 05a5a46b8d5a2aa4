"""Why a dataset cannot be resumed is said in one line, before it is touched."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.robot_facts import RobotFacts, checksum
from lerobot_recorder.dataset.validate import ERROR, validate_dataset

CAMERA = 'observation.images.front'
OTHERS = Path(__file__).parents[4] / 'shared/data/lerobot'
DEGREES = RobotFacts({'action': {'elbow': 'degrees', 'wrist': 'degrees'}}, {'arm a': 'one'})


def with_names(info, names):
    entry = {**info.features['action'], 'names': names}
    return replace(info, features={**info.features, 'action': entry})


def without(info, key):
    return replace(info, features={k: f for k, f in info.features.items() if k != key})


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        (lambda i: without(i, 'action'), r"features that this session has not: \['action'\]"),
        (
            lambda i: replace(
                i, features={**i.features, 'x': {'dtype': 'bool', 'shape': [1], 'names': None}}
            ),
            r"this session has features that it has not: \['x'\]",
        ),
        (
            lambda i: with_names(i, ['joint_0.pos', 'joint_1.pos', 'claw.pos']),
            r"its action has \['joint_2.pos'\] where this session has \['claw.pos'\]",
        ),
        (
            lambda i: with_names(i, ['joint_1.pos', 'joint_0.pos', 'joint_2.pos']),
            r'its action has the order .*this session',
        ),
        (
            lambda i: replace(
                i, features={**i.features, CAMERA: {**i.features[CAMERA], 'shape': [96, 64, 3]}}
            ),
            r'has shape \[48, 64, 3\], this session \[96, 64, 3\]',
        ),
        (
            lambda i: replace(
                i, features={**i.features, CAMERA: {**i.features[CAMERA], 'dtype': 'image'}}
            ),
            r"has dtype 'video', this session 'image'",
        ),
        (lambda i: replace(i, fps=30), r'its fps is 10, this session has 30'),
        (lambda i: replace(i, robot_type='koch'), r"robot_type is 'so_follower', this session"),
    ],
)
def test_both_sides_are_named(good, info, tools, change, told):
    before = tools.tree(good)
    with pytest.raises(DatasetFormatError, match=told) as raised:
        DatasetWriter.resume(good, change(info))
    assert '\n' not in str(raised.value)
    assert tools.tree(good) == before


def test_names_under_a_heading_are_names(good, info, film, tools):
    path = good / layout.INFO
    document = json.loads(path.read_text())
    entry = document['features']['action']
    document['features']['action'] = {**entry, 'names': {'motors': entry['names']}}
    path.write_text(json.dumps(document))
    with DatasetWriter.resume(good, info) as writer:
        film.episode(writer)
    assert json.loads(path.read_text())['features']['action']['names'] == {
        'motors': entry['names']
    }
    tools.same_rows(DatasetReader(good).episode(3), film.saved[3])


def record(root, info, film, facts, opened=DatasetWriter.create):
    with opened(root, replace(info, facts=facts)) as writer:
        film.episode(writer)
        return writer.notices


@pytest.mark.parametrize(
    ('facts', 'told'),
    [
        (
            RobotFacts({'action': {'elbow': 'range_m100_100', 'wrist': 'degrees'}}),
            'action has elbow in degrees, this session in range_m100_100',
        ),
        (RobotFacts({'action': {'wrist': 'degrees'}}), 'elbow in degrees, .* in radians'),
        (
            RobotFacts(DEGREES.units, {'arm a': 'two'}),
            r'arm a was calibrated differently for episode 0 \(one\) than it is now \(two\)',
        ),
    ],
)
def test_other_units_or_another_calibration_are_refused(tmp_path, info, film, tools, facts, told):
    root = tmp_path / 'd'
    record(root, info, film, DEGREES)
    before = tools.tree(root)
    with pytest.raises(DatasetFormatError, match=told):
        DatasetWriter.resume(root, replace(info, facts=facts))
    assert tools.tree(root) == before


def test_the_same_facts_or_another_arm_go_on(tmp_path, info, film):
    root = tmp_path / 'd'
    record(root, info, film, DEGREES)
    assert record(root, info, film, DEGREES, DatasetWriter.resume) == ()
    record(root, info, film, RobotFacts({}, {'arm b': 'three'}), DatasetWriter.resume)
    allowed = RobotFacts(DEGREES.units, {'arm b': 'four'}, allow_new_calibration=True)
    record(root, info, film, allowed, DatasetWriter.resume)
    with pytest.raises(DatasetFormatError, match='arm b was calibrated'):
        record(root, info, film, RobotFacts({}, {'arm b': 'three'}), DatasetWriter.resume)


def forget_columns(root):
    for path in layout.episodes_files(root):
        table = pq.read_table(path)
        ours = [name for name in table.column_names if name.startswith('ros/')]
        pq.write_table(table.drop_columns(ours), path)


def test_facts_are_found_when_an_edit_dropped_our_columns(tmp_path, info, film):
    root = tmp_path / 'd'
    record(root, info, film, DEGREES)
    forget_columns(root)
    with pytest.raises(DatasetFormatError, match='calibrated differently'):
        DatasetWriter.resume(root, replace(info, facts=RobotFacts({}, {'arm a': 'two'})))


def test_facts_that_nobody_knows_are_told(good, info, film):
    shutil.rmtree(good / 'meta/ros')
    (notice,) = record(good, info, film, DEGREES, DatasetWriter.resume)
    assert 'nothing is known of the units, calibration and steps' in notice


def test_a_checksum_says_whether_a_calibration_is_the_same():
    one = {'elbow': {'id': 1, 'homing_offset': 5}, 'wrist': {'id': 2, 'homing_offset': 6}}
    assert checksum(one) == checksum(dict(reversed(one.items())))
    assert checksum(one) != checksum({**one, 'wrist': {'id': 2, 'homing_offset': 7}})


def test_a_part_of_a_download_is_refused_and_not_cut(good, info, tools):
    (good / layout.video_file(CAMERA, layout.FileIndex(0, 1))).unlink()
    before = tools.tree(good)
    with pytest.raises(DatasetFormatError, match='1 of its files are not there, such as videos'):
        DatasetWriter.resume(good, info)
    assert tools.tree(good) == before


def test_columns_of_another_type_are_refused(good, info, tools):
    for path in layout.episodes_files(good):
        table = pq.read_table(path)
        at = table.column_names.index('tasks')
        pq.write_table(table.set_column(at, 'tasks', pa.array([7] * len(table))), path)
    before = tools.tree(good)
    with pytest.raises(DatasetFormatError, match=r'column tasks .* holds int64'):
        DatasetWriter.resume(good, info)
    assert tools.tree(good) == before


def test_a_column_that_merging_left_without_a_type_stays_empty(good, info, film):
    for path in layout.episodes_files(good):
        table = pq.read_table(path)
        at = table.column_names.index('ros/outcome')
        pq.write_table(table.set_column(at, 'ros/outcome', pa.nulls(len(table))), path)
    with DatasetWriter.resume(good, info) as writer:
        film.episode(writer, record=EpisodeRecord('last', 'success'))
    view = DatasetReader(good).episode(3)
    assert (view.extra['ros/uuid'], view.extra['ros/outcome']) == ('last', None)
    record = json.loads((good / layout.RECORDS / 'last.json').read_text())
    assert record['outcome'] == 'success'


def test_files_in_which_lerobot_left_our_columns_out_are_read_and_go_on(good, info, film, tools):
    path = layout.episodes_files(good)[1]
    table = pq.read_table(path)
    ours = [name for name in table.column_names if name.startswith('ros/')]
    pq.write_table(table.drop_columns(ours), path)
    with DatasetWriter.resume(good, info) as writer:
        assert writer.notices == ()
        film.episode(writer)
    views = list(DatasetReader(good).episodes())
    assert [view.extra['ros/uuid'] is None for view in views] == [False, True, False, False]
    for view, frames in zip(views, film.saved, strict=True):
        tools.same_rows(view, frames)
    assert validate_dataset(good) == []


def test_missing_columns_are_refused_and_not_cut(good, info, tools):
    for path in layout.episodes_files(good):
        pq.write_table(pq.read_table(path).drop_columns(['data/chunk_index']), path)
    before = tools.tree(good)
    with pytest.raises(DatasetFormatError, match=r"has not the columns \['data/chunk_index'\]"):
        DatasetWriter.resume(good, info)
    assert tools.tree(good) == before


@pytest.mark.parametrize('name', ['keertimanney_rebot', 'thewisp_pusht_image_slice'])
def test_datasets_of_others_go_on(tmp_path, tools, name):
    if not (OTHERS / name).is_dir():
        pytest.skip(f'{OTHERS / name} is not here')
    root = Path(shutil.copytree(OTHERS / name, tmp_path / 'd'))
    reader = DatasetReader(root)
    before = [
        {key: column.tolist() for key, column in view.rows.items()} for view in reader.episodes()
    ]
    user = {k: f for k, f in reader.features.items() if k not in layout_defaults()}
    info = DatasetInfo(reader.fps, user, reader.info.get('robot_type'))
    columns = pq.read_schema(layout.episodes_files(root)[0]).names
    film = TheirFilm(tools, info)
    with DatasetWriter.resume(root, info) as writer:
        film.add(writer)
    after = DatasetReader(root)
    assert after.num_episodes == len(before) + 1
    for view, rows in zip(after.episodes(), before, strict=False):
        assert {key: column.tolist() for key, column in view.rows.items()} == rows
    assert pq.read_schema(layout.episodes_files(root)[-1]).names == columns
    errors = [str(f) for f in validate_dataset(root) if f.severity == ERROR]
    old = [str(f) for f in validate_dataset(OTHERS / name) if f.severity == ERROR]
    assert len(errors) <= len(old), errors


def layout_defaults():
    return ('timestamp', 'frame_index', 'episode_index', 'index', 'task_index')


class TheirFilm:
    """Frames for the features of somebody else's dataset."""

    def __init__(self, tools, info):
        self.info, self.film = info, tools.Film(info)

    def add(self, writer):
        import numpy as np

        from lerobot_recorder.dataset.picture import ArrayPicture

        for _ in range(4):
            pictures = {
                key: ArrayPicture(np.full(feature['shape'], 90, np.uint8))
                for key, feature in self.info.features.items()
                if feature['dtype'] in ('video', 'image')
            }
            writer.add_frame(self.film.frame(), pictures, 'Something else')
        writer.save_episode()


def steps(**processors):
    return RobotFacts(
        processors={
            place: {'name': f'{place}_processor', 'steps': [{'registry_name': n, 'config': c}]}
            for place, (n, c) in processors.items()
        }
    )


CROPPED = steps(robot_observation=('image_crop_resize_processor', {'resize_size': [8, 8]}))


@pytest.mark.parametrize(
    ('before', 'after', 'told'),
    [
        (
            CROPPED,
            RobotFacts(DEGREES.units),
            r'was image_crop.* \[8, 8\]} for .* now without steps',
        ),
        (DEGREES, CROPPED, r'robot_observation was without steps for episode 0, .* image_crop'),
        (CROPPED, steps(robot_observation=('grayscale_processor', {})), 'it is now grayscale'),
        (steps(teleop_action=('a', {'x': 1})), steps(teleop_action=('a', {'x': 2})), 'a {"x": 1}'),
    ],
)
def test_other_steps_are_refused_unless_allowed(tmp_path, info, film, before, after, told):
    root = tmp_path / 'd'
    record(root, info, film, before)
    with pytest.raises(DatasetFormatError, match=told) as raised:
        record(root, info, film, after, DatasetWriter.resume)
    assert '--dataset.allow_new_processors=true' in str(raised.value)
    record(root, info, film, replace(after, allow_new_processors=True), DatasetWriter.resume)
    record(root, info, film, after, DatasetWriter.resume)
