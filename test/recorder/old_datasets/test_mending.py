"""What is odd in an old dataset is mended, and told."""

from __future__ import annotations

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from old_scene import (
    CAMERA,
    FPS,
    LENGTHS,
    REORDERED,
    SIZE,
    STATE,
    TASKS,
    OldScene,
    camera,
    check_rows,
    decoded,
    made,
    picture,
    refused,
    state,
    write_lines,
)

from lerobot_recorder.dataset import layout


@pytest.fixture
def scene(tmp_path):
    return OldScene(tmp_path / 'old')


def uuids(reader):
    return [view.extra['ros/uuid'] for view in reader.episodes()]


@pytest.mark.parametrize('kind', ['binary', 'files'])
def test_pictures_may_be_plain_bytes_or_files(tmp_path, kind):
    scene = OldScene(tmp_path / 'old', dtype='image')

    def column(number):
        data = [row['bytes'] for row in scene.columns(number)[CAMERA].to_pylist()]
        if kind == 'binary':
            return pa.array(data, pa.binary())
        names = [f'images/{CAMERA}/episode_{number:06d}/frame_{f}.png' for f in range(len(data))]
        for name, content in zip(names, data, strict=True):
            (scene.root / name).parent.mkdir(parents=True, exist_ok=True)
            (scene.root / name).write_bytes(content)
        return pa.array(names)

    scene.write(**{CAMERA.replace('.', '__'): column})
    _, reader = made(scene)
    np.testing.assert_array_equal(reader.episode(2).frame(CAMERA, 3), picture(2, 3))


def test_frames_with_others_between_them_come_over(scene):
    scene.options = REORDERED
    scene.write()
    assert order(scene.video(0)) != sorted(order(scene.video(0)))
    _, reader = made(scene)
    assert [len(list(view.frames(CAMERA))) for view in reader.episodes()] == list(LENGTHS)
    for number, view in enumerate(reader.episodes()):
        for found, old in zip(view.frames(CAMERA), decoded(scene.video(number)), strict=True):
            np.testing.assert_array_equal(found, old)


