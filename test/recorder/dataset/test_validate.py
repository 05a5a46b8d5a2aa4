"""Each mutation of a good dataset that LeRobot would stumble over must be found."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from lerobot_recorder.dataset.validate import ERROR, WARNING, validate_dataset

CAMERA = 'observation.images.front'
DATA = 'data/chunk-000/file-001.parquet'
EPISODES = 'meta/episodes/chunk-000/file-001.parquet'
VIDEO = f'videos/{CAMERA}/chunk-000/file-001.mp4'


def edit_info(root: Path, change) -> None:
    path = root / 'meta/info.json'
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def edit_stats(root: Path, change) -> None:
    path = root / 'meta/stats.json'
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def edit_table(path: Path, change) -> None:
    table = pq.read_table(path)
    pq.write_table(change(table), path)


def set_column(name, change):
    def edit(table):
        index = table.schema.get_field_index(name)
        column = pa.array(change(table[name].to_pylist()), table.schema.field(index).type)
        return table.set_column(index, table.schema.field(index), column)

    return edit


def on_data(change):
    return lambda root: edit_table(root / DATA, change)


def on_episodes(change):
    return lambda root: edit_table(root / EPISODES, change)


def on_all_episodes(change):
    def mutate(root):
        for path in (root / 'meta/episodes').glob('*/*.parquet'):
            edit_table(path, change)

    return mutate


def on_info(change):
    return lambda root: edit_info(root, change)


def drop(*starts):
    def change(table):
        return table.select([n for n in table.column_names if not n.startswith(starts)])

    return change


def remux(root: Path, keep, fps=10) -> None:
    """Copy a video's packets as far as `keep(number)` gives a new time in frames."""
    path, copy = root / VIDEO, root / 'copy.mp4'
    with av.open(str(path)) as source, av.open(str(copy), 'w') as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        base = source.streams.video[0].time_base
        number = 0
        for packet in source.demux(video=0):
            if packet.pts is None:
                continue
            at = keep(number)
            if at is not None:
                packet.pts = packet.dts = int(Fraction(at) / fps / base)
                packet.stream = stream
                target.mux(packet)
            number += 1
    shutil.move(copy, path)


def swap_tasks(root):
    path = root / 'meta/tasks.parquet'
    table = pq.read_table(path)
    pq.write_table(table.take([1, 0]), path)


def plain_tasks(root):
    path = root / 'meta/tasks.parquet'
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)


def swap_episodes(root):
    one = root / 'meta/episodes/chunk-000/file-000.parquet'
    two = root / EPISODES
    first, second = pq.read_table(one), pq.read_table(two)
    pq.write_table(second, one)
    pq.write_table(first, two)


