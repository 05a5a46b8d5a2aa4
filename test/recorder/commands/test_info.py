"""``lerobot-ros info``, ``validate`` and how they find their dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from spoilt_dataset import set_value

from lerobot_drivers.common.errors import ConfigError, DatasetError, DatasetExistsError, UsageError
from lerobot_recorder.commands import info, validate
from lerobot_recorder.commands.which_dataset import check_free, dataset_root
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter, EpisodeRecord

LONG = 'observation.environment_state_of_the_left_arm'


@pytest.fixture
def root(tmp_path):
    names = [f'joint_number_{n}.pos' for n in range(6)]
    vector = {'dtype': 'float32', 'shape': [6], 'names': names}
    features = {'observation.state': vector, LONG: vector}
    root = tmp_path / '[bold]' / 'set'
    judged = EpisodeRecord('u', details={'verdict': {'grade': 'bad', 'reasons': []}})
    with DatasetWriter.create(root, DatasetInfo(10, features)) as writer:
        for task in ('fold :tea: [/x]', 'rest'):
            for _ in range(15):
                writer.add_frame(dict.fromkeys(features, np.zeros(6, np.float32)), {}, task)
            writer.save_episode(judged if task != 'rest' else None)
    return root


def test_info_tells_everything_in_80_columns(root, capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '80')
    assert info.run([str(root)]) == 0
    first, *tables = capsys.readouterr().out.splitlines()
    assert first.startswith(f'{root}: 2 episodes, 30 frames, 3.0 s at 10 fps, ')
    assert max(map(len, tables)) <= 80
    words = [line.split() for line in tables]
    assert [LONG, 'float32', '6:'] in [line[:3] for line in words]
    assert ' '.join(tables).split().count('joint_number_3.pos,') == 2
    assert ['0', '15', '1.5', '-', 'bad', 'fold', ':tea:', '[/x]'] in words
    assert ['1', '15', '1.5', '-', '-', 'rest'] in words, (
        'an episode without a record has no verdict'
    )


def test_the_filmstrip_is_written_where_it_was_asked_for(root, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    assert info.run([str(root), '--filmstrip=~/film.png']) == 0
    assert (tmp_path / 'film.png').stat().st_size > 1000
    assert capsys.readouterr().out.splitlines()[-1] == f'filmstrip: {tmp_path}/film.png'
    with pytest.raises(DatasetError, match=r'a filmstrip ends with \.png'):
        info.run([str(root), '--filmstrip=film.txt'])


def test_validate_says_valid(root, capsys):
    assert validate.run([str(root), '--decode']) == 0
    assert capsys.readouterr().out == f'{root}: valid\n'


def test_validate_counts_what_is_wrong(root, capsys):
    set_value(root, 'frame_index', 3, 7)
    assert validate.run([str(root)]) == 1
    *findings, last = capsys.readouterr().out.splitlines()
    errors = [line for line in findings if line.startswith('error: ')]
    assert errors and last == f'{root}: {len(errors)} error{"s" * (len(errors) > 1)}'


@pytest.mark.parametrize('command', [info, validate])
@pytest.mark.parametrize(
    ('arguments', 'error', 'told'),
    [
        ([], UsageError, 'name a dataset: its folder, or --dataset.repo_id'),
        (['/nope'], DatasetError, 'there is no dataset at /nope'),
        (['--dataset=foo'], ConfigError, "section dataset must be a mapping, found 'foo'"),
        (['--dataset.repo_id=../x'], ConfigError, 'must look like user/name'),
        (
            ['--dataset.episode=3'],
            UsageError,
            'unknown flag --dataset.episode; known: --dataset.r',
        ),
        (['--robot.type=x'], UsageError, 'unknown flag --robot'),
    ],
)
def test_mistakes(command, arguments, error, told):
    with pytest.raises(error, match=told):
        command.run(arguments)


def test_a_misspelt_switch_is_not_taken_for_true(root):
    with pytest.raises(UsageError, match="--decode is true or false, found 'flase'"):
        validate.run([str(root), '--decode=flase'])


def test_which_dataset(tmp_path, monkeypatch):
    (tmp_path / 'me/set').mkdir(parents=True)
    (tmp_path / 'other').mkdir()
    monkeypatch.setenv('HF_LEROBOT_HOME', str(tmp_path))
    monkeypatch.setenv('HOME', str(tmp_path))
    named = {'dataset': {'repo_id': 'me/set'}}
    assert dataset_root(named) == tmp_path / 'me/set'
    assert dataset_root({'dataset': {**named['dataset'], 'root': '~/other'}}) == tmp_path / 'other'
    assert dataset_root(named, str(tmp_path)) == tmp_path


def test_a_free_place(tmp_path):
    (tmp_path / 'empty').mkdir()
    check_free(tmp_path / 'empty')
    check_free(tmp_path / 'not there')
    (tmp_path / 'file').write_text('')
    for taken in (tmp_path, tmp_path / 'file', Path('/dev/null')):
        with pytest.raises(DatasetExistsError, match=f'{taken} exists already; .* or try'):
            check_free(taken, ' or try')
