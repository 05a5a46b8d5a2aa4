"""The operator's view in a terminal: one live line, keys as with ``lerobot-record``."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import termios
import tty
from collections.abc import Callable, Sequence
from typing import Any

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lerobot_drivers.common.command_line import make_console
from lerobot_recorder.commands.findings_table import findings_table
from lerobot_recorder.findings import Finding
from lerobot_recorder.recorder_status import RecorderStatus
from lerobot_recorder.session_file import RecordConfig

ESCAPE = b'\x1b'
KEYS = {
    b'\x1b[C': 'end_episode',
    b'\x1bOC': 'end_episode',
    b'n': 'end_episode',
    b'\x1b[D': 'rerecord',
    b'\x1bOD': 'rerecord',
    b'r': 'rerecord',
    ESCAPE: 'stop',
    b'q': 'stop',
}
BAR_WIDTH = 20
_PRESSED = re.compile(rb'\x1b[\[O][0-9;]*[@-~]|.', re.DOTALL)
_UNFINISHED = re.compile(rb'\x1b([\[O][0-9;]*)?$')
_STYLES = {'recording': 'bold red', 'resetting': 'yellow', 'done': 'green'}


class TerminalView:
    """Shows the recorder's status and hears keys; plain lines where there is no terminal.

    Args:
        config: what is recorded where.

    Attributes:
        check: called before each refresh; raises if a process of the graph died.
        has_reported: whether the pre-flight check was shown.
    """

    def __init__(self, config: RecordConfig) -> None:
        self.check: Callable[[], None] = lambda: None
        self.has_reported = False
        self._fps = config.dataset.fps
        self._folder = config.dataset.folder
        self._console = make_console(wraps=True)
        self._live: Live | None = None
        self._terminal: list[Any] | None = None
        self._unfinished = b''
        self._told = ''
        self._message = ''
        self._saved = 0

    def say(self, text: str, style: str | None = None) -> None:
        """Print one line above the live one."""
        # Styled as a text of its own: a style of the print would colour the live line too.
        self._console.print(Text(text, style=style or ''), soft_wrap=True)

    def show(self, status: RecorderStatus) -> None:
        """Show what the recorder is doing.

        Raises:
            GraphError: a process of the graph died.
        """
        if status.phase not in ('saving', 'done'):
            self.check()
        if status.message and status.message != self._message:
            self.say(status.message, 'green' if status.saved != self._saved else 'yellow')
        self._message, self._saved = status.message, status.saved
        if self._console.is_interactive:
            self._open().update(self._render(status), refresh=True)
        elif (line := _line(status)) != self._told:
            self._told = line
            self.say(line)

    def report(self, findings: Sequence[Finding]) -> None:
        """Print what was found out before the first episode, above the live line."""
        self._console.print(findings_table(findings))
        self.has_reported = True

    def words(self) -> list[str]:
        """Return the recorder's verbs for the keys pressed since."""
        if self._terminal is None:
            return []
        came = b''
        while select.select([sys.stdin], [], [], 0)[0]:
            read = os.read(sys.stdin.fileno(), 64)
            if not read:
                break
            came += read
        pressed, self._unfinished = self._unfinished + came, b''
        # An arrow key may come in pieces, and its first byte alone is the key that stops.
        if came and (unfinished := _UNFINISHED.search(pressed)):
            pressed, self._unfinished = pressed[: unfinished.start()], unfinished.group()
        keys = _PRESSED.findall(pressed)
        return [KEYS[key] for key in keys if key in KEYS]

    def conclude(self) -> None:
        """Say where the dataset is."""
        if self._saved:
            episodes = 'episode' if self._saved == 1 else 'episodes'
            self.say(f'{self._saved} {episodes} saved in {self._folder}')
        else:
            self.say('no episode was saved')

    def restore(self) -> None:
        """Give the terminal back as it was."""
        live, self._live = self._live, None
        terminal, self._terminal = self._terminal, None
        try:
            if live is not None:
                live.stop()
        finally:
            if terminal is not None:
                with contextlib.suppress(termios.error):  # it has been closed
                    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, terminal)

    def _open(self) -> Live:
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
            with contextlib.suppress(termios.error, ValueError, OSError):  # no keys without
                self._terminal = termios.tcgetattr(sys.stdin)
                tty.setcbreak(sys.stdin)
        return self._live

    def _render(self, status: RecorderStatus) -> Table:
        row = Table.grid(padding=(0, 2))
        for _ in range(3):
            row.add_column(no_wrap=True)
        row.add_column(ratio=1, overflow='fold')
        phase = Text(f' {status.phase.upper()} ', style=_STYLES.get(status.phase, 'cyan'))
        progress = ProgressBar(
            total=status.episode_frames, completed=status.frames, width=BAR_WIDTH
        )
        shown = '' if status.waiting_for else progress
        row.add_row(phase, _episode(status), shown, _detail(status, self._fps))
        return row


def _episode(status: RecorderStatus) -> str:
    return f'episode {min(status.accepted + 1, status.wanted)} of {status.wanted}'


def _detail(status: RecorderStatus, fps: int) -> str:
    if status.waiting_for:
        return 'waiting for ' + ', '.join(status.waiting_for)
    if status.phase == 'resetting':
        return f'{status.left_s:.0f} s to reset'
    if status.phase == 'saving':
        return _being_saved(status)
    return f'{status.frames / fps:.1f} s, {status.frames} frames'


def _being_saved(status: RecorderStatus) -> str:
    waiting = status.accepted - status.saved
    return f'{status.saved} saved, {waiting} accepted and on the way to the disk'


def _line(status: RecorderStatus) -> str:
    line = f'{status.phase}: {_episode(status)}'
    if status.phase == 'saving':
        return f'saving: {_being_saved(status)}'
    waiting = ', '.join(status.waiting_for)
    return f'{line}, waiting for {waiting}' if waiting else line
