from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import bulk_scene
import pytest
from bulk_scene import DATASET, make_bag

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.bulk import cluster
from lerobot_recorder.bulk.cluster import ClusterConfig
from lerobot_recorder.commands import convert, convert_many
from lerobot_recorder.dataset.dataset_reader import DatasetReader

SLURM = {'executor': 'slurm', 'partition': 'cpu', 'time': '04:00:00'}


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setattr(convert_many, 'Crew', bulk_scene.Here)
    for number in (1, 2, 3):
        make_bag(tmp_path / f'lab/run_{number}', number)
    return tmp_path / 'lab'


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'sets/set'


@pytest.fixture
def datatrove(monkeypatch):
    """Stand in for datatrove and its executors, which note what they were given."""
    given = []

    class Executor:
        def __init__(self, **arguments):
            given.append(arguments)
            Path(arguments['logging_dir']).mkdir()

        def run(self):
            (step,) = given[-1]['pipeline']
            for rank in range(given[-1]['tasks']):
                list(step.run(None, rank, given[-1]['tasks']))

    class Queue(Executor):
        def run(self):
            given[-1]['run'] = super().run

    def needed(name):
        executors = {'LocalPipelineExecutor': Executor, 'SlurmPipelineExecutor': Queue}
        return SimpleNamespace(ConvertBags=_Step, **executors)

    monkeypatch.setattr(cluster, '_needed', needed)
    return given


class _Step:
    def __init__(self, tasks):
        self.tasks = tasks

    def run(self, data, rank, world_size):
        for task in self.tasks[rank::world_size]:
            yield bulk_scene.one_bag.convert(task, lambda done, of: None)


def run(lab, root, *more):
    return convert.run([str(lab), *DATASET, f'--dataset.root={root}', *more])


def test_bags_are_handed_to_slurm_once_and_joined_when_its_jobs_are_done(
    lab, root, datatrove, capsys
):
    flags = [f'--cluster.{key}={value}' for key, value in SLURM.items()]
    assert run(lab, root, *flags) == 0
    assert run(lab, root, *flags) == 0
    assert '3 of 3 bags are with Slurm' in capsys.readouterr().out
    assert len(datatrove) == 1
    assert (datatrove[0]['tasks'], datatrove[0]['time']) == (3, '04:00:00')
    assert not root.exists()
    datatrove[0]['run']()
    assert run(lab, root, *flags) == 0
    assert len(datatrove) == 1
    assert DatasetReader(root).num_episodes == 3


def test_a_bag_that_fails_in_a_cluster_is_told(lab, root, datatrove, capsys, monkeypatch):
    def one_fails(task, progress):
        if task.place.bag.name == 'run_2':
            task.place.fail('it is Friday')
            return {}
        return real(task, progress)

    real = bulk_scene.one_bag.convert
    with monkeypatch.context() as patch:
        patch.setattr(bulk_scene.one_bag, 'convert', one_fails)
        assert run(lab, root, '--cluster.executor=local') == 1
    told = capsys.readouterr().out
    assert 'run_2: it is Friday' in told and '2 of 3 bags are converted' in told
    assert run(lab, root, '--cluster.executor=local') == 0
    assert DatasetReader(root).num_episodes == 3


def test_datatrove_itself_converts(lab, root):
    pytest.importorskip('datatrove', reason='the extra cluster is not installed')
    flags = [*DATASET, f'--dataset.root={root}', '--cluster.executor=local', '--jobs=1']
    call = [sys.executable, '-m', 'lerobot_drivers.cli', 'convert', str(lab), *flags]
    ended = subprocess.run(call, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert DatasetReader(root).num_episodes == 3


@pytest.mark.parametrize(
    ('settings', 'told'),
    [
        ({'executor': 'cloud'}, 'local, ray, slurm'),
        ({'executor': 'slurm', 'time': '1:00:00'}, 'partition and time'),
        ({'executor': 'ray', 'tasks': 0}, 'tasks must be at least 1'),
        ({'executor': 'ray', 'queue': 'x'}, 'queue'),
    ],
)
def test_wrong_settings_are_told(settings, told):
    with pytest.raises(ConfigError, match=told):
        build(ClusterConfig, settings, 'cluster')


def test_what_is_missing_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'datatrove.pipeline.base', None)
    monkeypatch.delitem(sys.modules, 'lerobot_recorder.bulk.cluster_step', raising=False)
    with pytest.raises(ConfigError, match=r'lerobot_ros\[cluster\]'):
        cluster.run_on(ClusterConfig(executor='local'), [], None)
