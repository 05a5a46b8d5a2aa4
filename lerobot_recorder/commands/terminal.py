"""The operator's view in a terminal: one live line, keys as with ``lerobot-record``."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lerobot_recorder.recorder import RecorderStatus
from lerobot_recorder.session_file import RecordConfig

KEYS = {
    b'\x1b[C': 'end_episode',
    b'n': 'end_episode',
    b'\x1b[D': 'rerecord',
    b'r': 'rerecord',
    b'\x1b': 'stop',
    b'q': 'stop',
}
_STYLES = {'recording': 'bold red', 'resetting': 'yellow', 'done': 'green'}


class TerminalView:
    """Shows the recorder's status and hears keys; plain lines where there is no terminal.

    Args:
        config: what is recorded where.

    Attributes:
        check: called before each refresh; raises if a process of the graph died.
    """

    def __init__(self, config: RecordConfig) -> None:
        self.check: Callable[[], None] = lambda: None
        self._fps = config.dataset.fps
        self._console = Console(highlight=False)
        self._live: Live | None = None
        self._terminal: list[Any] | None = None
        self._told = ''
        self._message = ''
        self._saved = 0

    def say(self, text: str) -> None:
        """Print one line above the live one."""
        self._console.print(text, soft_wrap=True)

    def show(self, status: RecorderStatus) -> None:
        """Show what the recorder is doing.

        Raises:
            GraphError: a process of the graph died.
        """
        if status.phase != 'done':
            self.check()
        self._saved = status.saved
        if status.message and status.message != self._message:
            self.say(f'[green]{escape(status.message)}[/green]')
        self._message = status.message
        if self._console.is_terminal:
            self._open()
            assert self._live is not None
            self._live.update(self._render(status), refresh=True)
        elif (line := _line(status)) != self._told:
            self._told = line
            self.say(line)

    def words(self) -> list[str]:
        """Return the recorder's verbs for the keys pressed since."""
        if self._terminal is None:
            return []
        pressed = b''
        while select.select([sys.stdin], [], [], 0)[0]:
            read = os.read(sys.stdin.fileno(), 64)
            if not read:
                break
            pressed += read
        return [verb for key, verb in _split_keys(pressed)]

    def close(self, config: RecordConfig) -> None:
        """Give the terminal back and say where the dataset is."""
        self.restore()
        if self._saved:
            episodes = 'episode' if self._saved == 1 else 'episodes'
            self.say(f'{self._saved} {episodes} saved in {config.dataset.folder}')
        else:
            self.say('no episode was saved')

    def restore(self) -> None:
        """Give the terminal back as it was."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._terminal is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._terminal)
            self._terminal = None

    def _open(self) -> None:
        if self._live is not None:
            return
        self._live = Live(console=self._console, auto_refresh=False)
        self._live.start()
        with contextlib.suppress(termios.error, ValueError, OSError):
            self._terminal = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)

    def _render(self, status: RecorderStatus) -> Table:
        row = Table.grid(padding=(0, 2))
        phase = Text(f' {status.phase.upper()} ', style=_STYLES.get(status.phase, 'cyan'))
        episode = f'episode {min(status.saved + 1, status.wanted)} of {status.wanted}'
        progress = ProgressBar(total=status.episode_frames, completed=status.frames, width=30)
        row.add_row(phase, episode, progress, _detail(status, self._fps))
        return row


def _split_keys(pressed: bytes) -> list[tuple[bytes, str]]:
    found = []
    while pressed:
        key = next((key for key in KEYS if pressed.startswith(key)), None)
        if key is not None:
            found.append((key, KEYS[key]))
        pressed = pressed[len(key) if key else 1 :]
    return found


def _detail(status: RecorderStatus, fps: int) -> str:
    if status.waiting_for:
        return 'waiting for ' + ', '.join(status.waiting_for)
    if status.phase == 'resetting':
        return f'{status.left_s:.0f} s to reset'
    return f'{status.frames / fps:.1f} s, {status.frames} frames'


def _line(status: RecorderStatus) -> str:
    number = min(status.saved + 1, status.wanted)
    line = f'{status.phase}: episode {number} of {status.wanted}'
    waiting = ', '.join(status.waiting_for)
    return f'{line}, waiting for {waiting}' if waiting else line