def order(film):
    with av.open(str(film)) as container:
        return [packet.pts for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize('options', [{}, REORDERED])
@pytest.mark.parametrize(('shift', 'stretch'), [(0.4, 1), (3, 1), (0, 1.07)])
def test_times_of_pictures_are_set_and_packets_kept(scene, options, shift, stretch):
    scene.options = options
    scene.write()
    scene.encode(1, range(LENGTHS[1]), shift, stretch)
    converted, reader = made(scene)
    assert converted.notices == (
        'videos were off the grid of 1/10 s: frame k is at k/10 s now (episode 1)',
    )
    found = list(reader.episode(1).frames(CAMERA))
    for shown, old in zip(found, decoded(scene.video(1)), strict=True):
        np.testing.assert_array_equal(shown, old)


def test_frames_behind_the_last_row_are_cut_off(scene):
    scene.write()
    scene.encode(0, range(LENGTHS[0] + 2))
    converted, reader = made(scene)
    assert converted.notices == ('videos had frames behind the last row: cut off (episode 0)',)
    assert len(list(reader.episode(0).frames(CAMERA))) == LENGTHS[0]


def test_names_shapes_and_features_are_mended(scene):
    scene.features['observation.state']['names'] = [STATE['names']]
    scene.features['action']['names'] = {'motors': STATE['names']}
    scene.features[CAMERA].update(shape=[3, *SIZE], names=None)
    scene.features['observation.images.gone'] = camera()
    scene.features['gone'] = dict(STATE)
    scene.features['next.done'] = {'dtype': 'bool', 'shape': []}
    lengths = scene.lengths
    scene.write(
        next__done=lambda n: pa.array([f == lengths[n] - 1 for f in range(lengths[n])]),
        extra=lambda n: pa.array([[1.5, 2.5, 3.5]] * lengths[n]),
        frame_index=None,
    )
    converted, reader = made(scene)
    told = '\n'.join(converted.notices)
    for part in (
        'observation.images.gone is left out: info.json declares it, no video holds it',
        'gone is left out: info.json declares it, no column holds it',
        'observation.state: its names are a flat list now',
        f'{CAMERA}: its shape was [3, 48, 64], its pictures are [48, 64, 3]',
        'extra is declared now, as float64 [3]',
        'frame_index was missing (all episodes)',
    ):
        assert part in told
    for key in ('observation.state', 'action'):
        assert reader.features[key]['names'] == STATE['names']
    assert reader.features[CAMERA]['shape'] == [*SIZE, 3]
    assert reader.episode(0).rows['next.done'].tolist() == [False] * 5 + [True]
    assert reader.episode(0).rows['extra'][0].tolist() == [1.5, 2.5, 3.5]


def test_numbers_stored_otherwise_become_what_is_declared(scene):
    lengths = scene.lengths
    scene.features['mode'] = {'dtype': 'int64', 'shape': [1], 'names': None}
    scene.write(
        mode=lambda n: pa.array([float(f) for f in range(lengths[n])]),
        task_index=lambda n: pa.array([float(n % 2)] * lengths[n]),
        action=lambda n: pa.array([state(n + 1, f) for f in range(lengths[n])]),
    )
    converted, reader = made(scene)
    check_rows(reader)
    assert reader.episode(0).rows['mode'].dtype == np.int64
    assert converted.notices == (
        'action was stored as float64, info.json says float32: rounded to that (all episodes)',
    )


def test_times_off_the_grid_are_told_and_kept(scene):
    scene.write(
        timestamp=lambda n: pa.array([0.05 + f / FPS + 0.004 * (f % 2) for f in range(LENGTHS[n])])
    )
    converted, reader = made(scene)
    assert 'timestamps were not frame_index / 10' in converted.notices[0]
    (table,) = (reader.root / layout.RECORDS).glob(f'{uuids(reader)[0]}.old_timestamps.parquet')
    np.testing.assert_allclose(pq.read_table(table)['timestamp'][1].as_py(), 0.154)


def test_times_that_begin_late_are_told(scene):
    scene.fps = 10.0
    scene.write(timestamp=lambda n: pa.array([(f + 1) / FPS for f in range(LENGTHS[n])]))
    converted, reader = made(scene)
    assert 'timestamps began at 0.1 s: they are frame_index / 10 now' in converted.notices[0]
    assert reader.info['fps'] == 10 and isinstance(reader.info['fps'], int)


def test_indices_of_tasks_stay_as_others_may_refer_to_them(scene):
    scene.write(task_index=lambda n: pa.array([1] * LENGTHS[n]))
    _, reader = made(scene)
    assert reader.tasks == list(TASKS)
    assert set(reader.episode(0).rows['task_index']) == {1}


def test_tasks_with_gaps_are_numbered_anew(scene):
    scene.write(task_index=lambda n: pa.array([7] * LENGTHS[n]))
    lines = [{'task_index': n, 'task': t} for n, t in ((3, 'a'), (7, 'b'), (9, 'a'))]
    write_lines(scene.root / 'meta/tasks.jsonl', lines)
    converted, reader = made(scene)
    assert 'numbered anew' in converted.notices[0]
    assert reader.tasks == ['a', 'b'] and set(reader.episode(1).row_tasks) == {'b'}


def test_a_dataset_without_tasks_needs_one(scene):
    scene.version = None
    scene.write()
    for name in ('tasks', 'episodes'):
        (scene.root / f'meta/{name}.jsonl').unlink()
    refused(scene, r'no meta/tasks.jsonl: .*--dataset.single_task')
    converted, reader = made(scene, task='stack')
    assert reader.tasks == ['stack']
    assert converted.notices[0].startswith('info.json names no codebase_version')


def test_templates_of_any_kind(scene):
    scene.write()
    for number in range(3):
        place = scene.root / f'data/chunk-{number:03d}/{scene.table(number).name}'
        place.parent.mkdir(exist_ok=True)
        scene.table(number).rename(place)
        place = scene.root / f'videos/{CAMERA}/{number}/{scene.video(number).name}'
        place.parent.mkdir(parents=True)
        scene.video(number).rename(place)
    _, reader = made(scene)
    check_rows(reader)


@pytest.mark.parametrize(('codec', 'name'), [('mpeg4', 'mpeg4'), ('libsvtav1', 'av1')])
def test_other_codecs(tmp_path, codec, name):
    scene = OldScene(tmp_path / 'old', codec=codec, options={'svtav1-params': 'lp=1'})
    if codec == 'mpeg4':
        scene.options = {'bf': '2'}
    scene.write()
    scene.encode(1, range(LENGTHS[1]), shift=0.3)
    _, reader = made(scene)
    assert reader.features[CAMERA]['info']['video.codec'] == name
    for found, old in zip(reader.episode(1).frames(CAMERA), decoded(scene.video(1)), strict=True):
        np.testing.assert_array_equal(found, old)


def test_a_rate_that_is_named_goes_before_that_of_the_dataset(scene):
    scene.fps = 9.97
    scene.write()
    _, reader = made(scene, fps=10)
    assert reader.fps == 10
    check_rows(reader)
