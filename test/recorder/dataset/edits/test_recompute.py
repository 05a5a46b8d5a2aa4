"""Statistics computed anew: what is noticed, and what writing them leaves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from compact_scene import CAMERA, FPS, content, make, whole

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import commit, durable, folder_links, layout, seal
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.edits.delete import delete_episodes
from lerobot_recorder.dataset.edits.deviations import WHOLE, Judge, bounds_of_episode
from lerobot_recorder.dataset.edits.merge import merge_datasets
from lerobot_recorder.dataset.edits.recompute import recompute
from lerobot_recorder.dataset.edits.sampled_pictures import sample
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.edits.write_statistics import write_statistics
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayDepth
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.statistics import summarize


@pytest.fixture(scope='module')
def made(tmp_path_factory, tools):
    return make(tmp_path_factory.mktemp('stats') / 'made', tools)


@pytest.fixture
def root(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / 'd'))


def look(root, decode=False):
    return recompute(read_source(root, needs_statistics=False), decode)


def stats(root):
    return json.loads((root / layout.STATS).read_text())


def spoil_stats(root, feature, name, change):
    document = stats(root)
    document[feature][name] = change(document[feature][name])
    (root / layout.STATS).write_text(json.dumps(document))


def spoil_episode(root, number, name, value):
    path = layout.episodes_files(root)[number]
    table = pq.read_table(path)
    at = table.schema.get_field_index(name)
    values = pa.array([value], table.schema.field(at).type)
    pq.write_table(table.set_column(at, table.schema.field(at), values), path)


def places(found):
    return sorted((one.where, one.feature, one.name) for one in found.deviations)


def same(found, expected):
    """Equal but for the last bit: sums depend on their order."""
    assert found.keys() == expected.keys()
    for key, wanted in expected.items():
        for name, values in wanted.items():
            np.testing.assert_allclose(found[key][name], values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('decode', [False, True])
def test_what_we_recorded_is_exact(root, decode):
    found = look(root, decode)
    assert found.deviations == []
    reader = DatasetReader(root)
    actions = np.concatenate([view.rows['action'] for view in reader.episodes()])
    expected = summarize(actions).to_lists(False)
    for name, values in expected.items():
        np.testing.assert_allclose(found.whole['action'][name], values, rtol=1e-12)
    if not decode:
        same(found.whole, stats(root))


def test_what_is_wrong_is_named(root):
    spoil_stats(root, 'action', 'mean', lambda old: [old[0] + 5, *old[1:]])
    spoil_stats(root, CAMERA, 'std', lambda old: [[[value[0][0] * 2]] for value in old])
    spoil_stats(root, 'observation.state', 'q99', lambda old: [old[0] - 90, *old[1:]])
    spoil_stats(root, 'index', 'count', lambda old: [old[0] + 1])
    spoil_stats(root, 'timestamp', 'max', lambda old: [None])
    spoil_episode(root, 3, 'stats/action/min', [-1e3, 0.0, 0.0])
    expected = [
        ('episode 3', 'action', 'min'), (WHOLE, 'action', 'mean'), (WHOLE, 'index', 'count'),
        (WHOLE, CAMERA, 'std'), (WHOLE, 'observation.state', 'q99'), (WHOLE, 'timestamp', 'max'),
    ]  # fmt: skip
    found = look(root)
    assert places(found) == sorted(expected)
    missing = {one.name for one in found.deviations if one.part is None}
    assert missing == {'max'}


def test_writing_mends_all_of_it(root, tools):
    compact_dataset(root)
    before, expected = content(root), stats(root)
    table = pq.read_table(layout.episodes_files(root)[0])
    spoilt = table.drop_columns(
        [name for name in table.column_names if name.startswith(f'stats/{CAMERA}/')]
    )
    pq.write_table(spoilt, layout.episodes_files(root)[0])
    (root / layout.STATS).unlink()
    assert whole(root) != []
    with pytest.raises(DatasetFormatError, match=f'{CAMERA}; lerobot-ros stats .* --write=true'):
        merge_datasets([root], root.with_name('m'))
    assert write_statistics(root).deviations != []
    assert content(root) == before
    same(stats(root), expected)
    assert set(pq.read_schema(layout.episodes_files(root)[0]).names) == set(table.column_names)
    assert whole(root) == []
    assert look(root).deviations == []
    info = DatasetInfo(FPS, tools.features((CAMERA, 'observation.images.wrist')), 'so_follower')
    with DatasetWriter.resume(root, info) as writer:
        tools.Film(info).episode(writer, 3)
    assert whole(root) == []


def test_a_sealed_dataset_stays_sealed(root):
    assert seal.is_intact(root)
    write_statistics(root)
    assert seal.is_intact(root)
    assert not (root / layout.RECORDING).exists()
    (root / layout.STATS).write_text('{}')
    write_statistics(root)
    assert not seal.is_intact(root)


def test_where_no_histogram_was_kept_pictures_are_decoded(root):
    for path in (root / layout.RECORDS).glob('*.parquet'):
        path.unlink()
    found = look(root)
    assert found.deviations == []
    assert found.whole[CAMERA] != stats(root)[CAMERA]


def test_of_a_shared_file_the_pictures_of_the_episode_are_decoded(root):
    compact_dataset(root)
    for kept, seen in zip(look(root).episodes, look(root, decode=True).episodes, strict=True):
        np.testing.assert_allclose(seen[CAMERA].mean, kept[CAMERA].mean, atol=0.025)


def test_images_are_decoded_too(tmp_path, tools):
    info = DatasetInfo(FPS, tools.features(dtype='image'))
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        tools.Film(info).episode(writer, 4)
        tools.Film(info, count=9).episode(writer, 4)
    found = look(tmp_path / 'd', decode=True)
    assert found.deviations == []
    np.testing.assert_allclose(found.whole[CAMERA]['mean'], stats(tmp_path / 'd')[CAMERA]['mean'])


@pytest.mark.parametrize('dtype', ['video', 'image'])
@pytest.mark.parametrize('unit', ['mm', 'm'])
def test_depth_is_decoded_in_its_unit_and_edited(tmp_path, unit, dtype):
    names = ['height', 'width', 'channels']
    block = {'is_depth_map': True, 'depth_unit': unit}
    depth = {'dtype': dtype, 'shape': [32, 48, 1], 'names': names, 'info': block}
    vector = {'dtype': 'float32', 'shape': [1], 'names': ['a']}
    film = np.random.default_rng(0).uniform(300, 6000, (9, 32, 48))
    film = film.astype(np.uint16) if unit == 'mm' else (film / 1000).astype(np.float32)
    info = DatasetInfo(FPS, {'action': vector, CAMERA: depth})
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        for number, picture in enumerate(film):
            values = {'action': np.array([number], np.float32)}
            writer.add_frame(values, {CAMERA: ArrayDepth(picture)}, 'Look')
            if number % 3 == 2:
                writer.save_episode()
    found = look(tmp_path / 'd', decode=True)
    assert found.deviations == []
    same({CAMERA: found.whole[CAMERA]}, {CAMERA: stats(tmp_path / 'd')[CAMERA]})
    compact_dataset(tmp_path / 'd')
    shown = [list(view.frames(CAMERA)) for view in DatasetReader(tmp_path / 'd').episodes()]
    delete_episodes(tmp_path / 'd', [1])
    after = [list(view.frames(CAMERA)) for view in DatasetReader(tmp_path / 'd').episodes()]
    assert np.array_equal(after, [shown[0], shown[2]])
    assert whole(tmp_path / 'd') == []


def test_a_recording_or_a_change_stops_writing(root, tools):
    info = DatasetInfo(FPS, tools.features((CAMERA, 'observation.images.wrist')), 'so_follower')
    with (
        DatasetWriter.resume(root, info),
        pytest.raises(DatasetError, match='another process is recording'),
    ):
        write_statistics(root)

    def disturb(done, total):
        (root / layout.INFO).write_text((root / layout.INFO).read_text() + ' ')

    before = (root / layout.STATS).read_bytes()
    with pytest.raises(DatasetError, match='was changed while'):
        write_statistics(root, progress=disturb)
    assert (root / layout.STATS).read_bytes() == before
    assert not (root / layout.RECORDING).exists()


@pytest.mark.parametrize('step', ['write', 'sync', 'move'])
def test_a_kill_while_writing_leaves_the_old_or_the_new(root, monkeypatch, step):
    class Killed(BaseException):
        pass

    def kill(*_, **__):
        raise Killed

    expected = stats(root)
    spoil_stats(root, 'action', 'mean', lambda old: [0.0, 0.0, 0.0])
    spoilt = stats(root)
    with monkeypatch.context() as patch:
        if step == 'move':
            patch.setattr(commit, 'apply', kill)
        else:
            patch.setattr(durable, 'sync_all' if step == 'sync' else 'write_bytes', kill)
        with pytest.raises(Killed):
            write_statistics(root)
    repair_dataset(root)
    found = (expected if step == 'move' else spoilt)['action']['mean']
    np.testing.assert_allclose(stats(root)['action']['mean'], found)
    assert whole(root) == []
    write_statistics(root)
    same(stats(root), expected)


def test_the_source_is_only_read(root):
    before = folder_links.snapshot(root, ())
    look(root, decode=True)
    assert folder_links.snapshot(root, ()) == before


def test_samples_are_lerobots():
    assert sample(5) == [0, 1, 2, 3, 4]
    assert len(sample(1000)) == int(1000**0.75)
    assert sample(300)[:4] == [0, 3, 6, 9]
    assert sample(300)[-1] == 299
    assert len(sample(10**6)) == 10_000


def test_a_bool_that_is_rarely_true_has_no_wrong_quantile():
    values = np.zeros((100, 1))
    values[-1] = 1
    computed = summarize(values).to_lists(False)
    told = {**computed, 'q99': [0.6]}
    feature = {'dtype': 'bool', 'shape': [1], 'names': None}
    judge = Judge('x', 'done', feature, bounds_of_episode('done', {'done': values}, {}))
    assert list(judge.deviations(told, computed)) == []
    assert [one.name for one in judge.deviations({**told, 'q50': [0.6]}, computed)] == ['q50']
