"""What the commands share: no flag is ignored, no mistake is a traceback."""

from __future__ import annotations

import math

import pytest

from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    seconds,
    section_of,
    split_positional,
    switch,
)
from lerobot_drivers.common.errors import ConfigError, UsageError

KNOWN = ('robot', 'dataset', 'resume')


@pytest.fixture
def session(tmp_path):
    path = tmp_path / 'session.yaml'
    path.write_text(
        'robot: {type: so101_follower, port: a, cameras: {front: {fps: 30}}}\n'
        'dataset: {repo_id: me/set}\nteleop: {type: so101_leader}\n'
    )
    return path


@pytest.fixture
def robot_file(tmp_path):
    path = tmp_path / 'robot.yaml'
    path.write_text('type: so100_follower\nport: b\n')
    return path


def test_flags_go_over_the_robots_file_and_that_over_the_sessions(session, robot_file):
    found = read_sections(
        [f'--config_path={session}', f'--robot.config_path={robot_file}', '--robot.port', 'c'],
        KNOWN,
    )
    assert found['robot'] == {
        'type': 'so100_follower',
        'port': 'c',
        'cameras': {'front': {'fps': 30}},
    }
    assert found['dataset'] == {'repo_id': 'me/set'}
    assert found['teleop'] == {'type': 'so101_leader'}, 'another command may want it'
    assert 'config_path' not in found


def test_a_robots_file_may_have_a_section(session):
    found = read_sections([f'--robot.config_path={session}'], KNOWN)
    assert found == {'robot': {**found['robot'], 'port': 'a'}}


def test_cameras_of_a_file_can_be_taken_away(session):
    found = read_sections([f'--config_path={session}', '--robot.cameras={}'], KNOWN)
    assert found['robot']['cameras'] == {} and found['robot']['port'] == 'a'


def test_cameras_as_lerobot_spells_them():
    text = '{front: {type: opencv, index_or_path: /dev/video0, width: 640}}'
    found = read_sections([f'--robot.cameras={text}'], KNOWN)
    assert found['robot']['cameras']['front']['index_or_path'] == '/dev/video0'


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (['--teleop.type=x'], '^unknown flag --teleop; known: --config_path, --robot, --dataset'),
        (['--robto.port=x'], r'^unknown flag --robto \(did you mean --robot\?\); known'),
        (
            ['--dataset.epsiode=3'],
            r'^unknown flag --dataset.epsiode \(did you mean --dataset.episode\?\); known: --d',
        ),
    ],
)
def test_a_flag_nobody_would_read_is_an_error(arguments, told):
    with pytest.raises(UsageError, match=told):
        read_sections(arguments, KNOWN, {'dataset': ('episode',)})


def test_keys_of_a_file_may_be_another_commands(session):
    found = read_sections([f'--config_path={session}'], KNOWN, {'dataset': ('episode',)})
    assert found['dataset'] == {'repo_id': 'me/set'}


def test_a_section_nobody_knows_is_an_error(tmp_path):
    path = tmp_path / 'a.yaml'
    path.write_text('robto: {}\n')
    with pytest.raises(
        ConfigError,
        match=r'robto is not a known section \(did you mean robot\?\); known: ',
    ):
        read_sections([f'--config_path={path}'], KNOWN)


def test_files_that_are_not_there(tmp_path):
    for flag in ('config_path', 'robot.config_path'):
        with pytest.raises(ConfigError, match=r'cannot read configuration .*nope'):
            read_sections([f'--{flag}={tmp_path}/nope.yaml'], KNOWN)


def test_a_robots_section_that_is_none(tmp_path):
    path = tmp_path / 'a.yaml'
    path.write_text('robot: so101\n')
    with pytest.raises(ConfigError, match="section robot must be a mapping, found 'so101'"):
        read_sections([f'--robot.config_path={path}'], KNOWN)


def test_home_is_where_the_user_lives(tmp_path, monkeypatch, session):
    monkeypatch.setenv('HOME', str(session.parent))
    assert 'robot' in read_sections(['--config_path=~/session.yaml'], KNOWN)


def test_a_section():
    assert section_of({'a': {'b': 1}}, 'a') == {'b': 1}
    assert section_of({}, 'a') == section_of({'a': None}, 'a') == {}
    with pytest.raises(ConfigError, match="section a must be a mapping, found 'x'"):
        section_of({'a': 'x'}, 'a')


def test_a_switch():
    assert switch({'a': True}, 'a') is True
    assert switch({'a': False}, 'a', True) is False
    assert switch({}, 'a', True) is True
    for value in ('flase', 0, None):
        with pytest.raises(UsageError, match='--a is true or false, found'):
            switch({'a': value}, 'a')


def test_seconds():
    assert seconds({'t': 2}, 't') == 2.0
    assert seconds({'t': 0.0}, 't') == 0.0
    assert seconds({}, 't') is None
    for value in ('soon', True, math.nan, math.inf, -1, [1]):
        with pytest.raises(UsageError, match='--t is a number of seconds, found'):
            seconds({'t': value}, 't')


def test_the_word_without_a_flag():
    assert split_positional(['bag', '--a=1']) == ('bag', ['--a=1'])
    assert split_positional(['--a=1', 'bag']) == (None, ['--a=1', 'bag'])
    assert split_positional([]) == (None, [])


def test_what_a_user_named_is_printed_as_it_is(capsys):
    path = '/data/[red]/:smile:/[/x] ' + 'long/' * 40
    make_console().print(path)
    assert capsys.readouterr().out == path + '\n'
