"""``lerobot-ros``: subcommands, exit codes, one line per mistake."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from lerobot_drivers import cli
from lerobot_drivers.common.errors import BusError, GraphError, UsageError


@pytest.fixture
def command(monkeypatch):
    """A subcommand ``do`` whose ``run`` the test decides on."""
    made = SimpleNamespace(HELP='do it', run=lambda arguments: 0)
    monkeypatch.setitem(sys.modules, 'cli_test_command', made)
    monkeypatch.setitem(cli.COMMANDS, 'do', ('cli_test_command', 'does it'))
    return made


def raising(error):
    def run(arguments):
        raise error

    return run


def test_without_a_command_it_tells_what_there_is(capsys):
    assert cli.main([]) == 2
    shown = capsys.readouterr().out
    assert all(f'  {name} ' in shown for name in cli.COMMANDS)
    assert cli.main(['--help']) == cli.main(['-h']) == 0


def test_a_command_gets_its_arguments_and_gives_its_exit_code(command):
    heard = []
    command.run = lambda arguments: heard.extend(arguments) or 3
    assert cli.main(['do', '--a=1', 'b']) == 3
    assert heard == ['--a=1', 'b']


@pytest.mark.parametrize('arguments', [['do', '--help'], ['do', '--a=1', '-h']])
def test_help_of_a_command_runs_nothing(command, capsys, arguments):
    command.run = raising(AssertionError('ran'))
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out == 'do it\n'


@pytest.mark.parametrize(
    ('error', 'code', 'shown'),
    [
        (BusError('no reply'), 1, 'error: no reply\n'),
        (UsageError('what?'), 2, 'error: what?\nlerobot-ros do --help tells what it takes\n'),
        (KeyboardInterrupt(), 130, 'interrupted\n'),
    ],
)
def test_a_mistake_is_told_and_gives_its_code(command, capsys, error, code, shown):
    command.run = raising(error)
    assert cli.main(['do']) == code
    assert capsys.readouterr().err == shown


def test_a_fault_of_ours_is_not_hidden(command):
    command.run = raising(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(['do'])


def test_an_unknown_command_lists_the_known_ones(capsys):
    assert cli.main(['dance']) == 2
    shown = capsys.readouterr().err
    assert "no command 'dance'; commands: record, teleoperate" in shown
    assert 'lerobot-ros --help' in shown


def test_a_missing_package_is_told_with_what_brings_it(monkeypatch, capsys):
    monkeypatch.setitem(cli.COMMANDS, 'do', ('no_such_package.commands', ''))
    assert cli.main(['do']) == 1
    shown = capsys.readouterr().err
    assert 'the Python package no_such_package is missing' in shown and shown.count('\n') == 1
    monkeypatch.setitem(cli.COMMANDS, 'do', ('lerobot_drivers.no_such', ''))
    with pytest.raises(ModuleNotFoundError):
        cli.main(['do'])


@pytest.mark.parametrize('name', sorted(cli.COMMANDS))
def test_every_command_is_there_and_helps(name, capsys):
    assert cli.main([name, '--help']) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f'usage: lerobot-ros {name}')
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize('name', sorted(cli.COMMANDS))
def test_every_command_refuses_a_flag_it_does_not_know(name, capsys):
    assert cli.main([name, '--colour=red']) == 2
    assert capsys.readouterr().err.startswith('error: unknown flag --colour; known: ')


def test_the_process_takes_its_own_arguments(command, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['lerobot-ros', 'do'])
    assert cli.main() == 0
    command.run = raising(GraphError('x'))
    assert cli.main() == 1
