from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from old_scene import OldScene

from lerobot_drivers.cli import main
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset


@pytest.fixture
def scene(tmp_path):
    scene = OldScene(tmp_path / 'old')
    scene.write()
    return scene


def test_a_report_for_machines(scene, tmp_path):
    words = ['convert', str(scene.root), f'--dataset.root={tmp_path}/new']
    assert main([*words, f'--report={tmp_path}/plan.json', '--dry-run']) == 0
    plan = json.loads((tmp_path / 'plan.json').read_text())
    assert (plan['codebase_version'], plan['episodes'], plan['frames']) == ('v2.1', [0, 1, 2], 18)
    assert main([*words, f'--report={tmp_path}/done.json']) == 0
    done = json.loads((tmp_path / 'done.json').read_text())
    assert done == {'episodes': 3, 'frames': 18, 'resumed': 0, 'skipped': {}, 'notices': []}


def test_convert_takes_an_old_dataset_where_it_takes_a_bag(scene, tmp_path, capsys):
    assert main(['convert', str(scene.root), f'--dataset.root={tmp_path}/new']) == 0
    assert f'3 episodes, 18 frames, in {tmp_path}/new' in capsys.readouterr().out
    assert validate_dataset(tmp_path / 'new') == []


def test_dry_run_writes_nothing(scene, tmp_path, capsys):
    scene.encode(1, range(2))
    words = ['convert', str(scene.root), '--dataset.repo_id=me/new', '--dry-run']
    assert main(words) == 1
    assert main([*words, '--allow_failed=true']) == 0
    told = capsys.readouterr().out
    assert 'would leave out episode 1:' in told
    assert 'v2.1 dataset: would convert 2 episodes, 13 frames at 10 Hz; nothing was' in told
    assert [path.name for path in tmp_path.iterdir()] == ['old']


@pytest.mark.parametrize(
    ('flags', 'code', 'told'),
    [
        ([], 2, 'name the new dataset'),
        (['--dataset.root=new', '--dataset.episodes=all'], 2, '--dataset.episodes is a list'),
        (['--dataset.root=new', '--dataset.fps=9.97'], 2, '--dataset.fps is a whole number'),
        (['--dataset.root=new', '--dataset.video=false'], 2, '--dataset.video'),
        (['--dataset.root=new', '--topics.state=/joints'], 2, 'unknown flag --topics'),
        (['--dataset.root=old'], 1, 'old exists already'),
        (['--dataset.root=new', '--dataset.episodes=[5]'], 1, 'has no episode 5'),
    ],
)
def test_flags_that_cannot_be_obeyed(scene, monkeypatch, capsys, flags, code, told):
    monkeypatch.chdir(scene.root.parent)
    assert main(['convert', 'old', *flags]) == code
    assert told in capsys.readouterr().err
    assert [path.name for path in scene.root.parent.iterdir()] == ['old']


REAL = {
    'lerobot/groot_robot_sim_PickNPlace': (5, 2096, ['egoview is left out', 'began at 0.05 s']),
    'lerobot/yifan_g1_policy': (5, 1871, ['have no files here', 'a flat list now']),
    'lerobot/ioai_studio_fixtures/lerobotv2': (2, 6, ['its shape was [3, 64, 64]', 'rounded']),
    'lerobot/ioai_studio_fixtures/lerobotv2-image': (2, 6, ['rounded to that']),
    'bags/pypi_deepen_grade__fixtures/sample_lerobot': (2, 200, ['names no codebase_version']),
}


@pytest.mark.parametrize('name', REAL)
def test_datasets_of_others(shared_data, tmp_path, capsys, name):
    old, (episodes, frames, notices) = shared_data / name, REAL[name]
    task = ['--dataset.single_task=pick'] if 'deepen' in name else []
    assert main(['convert', str(old), f'--dataset.root={tmp_path}/new', *task]) == 0
    told = capsys.readouterr().out
    assert f'{episodes} episodes, {frames} frames' in told
    assert all(notice in told for notice in notices), told
    findings = validate_dataset(tmp_path / 'new')
    assert [str(finding) for finding in findings] == []
    reader = DatasetReader(tmp_path / 'new')
    for view, path in zip(reader.episodes(), sorted(old.rglob('episode_*.parquet')), strict=True):
        table = pq.read_table(path)
        for key in ('observation.state', 'action'):
            wanted = np.array(table[key].to_pylist())
            found = view.rows[key]
            np.testing.assert_array_equal(found, wanted.astype(found.dtype))


@pytest.mark.parametrize(
    ('name', 'told'),
    [
        ('official_v1_testdata/aloha_sim_insertion_human', 'v1.x'),
        ('keertimanney_rebot', 'v3.0'),
        ('ioai_studio_fixtures/lerobotv3', 'v3.0'),
        ('priyabiswas_franka_pickplace', 'v3.0'),
        ('thewisp_pusht_image_slice', 'v3.0'),
    ],
)
def test_datasets_of_other_versions(shared_data, tmp_path, capsys, name, told):
    old = shared_data / 'lerobot' / name
    assert main(['convert', str(old), f'--dataset.root={tmp_path}/new']) == 1
    error = capsys.readouterr().err
    assert f'is a LeRobot dataset of {told}, convert takes v2.0 and v2.1' in error
    assert error.count('\n') == 1
    assert not (tmp_path / 'new').exists()


def test_a_copy_that_is_read_only_is_enough(scene, tmp_path):
    for path in [*scene.root.rglob('*'), scene.root]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert main(['convert', str(scene.root), f'--dataset.root={tmp_path}/new']) == 0
    finally:
        for path in [scene.root, *scene.root.rglob('*')]:
            path.chmod(0o755)
        shutil.rmtree(scene.root)
