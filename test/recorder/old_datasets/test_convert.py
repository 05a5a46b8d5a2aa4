from __future__ import annotations

import hashlib
import json
import os

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
    decoded,
    picture,
    state,
    write_lines,
)

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError, DatasetFormatError
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset
from lerobot_recorder.old_datasets import convert as module
from lerobot_recorder.old_datasets.convert import OldJob, convert_old
from lerobot_recorder.old_datasets.survey import Wanted


@pytest.fixture
def scene(tmp_path):
    return OldScene(tmp_path / 'old')


def made(scene, **wanted):
    """Convert; return what was told and a reader of what came out."""
    root = scene.root.with_name('new')
    allow_failed = wanted.pop('allow_failed', False)
    converted = convert_old(OldJob(scene.root, root, Wanted(**wanted), allow_failed))
    assert validate_dataset(root, decode=True) == []
    return converted, DatasetReader(root)


def refused(scene, match, **wanted):
    root = scene.root.with_name('new')
    with pytest.raises(DatasetError, match=match) as caught:
        convert_old(OldJob(scene.root, root, Wanted(**wanted)))
    assert '\n' not in str(caught.value)
    assert sorted(path.name for path in root.parent.iterdir()) == ['old']


def content(root):
    files = [path for path in root.rglob('*') if path.is_file()]
    return {p: (hashlib.sha256(p.read_bytes()).digest(), p.stat().st_mtime_ns) for p in files}


def check_rows(reader, numbers=(0, 1, 2)):
    assert reader.num_episodes == len(numbers)
    for view, number in zip(reader.episodes(), numbers, strict=True):
        assert view.length == LENGTHS[number]
        wanted = np.array([state(number, f) for f in range(view.length)], np.float32)
        np.testing.assert_array_equal(view.rows['observation.state'], wanted)
        wanted = np.array([state(number + 1, f) for f in range(view.length)], np.float32)
        np.testing.assert_array_equal(view.rows['action'], wanted)
        assert set(view.row_tasks) == {TASKS[number % 2]}


@pytest.mark.parametrize('version', ['v2.0', 'v2.1'])
def test_rows_packets_and_tasks_come_over_exactly(scene, version):
    scene.version = version
    scene.write()
    before = content(scene.root)
    converted, reader = made(scene)
    assert (converted.episodes, converted.frames, converted.skipped) == (3, sum(LENGTHS), {})
    assert converted.notices == ()
    assert content(scene.root) == before
    assert reader.tasks == list(TASKS) and reader.info['robot_type'] == 'so100'
    check_rows(reader)
    for number, row in enumerate(reader.rows_of_episodes()):
        film = reader.root / layout.video_file(CAMERA, row.videos[CAMERA])
        assert film.read_bytes() == scene.video(number).read_bytes()
    assert reader.features[CAMERA]['info']['video.codec'] == 'h264'
    assert 'video.crf' not in reader.features[CAMERA]['info']
    record = json.loads((reader.root / layout.RECORDS / f'{uuids(reader)[1]}.json').read_text())
    assert record['details']['converted_from']['episode_index'] == 1
    assert 'video' not in record['details']
    assert sorted(path.name for path in reader.root.parent.iterdir()) == ['new', 'old']
    assert {path.name for path in reader.root.iterdir()} == {'data', 'meta', 'videos'}


def uuids(reader):
    return [view.extra['ros/uuid'] for view in reader.episodes()]


def test_statistics_are_those_of_the_values_and_of_the_pictures(scene):
    scene.write()
    _, reader = made(scene)
    stats = json.loads((reader.root / layout.STATS).read_text())
    values = np.concatenate([view.rows['observation.state'] for view in reader.episodes()])
    for name, level in (('q01', 0.01), ('q50', 0.5), ('q99', 0.99)):
        expected = np.quantile(values.astype(float), level, axis=0)
        np.testing.assert_allclose(stats['observation.state'][name], expected)
    films = np.concatenate([decoded(scene.video(n)) for n in range(3)]) / 255
    np.testing.assert_allclose(np.ravel(stats[CAMERA]['mean']), films.mean((0, 1, 2)), atol=1e-9)
    np.testing.assert_allclose(np.ravel(stats[CAMERA]['max']), films.max((0, 1, 2)))
    assert stats[CAMERA]['count'] == [sum(LENGTHS)]


