"""The commands that make datasets of datasets: their flags, their last line, their errors."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from lerobot_drivers.cli import main
from lerobot_drivers.common.errors import UsageError
from lerobot_recorder.commands.episode_choice import numbers, parts
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo


def make(root, start=0, episodes=4, fps=10):
    action = {'dtype': 'float32', 'shape': [1], 'names': ['x']}
    with DatasetWriter.create(root, DatasetInfo(fps, {'action': action})) as writer:
        for episode in range(start, start + episodes):
            writer.add_frame({'action': np.array([episode], np.float32)}, {}, f'Go {episode}')
            writer.save_episode()
    return root


def values(root):
    return [float(view.rows['action'][0]) for view in DatasetReader(root).episodes()]


@pytest.fixture
def root(tmp_path):
    return make(tmp_path / 'd')


def test_merge(root, tmp_path, capsys):
    other = make(tmp_path / 'o', 10, 2)
    assert main(['merge', str(other), str(root), f'--to={tmp_path}/m']) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f'{tmp_path}/m: 6 episodes, 6 frames, 6 tasks'
    )
    assert values(tmp_path / 'm') == [10, 11, 0, 1, 2, 3]


def test_merge_into_lerobots_place(root, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('HF_LEROBOT_HOME', str(tmp_path / 'home'))
    assert main(['merge', str(root), '--dataset.repo_id=me/all']) == 0
    assert values(tmp_path / 'home/me/all') == [0, 1, 2, 3]


def test_merge_tells_what_it_left_out(root, tmp_path, capsys):
    assert main(['merge', str(root), f'--to={tmp_path}/c']) == 0
    words = ['merge', str(root), str(tmp_path / 'c'), f'--to={tmp_path}/m']
    assert main(words) == 1
    assert 'are the same episode' in capsys.readouterr().err
    assert main([*words, '--skip_repeated=true']) == 0
    told = capsys.readouterr().out
    assert told.count('left out, there already') == 4
    assert values(tmp_path / 'm') == [0, 1, 2, 3]


def test_differences_are_one_line_each(root, tmp_path, capsys):
    other = make(tmp_path / 'o', fps=20)
    assert main(['merge', str(root), str(other), f'--to={tmp_path}/m']) == 1
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == 'error: these datasets cannot be merged:'
    assert lines == [f'  {other}: fps is 20, in {root} 10']
    assert sorted(os.listdir(tmp_path)) == ['d', 'o']


def test_split(root, tmp_path, capsys):
    words = ['split', str(root), f'--to={tmp_path}/s']
    assert main([*words, '--splits={train: 0.8, val: 0.2}']) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f'{tmp_path}/s/train: 3 episodes, 3 frames', f'{tmp_path}/s/val: 1 episodes, 1 frames',
    ]  # fmt: skip
    assert values(tmp_path / 's/train') == [0, 1, 2]
    assert values(tmp_path / 's/val') == [3]


def test_lerobots_words(root, tmp_path, capsys):
    assert main(['split', f'--root={root}', f'--new_root={tmp_path}/s',
                 '--operation.splits={"a": [3, 0], "b": ["1-2"]}']) == 0  # fmt: skip
    assert values(tmp_path / 's/a') == [0, 3]
    assert values(tmp_path / 's/b') == [1, 2]
    assert main(['delete-episodes', f'--root={root}', f'--new_root={tmp_path}/e',
                 '--operation.episode_indices', '[0, 2]']) == 0  # fmt: skip
    assert values(tmp_path / 'e') == [1, 3]
    assert values(root) == [0, 1, 2, 3]


def test_delete_in_place(root, capsys, monkeypatch):
    monkeypatch.chdir(root)
    assert main(['delete-episodes', '.', '--episodes=1-2']) == 0
    *_, line, hint = capsys.readouterr().out.splitlines()
    assert line == '.: 2 deleted, 2 episodes and 2 frames are left'
    assert 'enter it again' in hint
    assert values(root) == [0, 3]


def test_stats(root, tmp_path, capsys):
    assert main(['stats', str(root)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f'{root}: statistics are exact'
    path = root / layout.STATS
    exact = json.loads(path.read_text())
    path.write_text(json.dumps({**exact, 'action': {**exact['action'], 'mean': [7.0]}}))
    assert main(['stats', str(root), f'--json={tmp_path}/s.json']) == 1
    *_, line, last = capsys.readouterr().out.splitlines()
    assert line == 'stats.json: action: mean off by up to 183.33% of the range'
    assert last == f'{root}: statistics are wrong'
    document = json.loads((tmp_path / 's.json').read_text())
    assert document['statistics']['action']['mean'] == [1.5]
    assert document['deviations'][0]['name'] == 'mean'
    assert main(['stats', str(root), '--write=true']) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f'{root}: statistics are written'
    assert json.loads(path.read_text()) == exact
    assert main(['stats', str(root), '--json=/no/such/place']) == 1
    assert '/no/such/place cannot be written' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (['merge', '--to=x'], 'name the folders'),
        (['merge', 'd'], 'name the new dataset'),
        (['split', 'd', '--splits={a: 0.5}'], '--to=NEW_FOLDER'),
        (['split', 'd', '--to=x'], 'found None'),
        (['split', 'd', '--to=x', '--splits={a: 0.5}', '--seed=no'], '--seed is a whole'),
        (['delete-episodes', 'd'], '--episodes='),
        (['delete-episodes', 'd', '--episodes=[4]'], 'there are 0 to 3'),
        (['delete-episodes', 'd', '--episodes=0', '--link=true'], '--link=true is for'),
        (['delete-episodes', 'd', '--episodez=0'], 'did you mean --episodes'),
    ],
)
def test_wrong_flags(root, capsys, monkeypatch, words, told):
    monkeypatch.chdir(root.parent)
    assert main(words) == 2
    assert told in capsys.readouterr().err.splitlines()[0]
    assert os.listdir(root.parent) == ['d']


@pytest.mark.parametrize('command', ['merge', 'split', 'delete-episodes', 'stats'])
def test_help(capsys, command):
    assert main([command, '--help']) == 0
    assert f'usage: lerobot-ros {command}' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('told', 'found'),
    [(3, [3]), ('0, 2', [0, 2]), ('4-6', [4, 5, 6]), ([9, '1-2', 1], [1, 2, 9])],
)
def test_numbers(told, found):
    assert numbers(told, 10, '--episodes') == found


@pytest.mark.parametrize('told', [[], '', -1, '3-1', 'all', True, 1.5, [[1]], '0-10', None])
def test_numbers_that_are_none(told):
    with pytest.raises(UsageError, match='--episodes'):
        numbers(told, 10, '--episodes')


def test_shares_are_lerobots():
    assert parts({'a': 0.8, 'b': 0.2}, 9) == {'a': [*range(7)], 'b': [7, 8]}
    assert parts({'a': 0.29, 'b': 0.71}, 100)['a'] == [*range(29)]
    assert parts({'a': 0.5, 'b': 0.25}, 8) == {'a': [0, 1, 2, 3], 'b': [4, 5]}
    drawn = parts({'a': 0.5, 'b': 0.5}, 10, seed=1)
    assert drawn == parts({'a': 0.5, 'b': 0.5}, 10, seed=1)
    assert drawn['a'] != [*range(5)]
    assert sorted(drawn['a'] + drawn['b']) == [*range(10)]


@pytest.mark.parametrize(
    ('splits', 'told'),
    [
        ({}, 'is like'),
        (['a'], 'is like'),
        ({'a/b': 0.5}, 'name of a folder'),
        ({'a:0.5': None}, 'a space comes behind each colon'),
        ({'.a': 0.5}, 'name of a folder'),
        ({'a': 0.8, 'b': 0.3}, 'at most 1'),
        ({'a': -0.1, 'b': 0.3}, 'above 0'),
        ({'a': float('nan')}, 'above 0'),
        ({'a': 0.05, 'b': 0.5}, 'none of 10'),
        ({'a': 0.5, 'b': [1]}, 'shares and episodes'),
        ({'a': [1, 2], 'b': '2-3'}, 'in a and in b'),
        ({'a': [12]}, 'there are 0 to 9'),
    ],
)
def test_splits_that_are_none(splits, told):
    with pytest.raises(UsageError, match=told):
        parts(splits, 10)
