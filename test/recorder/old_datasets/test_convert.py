from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from old_scene import (
    CAMERA,
    LENGTHS,
    TASKS,
    OldScene,
    check_rows,
    decoded,
    made,
    picture,
    refused,
)

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError, DatasetFormatError
from lerobot_recorder.dataset import layout
from lerobot_recorder.old_datasets import convert as module
from lerobot_recorder.old_datasets.convert import OldJob, convert_old
from lerobot_recorder.old_datasets.survey import Wanted


@pytest.fixture
def scene(tmp_path):
    return OldScene(tmp_path / 'old')


def content(root):
    files = [path for path in root.rglob('*') if path.is_file()]
    return {p: (hashlib.sha256(p.read_bytes()).digest(), p.stat().st_mtime_ns) for p in files}


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


def test_what_others_keep_in_meta_is_kept(scene):
    scene.write()
    (scene.root / 'meta/modality.json').write_text('{"state": {}}')
    _, reader = made(scene)
    assert (reader.root / 'meta/modality.json').read_text() == '{"state": {}}'


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


def test_the_new_one_does_not_go_into_the_old_one(scene):
    scene.write()
    before = content(scene.root)
    with pytest.raises(DatasetError, match='lies in the old dataset'):
        convert_old(OldJob(scene.root, scene.root / 'v3'))
    assert content(scene.root) == before
