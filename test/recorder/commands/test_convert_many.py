"""``lerobot-ros convert`` of many bags."""

from __future__ import annotations

import json

import bulk_scene
import numpy as np
import pytest
from bulk_scene import DATASET, make_bag

from lerobot_drivers.common.errors import BagError, ConfigError, DatasetError, UsageError
from lerobot_recorder.bulk import one_bag
from lerobot_recorder.bulk.work import WorkPlace
from lerobot_recorder.commands import convert, convert_many
from lerobot_recorder.dataset.dataset_reader import DatasetReader


@pytest.fixture
def lab(tmp_path):
    for number in (1, 2, 10):
        make_bag(tmp_path / f'lab/run_{number}', number)
    return tmp_path / 'lab'


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'sets/set'


@pytest.fixture
def here(monkeypatch):
    """Have all work done in this process."""
    monkeypatch.setattr(convert_many, 'Crew', bulk_scene.Here)


def run(lab, root, *more):
    return convert.run([str(lab), *DATASET, f'--dataset.root={root}', '--jobs=2', *more])


def values(root):
    """Return the value at which the joints stand in each episode."""
    reader = DatasetReader(root)
    episodes = [reader.episode(number) for number in range(reader.num_episodes)]
    return [float(np.mean(episode.rows['observation.state'])) for episode in episodes]


def test_a_folder_becomes_one_dataset_in_the_order_of_names(lab, root, here):
    assert run(lab, root) == 0
    assert values(root) == [1, 2, 10]
    assert [path.name for path in root.parent.iterdir()] == ['set']


def test_the_same_call_adds_only_what_is_new(lab, root, here, capsys):
    run(lab, root)
    make_bag(lab / 'run_3', 3)
    (lab / 'copy').mkdir()
    (lab / 'copy/run.mcap').write_bytes(next((lab / 'run_3').glob('*.mcap')).read_bytes())
    assert run(lab, root) == 0
    assert values(root) == [1, 2, 10, 3]
    told = capsys.readouterr().out
    assert '3 bags are in the dataset already' in told
    assert 'is the same as' in told
    assert run(lab, root) == 0
    assert 'there is nothing to convert' in capsys.readouterr().out
    assert values(root) == [1, 2, 10, 3]


def test_all_that_does_not_fit_is_told_before_anything_is_converted(lab, root, here, capsys):
    make_bag(lab / 'run_4', 4, joints='ac')
    make_bag(lab / 'run_5', 5, size=32)
    (lab / 'junk.mcap').write_bytes(b'junk')
    assert run(lab, root) == 1
    told = capsys.readouterr().out
    lines = {name: line for line in told.splitlines() if (name := _named(line))}
    assert 'observation.state' in lines['run_4'] and "'c.pos'" in lines['run_4']
    assert 'shape' in lines['run_5']
    assert 'junk.mcap' in lines
    assert 'nothing was converted' in told
    assert not root.exists()
    assert not any((root.parent / '.set.convert').glob('run*'))


def _named(line):
    return line.partition(': ')[0].rpartition('/')[2] if line.startswith('FAILED') else ''


def test_what_does_not_fit_can_be_left_out(lab, root, here, capsys):
    make_bag(lab / 'run_4', 4, joints='ac')
    assert run(lab, root, '--allow_failed=true') == 0
    assert 'FAILED' in capsys.readouterr().out
    assert values(root) == [1, 2, 10]


def test_a_dry_run_writes_nothing(lab, root, here, capsys):
    assert run(lab, root, '--dry-run') == 0
    assert not root.parent.exists()
    assert '3 bags' in capsys.readouterr().out


def test_a_process_that_dies_costs_its_bag_alone_and_the_next_call_goes_on(
    lab, root, capsys, monkeypatch, tmp_path
):
    make_bag(lab / 'deadly', 7)
    with monkeypatch.context() as patch:
        patch.setattr(one_bag, 'convert', bulk_scene.convert_or_die)
        assert run(lab, root, f'--report={tmp_path}/report.json') == 1
    told = capsys.readouterr().out
    assert 'deadly' in told and 'SIGKILL' in told
    assert '3 of 4 bags are converted and kept' in told
    report = json.loads((tmp_path / 'report.json').read_text())
    assert len(report['bags']) == 3 and len(report['failed']) == 1
    assert run(lab, root) == 0
    assert '3 of 4 bags are converted already' in capsys.readouterr().out
    assert values(root) == [7, 1, 2, 10]


def test_another_call_at_the_same_time_is_refused(lab, root):
    found = WorkPlace(root, {})
    with found.held(), pytest.raises(DatasetError, match='another process is converting'):
        run(lab, root)


@pytest.mark.parametrize(
    ('flags', 'error', 'told'),
    [
        (['--jobs=0'], UsageError, '--jobs'),
        (['--jobs=many'], UsageError, '--jobs'),
        (['--dataset.fps=none'], ConfigError, 'fps'),
    ],
)
def test_wrong_flags_are_told_at_once(lab, root, flags, error, told):
    with pytest.raises(error, match=told):
        convert.run([str(lab), *DATASET, f'--dataset.root={root}', *flags])


def test_words_that_name_nothing(lab, root):
    with pytest.raises(BagError, match='does not exist'):
        run(lab / 'nowhere', root)