def test_pictures_in_parquet_keep_their_bytes(tmp_path):
    scene = OldScene(tmp_path / 'old', dtype='image')
    scene.write()
    _, reader = made(scene)
    for number, view in enumerate(reader.episodes()):
        old = pq.read_table(scene.table(number))[CAMERA].to_pylist()
        new = pq.read_table(reader.root / f'data/chunk-000/file-{number:03d}.parquet')[CAMERA]
        assert [image['bytes'] for image in new.to_pylist()] == [i['bytes'] for i in old]
        for found, frame in zip(view.frames(CAMERA), range(view.length), strict=True):
            np.testing.assert_array_equal(found, picture(number, frame))


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


def test_too_few_frames_are_refused_or_left_out(scene):
    scene.write()
    scene.encode(1, range(LENGTHS[1] - 1))
    refused(scene, r'1 of 3 episodes .* episode 1: .* 4 frames for 5 rows; --allow_failed=true')
    converted, reader = made(scene, allow_failed=True)
    assert list(converted.skipped) == [1]
    assert 'episodes are numbered anew, 0 to 1: they were episodes 0, 2' in converted.notices
    check_rows(reader, [0, 2])


def test_what_is_only_seen_while_converting_is_left_out_too(scene):
    def nan(number):
        rows = [[np.nan if (number, f) == (1, 3) else 0.5, 0.0] for f in range(LENGTHS[number])]
        return pa.array(rows, pa.list_(pa.float32()))

    scene.write(action=nan)
    root = scene.root.with_name('new')
    with pytest.raises(
        DatasetFormatError, match=r"episode 1 .*'action': row 3 holds nan.*allow_failed"
    ):
        convert_old(OldJob(scene.root, root))
    assert not root.exists()
    converted, reader = made(scene, allow_failed=True)
    assert (converted.resumed, list(converted.skipped), reader.num_episodes) == (1, [1], 2)


def test_a_part_of_the_episodes(scene):
    scene.write()
    converted, reader = made(scene, episodes=[2, 0])
    check_rows(reader, [0, 2])
    assert converted.notices == ('episodes are numbered anew, 0 to 1: they were episodes 0, 2',)
    root = scene.root.with_name('other')
    with pytest.raises(DatasetError, match='has no episode 7'):
        convert_old(OldJob(scene.root, root, Wanted(episodes=[7])))


def test_episodes_whose_files_are_elsewhere_are_left_out(scene):
    scene.write()
    scene.table(1).unlink()
    refused(scene, 'episode 1: its video is there, its Parquet file is not')
    scene.video(1).unlink()
    converted, reader = made(scene)
    assert 'episode 1 of episodes.jsonl have no files here: left out' in converted.notices
    check_rows(reader, [0, 2])


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


def test_what_others_keep_in_meta_is_kept(scene):
    scene.write()
    (scene.root / 'meta/modality.json').write_text('{"state": {}}')
    _, reader = made(scene)
    assert (reader.root / 'meta/modality.json').read_text() == '{"state": {}}'


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


@pytest.mark.parametrize('step', range(4))
def test_a_call_that_is_killed_goes_on_where_it_was(scene, monkeypatch, step):
    scene.write()
    root = scene.root.with_name('new')
    add = module.EpisodeImporter.add

    def killed(importer, *what):
        if importer.num_episodes == step:
            raise KeyboardInterrupt
        return add(importer, *what)

    with monkeypatch.context() as patch:
        patch.setattr(module.EpisodeImporter, 'add', killed)
        if step == 3:
            patch.setattr(module, '_publish', lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            convert_old(OldJob(scene.root, root))
    assert not root.exists()
    converted, reader = made(scene)
    assert converted.resumed == step
    check_rows(reader)


def test_another_call_begins_anew(scene, monkeypatch):
    scene.write()
    root = scene.root.with_name('new')
    with monkeypatch.context() as patch:
        patch.setattr(module, '_publish', lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            convert_old(OldJob(scene.root, root))
    converted, reader = made(scene, task='other')
    assert converted.resumed == 0
    check_rows(reader)


def test_a_disk_that_refuses_is_one_line(scene, monkeypatch):
    scene.write()

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(module.making.films.shutil, 'copyfile', full)
    with pytest.raises(DatasetError, match=r'cannot be written: .*No space left') as caught:
        convert_old(OldJob(scene.root, scene.root.with_name('new')))
    assert '\n' not in str(caught.value)


def test_what_is_there_is_left_alone(scene):
    scene.write()
    root = scene.root.with_name('new')
    root.mkdir()
    (root / 'mine').touch()
    with pytest.raises(DatasetExistsError):
        convert_old(OldJob(scene.root, root))
    assert (root / 'mine').exists()
