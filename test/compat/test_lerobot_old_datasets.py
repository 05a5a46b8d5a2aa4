"""A v2.1 dataset converted by us and by LeRobot's own converter holds the same."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest
from packaging.version import Version

try:
    FOUND = version('lerobot')
except PackageNotFoundError:
    FOUND = '0'
if Version(FOUND) < Version('0.6'):
    pytest.skip(
        f'needs LeRobot 0.6 or newer, found {FOUND}; see test/compat/README.md',
        allow_module_level=True,
    )

from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.scripts.convert_dataset_v21_to_v30 import convert_dataset
from old_scene import CAMERA, REORDERED, OldScene, decoded, write_lines

from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.validate import validate_dataset
from lerobot_recorder.old_datasets.convert import OldJob, convert_old

pytestmark = [pytest.mark.lerobot, pytest.mark.timeout(400)]

YIFAN = (1, 2, 4, 5, 7)
STATISTICS = ('min', 'max', 'mean', 'std')


def with_statistics(scene):
    """Add what v2.1 kept of every column, as LeRobot's converter needs it."""
    lines = []
    for number in range(len(scene.lengths)):
        stats = {}
        for key, column in scene.columns(number).items():
            if key != CAMERA:
                stats[key] = told(np.array(column.to_pylist(), dtype=float), axis=0)
        films = np.stack(decoded(scene.video(number))).transpose(0, 3, 1, 2) / 255
        one = told(films, axis=(0, 2, 3))
        stats[CAMERA] = {
            name: one[name] if name == 'count' else np.reshape(one[name], (3, 1, 1)).tolist()
            for name in one
        }
        lines.append({'episode_index': number, 'stats': stats})
    write_lines(scene.root / 'meta/episodes_stats.jsonl', lines)


def told(values, axis):
    found = {name: np.atleast_1d(getattr(values, name)(axis)).tolist() for name in STATISTICS}
    return {**found, 'count': [len(values)]}


def theirs(old, root):
    shutil.copytree(old, root)
    convert_dataset('local/theirs', root=root, push_to_hub=False)
    return root


def ours(old, root):
    convert_old(OldJob(old, root))
    assert validate_dataset(root, decode=True) == []
    return root


def load(root):
    return LeRobotDataset('local/test', root=root, video_backend='pyav')


def same(one, other, steps=1):
    assert len(one) == len(other) and list(one.features) == list(other.features)
    for index in range(0, len(one), steps):
        found, expected = one[index], other[index]
        assert found.keys() == expected.keys()
        for key, wanted in expected.items():
            if isinstance(wanted, str):
                assert found[key] == wanted
            else:
                np.testing.assert_array_equal(np.asarray(found[key]), np.asarray(wanted), key)


def same_statistics(one, other, but=()):
    for key in sorted(set(other.meta.stats) - set(but)):
        wanted = other.meta.stats[key]
        for name in STATISTICS:
            np.testing.assert_allclose(
                one.meta.stats[key][name], wanted[name], rtol=1e-5, atol=1e-6, err_msg=key
            )
        assert np.isfinite(one.meta.stats[key]['q99']).all()


@pytest.mark.parametrize('options', [{}, REORDERED])
def test_as_lerobot_converts_it(tmp_path, options):
    scene = OldScene(tmp_path / 'old', options=options)
    scene.write()
    with_statistics(scene)
    by_us, by_them = ours(scene.root, tmp_path / 'ours'), theirs(scene.root, tmp_path / 'theirs')
    same(load(by_us), load(by_them))
    same_statistics(load(by_us), load(by_them))
    compact_dataset(by_us)
    same(load(by_us), load(by_them))


def test_a_recording_of_others_as_lerobot_converts_it(tmp_path, shared_data):
    old = whole(shared_data / 'lerobot/yifan_g1_policy', tmp_path / 'old')
    by_us, by_them = ours(old, tmp_path / 'ours'), theirs(old, tmp_path / 'theirs')
    same(load(by_us), load(by_them), steps=97)
    same_statistics(load(by_us), load(by_them), but=['index', 'episode_index'])  # numbered anew


def whole(source, root):
    """Return what is kept of a dataset as one that LeRobot's converter takes: nothing missing."""
    shutil.copytree(source, root, copy_function=shutil.copyfile)
    for name in ('episodes', 'episodes_stats'):
        lines = [json.loads(line) for line in (source / f'meta/{name}.jsonl').open()]
        kept = [line for line in lines if line['episode_index'] in YIFAN]
        numbers = range(len(kept))
        kept = [{**line, 'episode_index': n} for line, n in zip(kept, numbers, strict=True)]
        write_lines(root / f'meta/{name}.jsonl', kept)
    renumber(root)
    return root


def renumber(root):
    import pyarrow as pa
    import pyarrow.parquet as pq

    total = 0
    for new, old in enumerate(YIFAN):
        for path in (*root.rglob(f'episode_{old:06d}.parquet'), *root.rglob(f'*_{old:06d}.mp4')):
            path = path.rename(path.with_name(path.name.replace(f'{old:06d}', f'{new:06d}')))
            if path.suffix == '.parquet':
                table, count = pq.read_table(path), pq.read_metadata(path).num_rows
                columns = {'episode_index': np.full(count, new), 'index': np.arange(count) + total}
                for name, values in columns.items():
                    place = table.column_names.index(name)
                    table = table.set_column(place, name, pa.array(values, pa.int64()))
                pq.write_table(table, path)
                total += count
    info = json.loads((root / 'meta/info.json').read_text())
    info.update(total_episodes=len(YIFAN), total_frames=total)
    (root / 'meta/info.json').write_text(json.dumps(info))


def test_v2_0_that_lerobot_cannot_convert_is_read_by_it(tmp_path, shared_data):
    root = ours(shared_data / 'lerobot/groot_robot_sim_PickNPlace', tmp_path / 'ours')
    dataset = load(root)
    assert (len(dataset), dataset.num_episodes) == (2096, 5)
    films = sorted((shared_data / 'lerobot/groot_robot_sim_PickNPlace').rglob('*.mp4'))
    for episode, start in ((0, 0), (4, 416 + 470 + 470 + 412)):
        pictures = decoded(films[episode])
        for frame in (0, 1, 200, len(pictures) - 1):
            found = dataset[start + frame]['observation.images.ego_view']
            np.testing.assert_array_equal(
                np.asarray(found), pictures[frame].transpose(2, 0, 1).astype(np.float32) / 255
            )
