"""The operator's view on a pseudo-terminal: keys, the live line, and the terminal given back."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
import termios
from collections.abc import Iterator

import pytest

from lerobot_drivers.common.command_line import make_console
from lerobot_drivers.common.errors import GraphError
from lerobot_recorder.commands import terminal
from lerobot_recorder.commands.terminal import TerminalView
from lerobot_recorder.recorder_status import RecorderStatus
from lerobot_recorder.session_file import record_config

CONFIG = record_config({'dataset': {'repo_id': 'me/set', 'single_task': 'fold'}}, 'test')
LONG = ('/follower/left_wrist_camera/image_raw', '/follower/joint_states')


def status(phase='recording', **more):
    values = {
        'phase': phase, 'saved': 0, 'wanted': 50, 'frames': 45, 'episode_frames': 1800,
        'waiting_for': (), 'left_s': 0.0, 'task': 'fold', 'message': '',
    }  # fmt: skip
    return RecorderStatus(**{'accepted': more.get('saved', 0)} | values | more)


class Pty:
    """A terminal of 80 columns: the test is its keyboard and its screen."""

    def __init__(self, monkeypatch):
        self.keyboard, self.terminal = pty.openpty()
        self.stdin = os.fdopen(self.terminal, 'r')
        self.screen = io.StringIO()
        self.screen.isatty = lambda: True
        monkeypatch.setattr(sys, 'stdin', self.stdin)
        monkeypatch.setattr(terminal, 'make_console', self._console)
        monkeypatch.setenv('TERM', 'xterm')
        monkeypatch.setenv('COLUMNS', '80')
        monkeypatch.setenv('LINES', '24')
        for name in ('NO_COLOR', 'FORCE_COLOR', 'TTY_COMPATIBLE'):
            monkeypatch.delenv(name, raising=False)

    def _console(self, **more):
        # Looked at when it is made, and pytest has a stdout of its own for each phase.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, 'stdout', self.screen)
            console = make_console(**more)
        console.file = self.screen
        return console

    def modes(self):
        return termios.tcgetattr(self.terminal)

    def press(self, keys: bytes):
        os.write(self.keyboard, keys)

    def shown(self) -> list[str]:
        text = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', self.screen.getvalue())
        return [line.rstrip() for line in text.replace('\r', '\n').split('\n')]


@pytest.fixture
def tty_(monkeypatch) -> Iterator[Pty]:
    made = Pty(monkeypatch)
    yield made
    made.stdin.close()
    os.close(made.keyboard)


@pytest.fixture
def view(tty_) -> Iterator[TerminalView]:
    made = TerminalView(CONFIG)
    made.show(status())
    yield made
    made.restore()


@pytest.mark.parametrize(
    ('keys', 'words'),
    [
        (b'n', ['end_episode']),
        (b'\x1b[C', ['end_episode']),
        (b'\x1bOC', ['end_episode']),
        (b'r', ['rerecord']),
        (b'\x1b[D', ['rerecord']),
        (b'\x1bOD', ['rerecord']),
        (b'q', ['stop']),
        (b'\x1b[C\x1b[D', ['end_episode', 'rerecord']),
        (b'\x1b\x1b[C', ['stop', 'end_episode']),
        (b'xyz\n', []),
        (b' sf', ['start', 'success', 'failure']),
        (b'p', ['pause']),
        (b'', []),
    ],
)
def test_keys(view, tty_, keys, words):
    tty_.press(keys)
    assert view.words() == words
    assert view.words() == []


@pytest.mark.parametrize(
    'key', [b'\x1b[A', b'\x1b[B', b'\x1b[3~', b'\x1b[1;5C', b'\x1bOP', b'\x1b[H']
)
def test_other_keys_of_a_keyboard_do_not_stop_the_recording(view, tty_, key):
    tty_.press(key)
    assert view.words() == view.words() == []


@pytest.mark.parametrize('at', [1, 2])
def test_an_arrow_key_that_comes_in_pieces_is_still_that_key(view, tty_, at):
    tty_.press(b'\x1b[C'[:at])
    assert view.words() == []
    tty_.press(b'\x1b[C'[at:])
    assert view.words() == ['end_episode']


def test_the_key_esc_alone_stops_a_moment_later(view, tty_):
    tty_.press(b'\x1b')
    assert view.words() + view.words() == ['stop']
    assert view.words() == []


def test_keys_are_heard_without_return_and_ctrl_c_stays_a_signal(view, tty_):
    local = tty_.modes()[3]
    assert not local & termios.ICANON and not local & termios.ECHO
    assert local & termios.ISIG


def test_the_terminal_is_given_back(tty_):
    before = tty_.modes()
    view = TerminalView(CONFIG)
    assert tty_.modes() == before, 'changed before there is anything to show'
    view.show(status())
    assert tty_.modes() != before
    view.restore()
    assert tty_.modes() == before
    view.restore()
    assert tty_.modes() == before
    assert view.words() == []


def test_the_terminal_is_given_back_even_if_the_live_line_cannot_be_ended(tty_):
    before = tty_.modes()
    view = TerminalView(CONFIG)
    view.show(status())
    view._live.stop, stop = lambda: 1 / 0, view._live.stop
    with pytest.raises(ZeroDivisionError):
        view.restore()
    stop()
    assert tty_.modes() == before


def test_a_terminal_that_is_gone_is_no_error(tty_, monkeypatch):
    view = TerminalView(CONFIG)
    view.show(status())
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, 'stdin', nothing)
        view.restore()


def test_a_terminal_of_another_encoding_ends_nothing(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(written, 'ascii', write_through=True))
    view = TerminalView(CONFIG)
    view.show(status(message='the next episode: räum auf'))
    assert b'r?um auf' in written.getvalue()


def test_a_terminal_that_is_closed_ends_nothing(monkeypatch):
    keyboard, screen = pty.openpty()
    with os.fdopen(screen, 'r+b', 0) as both:
        stream = io.TextIOWrapper(both, write_through=True)
        monkeypatch.setattr(sys, 'stdin', stream)
        monkeypatch.setattr(sys, 'stdout', stream)
        monkeypatch.setenv('TERM', 'xterm')
        view = TerminalView(CONFIG)
        view.show(status())
        os.close(keyboard)
        view.show(status(frames=90, message='still here'))
        assert view.words() == []
        view.say('done')
        view.restore()
        view.conclude()


def test_a_pipe_whose_reader_has_ended_ends_nothing(monkeypatch):
    reader, writer = os.pipe()
    with os.fdopen(writer, 'w', buffering=1) as stream:
        monkeypatch.setattr(sys, 'stdout', stream)
        view = TerminalView(CONFIG)
        os.close(reader)
        for phase in ('recording', 'saving', 'done'):
            view.show(status(phase))
        view.conclude()


def test_a_process_that_died_is_told_while_it_matters(view):
    def died():
        raise GraphError('arm died')

    view.check = died
    with pytest.raises(GraphError, match='arm died'):
        view.show(status())
    view.show(status('done'))


def test_the_live_line_fits_into_80_columns(view, tty_):
    view.show(status('recording', saved=7, frames=1234))
    (line,) = [line for line in tty_.shown() if 'RECORDING' in line and '1234' in line]
    assert 'episode 8 of 50' in line and line.endswith('41.1 s, 1234 frames')
    assert max(map(len, tty_.shown())) <= 80


def test_a_narrow_terminal_shows_what_counts(tty_, monkeypatch):
    monkeypatch.setenv('COLUMNS', '40')
    view = TerminalView(CONFIG)
    view.show(status(saved=3))
    shown = '\n'.join(tty_.shown())
    view.restore()
    assert 'RECORDING' in shown and 'episode 4 of 50' in shown and '1.5 s' in shown, shown


def test_what_it_waits_for_is_readable_in_80_columns(view, tty_):
    before = len(tty_.shown())
    view.show(status('preparing', frames=0, waiting_for=LONG))
    lines = tty_.shown()[before:]
    assert max(map(len, lines)) <= 80
    (first,) = [line for line in lines if 'PREPARING' in line]
    assert 'episode 1 of 50' in first
    words = ' '.join(lines).split()
    assert '/follower/left_wrist_camera/image_raw,' in words and LONG[1] in words


def test_the_reset_counts_down(view, tty_):
    view.show(status('resetting', left_s=41.6))
    assert any(line.endswith('42 s to reset') for line in tty_.shown())


def test_messages_are_told_once_each_and_stay(view, tty_):
    for message, saved in (('episode 0 saved', 1), ('episode dropped', 1), ('episode 1 saved', 2)):
        view.show(status(saved=saved, message=message))
        view.show(status(saved=saved, message=message))
    assert '\x1b[32mepisode 0 saved\x1b[0m' in tty_.screen.getvalue()
    assert '\x1b[32mepisode 2 of' not in tty_.screen.getvalue(), 'the live line is coloured too'
    shown = '\n'.join(tty_.shown())
    assert [shown.count(m) for m in ('episode 0 saved', 'dropped', 'episode 1 saved')] == [1, 1, 1]


@pytest.mark.parametrize(
    ('saved', 'told'),
    [(0, 'no episode was saved'), (1, '1 episode saved in '), (2, '2 episodes saved in ')],
)
def test_at_the_end_it_says_where_the_dataset_is(capsys, saved, told):
    view = TerminalView(CONFIG)
    view.show(status('done', saved=saved, message='x' if saved else ''))
    view.conclude()
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(told)
    assert not saved or last.endswith('lerobot/me/set')


def test_without_a_terminal_each_change_is_one_line(capsys):
    view = TerminalView(CONFIG)
    for frames in range(3):
        view.show(status('preparing', frames=frames, waiting_for=LONG))
    view.show(status('recording', saved=1, message='episode 0 saved: [b] /x'))
    view.show(status('recording', saved=50))
    assert capsys.readouterr().out.splitlines() == [
        f'preparing: episode 1 of 50, waiting for {", ".join(LONG)}',
        'episode 0 saved: [b] /x',
        'recording: episode 2 of 50',
        'recording: episode 50 of 50',
    ]
    assert view.words() == []


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(tty_, monkeypatch):
    monkeypatch.setenv('TERM', 'dumb')
    view = TerminalView(CONFIG)
    view.show(status())
    assert tty_.shown()[0] == 'recording: episode 1 of 50'


def test_a_screen_without_a_keyboard_works(tty_, monkeypatch):
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, 'stdin', nothing)
        view = TerminalView(CONFIG)
        view.show(status())
        assert view.words() == []
        view.restore()
    assert any('RECORDING' in line for line in tty_.shown())