def truncate(name):
    def mutate(root):
        data = (root / name).read_bytes()
        (root / name).write_bytes(data[: len(data) // 2])

    return mutate


def flat_image_stats(root):
    def change(document):
        for name, value in document[CAMERA].items():
            document[CAMERA][name] = np.ravel(value).tolist()

    edit_stats(root, change)


def first(value):
    return lambda values: [value, *values[1:]]


def nan_state(values):
    values[2][1] = float('nan')
    return values


ERRORS = {
    'an undeclared column': (
        on_data(lambda t: t.append_column('extra', pa.array([0] * len(t)))), 'undeclared column'),
    'a declared column absent': (on_data(drop('action')), "no column 'action'"),
    'times off by 3 ms': (
        on_data(set_column('timestamp', lambda v: [x + 0.003 for x in v])), 'off by 3.0 ms'),
    'jittered times': (
        on_data(set_column('timestamp', lambda v: [x + 0.004 * (i % 2) for i, x in enumerate(v)])),
        'off by 4.0 ms'),
    'NaN in the state': (on_data(set_column('observation.state', nan_state)), 'not finite'),
    'null in the action': (  # pyarrow up to 25 cannot read such a column at all
        on_data(set_column('action', first(None))), 'missing values|null|cannot be read'),
    'index with a gap': (on_data(set_column('index', lambda v: [x + 1 for x in v])), 'index'),
    'frame_index repeated': (on_data(set_column('frame_index', first(1))), 'frame_index'),
    'another episode_index': (on_data(set_column('episode_index', first(0))), 'another episode'),
    'task_index unknown': (on_data(set_column('task_index', first(9))), 'task_index'),
    'task_index of another task': (on_data(set_column('task_index', first(0))), 'tasks'),
    'a row lost': (on_data(lambda t: t.slice(0, len(t) - 1)), 'rows'),
    'a data file truncated': (truncate(DATA), 'cannot be read'),
    'a data file lost': (lambda root: (root / DATA).unlink(), 'missing'),
    'a data file doubled': (
        lambda root: shutil.copy(root / DATA, root / 'data/chunk-000/file-009.parquet'),
        'no episode refers'),
    'a stray Parquet file': (
        lambda root: shutil.copy(root / DATA, root / 'data/chunk-000/backup.parquet'),
        'no episode refers'),
    'tasks without pandas metadata': (plain_tasks, 'pandas'),
    'tasks not in order': (swap_tasks, 'order'),
    'tasks lost': (lambda root: (root / 'meta/tasks.parquet').unlink(), 'cannot be read'),
    'episodes out of order': (swap_episodes, 'is episode 1, expected 0'),
    'an episodes file lost': (lambda root: (root / EPISODES).unlink(), 'is episode 2, expected 1'),
    'an episodes file truncated': (truncate(EPISODES), 'cannot be read'),
    'episodes without tasks': (on_all_episodes(drop('tasks')), 'columns are missing: tasks'),
    'episodes without their own place': (
        on_all_episodes(drop('meta/episodes')), 'meta/episodes/chunk_index'),
    'one episodes file without statistics': (on_episodes(drop('stats/')), 'not the columns'),
    'episodes say a wrong file': (
        on_episodes(set_column('meta/episodes/file_index', first(0))), 'file_index'),
    'a wrong length': (on_episodes(set_column('length', first(6))), 'length|starts at row'),
    'a video span too short': (
        on_episodes(set_column(f'videos/{CAMERA}/to_timestamp', first(0.5))), 'lasts from'),
    'a video start off the grid': (
        on_episodes(set_column(f'videos/{CAMERA}/from_timestamp', first(0.03))), 'multiple'),
    'the last frame missing': (
        lambda root: remux(root, lambda n: n if n < 6 else None), '6 frames'),
    'a frame missing inside': (
        lambda root: remux(root, lambda n: None if n == 3 else n), 'frame 3 is at'),
    'a frame dropped and closed up': (
        lambda root: remux(root, lambda n: None if n == 3 else n - (n > 3)), '6 frames'),
    'frames at wrong times': (
        lambda root: remux(root, lambda n: Fraction(n) + Fraction(n % 2, 20)), 'is at'),
    'a video truncated': (truncate(VIDEO), VIDEO),
    'a video lost': (lambda root: (root / VIDEO).unlink(), 'cannot be opened'),
    'the video of another size': (
        on_info(lambda d: d['features'][CAMERA].update(shape=[24, 32, 3])), '64x48'),
    'stats.json lost': (lambda root: (root / 'meta/stats.json').unlink(), 'stats.json'),
    'stats.json without a feature': (
        lambda root: edit_stats(root, lambda d: d.pop('action')), "nothing about 'action'"),
    'picture statistics as [3]': (flat_image_stats, r'shape \(3,\)'),
    'fps as a float': (on_info(lambda d: d.update(fps=10.0)), 'fps 10.0'),
    'fps of another rate': (on_info(lambda d: d.update(fps=20)), 'off by'),
    'total_frames too large': (on_info(lambda d: d.update(total_frames=99)), 'total_frames 99'),
    'total_episodes too large': (on_info(lambda d: d.update(total_episodes=4)), 'total_episodes'),
    'total_tasks too small': (on_info(lambda d: d.update(total_tasks=1)), 'total_tasks'),
    'another version': (on_info(lambda d: d.update(codebase_version='v2.1')), 'v2.1'),
    'another template': (on_info(lambda d: d.update(data_path='x.parquet')), 'data_path'),
    'a default feature lost': (
        on_info(lambda d: d['features'].pop('index')), "no feature 'index'"),
    'a slash in a name': (
        on_info(lambda d: d['features'].update({'a/b': d['features']['action']})), '"/"'),
    'info.json lost': (lambda root: (root / 'meta/info.json').unlink(), 'missing'),
    'info.json torn': (truncate('meta/info.json'), 'cannot be read'),
}  # fmt: skip

WARNINGS = {
    'a private key in a feature': (
        on_info(lambda d: d['features']['action'].update(topic='/x')), 'private key'),
    'a private key in an info block': (
        on_info(lambda d: d['features'][CAMERA]['info'].update(topic='/x')), 'private key'),
    'no info block': (on_info(lambda d: d['features'][CAMERA].pop('info')), 'info block'),
    'an unknown key': (on_info(lambda d: d.update(ros={})), "unknown key 'ros'"),
    'all episodes without statistics': (on_all_episodes(drop('stats/')), 'columns are missing'),
    'names as an object': (
        on_info(lambda d: d['features']['action'].update(names={'motors': []})), 'flat list'),
    'wrong splits': (on_info(lambda d: d.update(splits={'train': '0:1'})), 'splits'),
    'another codec said': (
        on_info(lambda d: d['features'][CAMERA]['info'].update({'video.codec': 'av1'})), 'codec'),
    'a stray video': (
        lambda root: shutil.copy(root / VIDEO, (root / VIDEO).with_name('file-007.mp4')),
        'no episode refers'),
    'an interrupted recording': (lambda root: (root / '.recording').mkdir(), 'interrupted'),
}  # fmt: skip


@pytest.mark.parametrize('name', ERRORS)
def test_an_error_is_found(good, name):
    mutate, match = ERRORS[name]
    mutate(good)
    found = [str(f) for f in validate_dataset(good) if f.severity == ERROR]
    assert any(pc.match_substring_regex(pa.array([f]), match)[0].as_py() for f in found), found


@pytest.mark.parametrize('name', WARNINGS)
def test_a_warning_is_given(good, name):
    mutate, match = WARNINGS[name]
    mutate(good)
    found = validate_dataset(good)
    assert {f.severity for f in found} == {WARNING}
    assert any(match in str(f) for f in found), found


def harmless_zstd(root):
    table = pq.read_table(root / DATA)
    order = list(reversed(table.column_names))
    pq.write_table(table.select(order), root / DATA, compression='zstd', row_group_size=2)


def harmless_lists(root):
    def change(table):
        index = table.schema.get_field_index('action')
        kind = pa.list_(pa.float64())
        return table.set_column(index, 'action', pa.array(table['action'].to_pylist(), kind))

    edit_table(root / DATA, change)


def harmless_numbers(root):
    def change(table):
        index = table.schema.get_field_index('frame_index')
        table = table.set_column(index, 'frame_index', table['frame_index'].cast(pa.int32()))
        index = table.schema.get_field_index('timestamp')
        return table.set_column(index, 'timestamp', table['timestamp'].cast(pa.float64()))

    edit_table(root / DATA, change)


def harmless_numbering(root):
    """Files are found by name, so a gap in the numbering of videos does no harm."""
    (root / VIDEO).rename((root / VIDEO).with_name('file-005.mp4'))
    edit_table(root / EPISODES, set_column(f'videos/{CAMERA}/file_index', first(5)))


@pytest.mark.parametrize(
    'mutate',
    [harmless_zstd, harmless_lists, harmless_numbers, harmless_numbering,
     lambda root: (root / 'notes.txt').write_text('hello')],
)  # fmt: skip
def test_what_lerobot_accepts_is_no_finding(good, mutate):
    mutate(good)
    assert validate_dataset(good, decode=True) == []


def test_a_finding_reads_as_one_line(good):
    (good / VIDEO).unlink()
    lines = [str(finding) for finding in validate_dataset(good)]
    assert len(lines) == 1
    assert lines[0].startswith(f'error: {VIDEO}: ')
    assert '; expected 7 frames' in lines[0]


@pytest.mark.parametrize('name', ['keertimanney_rebot', 'thewisp_pusht_image_slice'])
def test_datasets_of_others_are_good(name):
    root = Path(__file__).parents[3].parent / 'shared/data/lerobot' / name
    if not root.exists():
        pytest.skip(f'{root} is not here')
    assert [f for f in validate_dataset(root, decode=True) if f.severity == ERROR] == []
