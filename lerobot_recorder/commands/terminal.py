"""The operator's view in a terminal: what happens in large letters, keys as with LeRobot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO, cast

from rich.live import Live
from rich.text import Text

from lerobot_drivers.common.command_line import make_console
from lerobot_recorder.commands.findings_table import findings_table
from lerobot_recorder.commands.global_keys import GlobalKeys
from lerobot_recorder.commands.keyboard import Keyboard
from lerobot_recorder.commands.lasting_output import LastingOutput
from lerobot_recorder.commands.live_panel import line, panel
from lerobot_recorder.commands.sounds import Sounds
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
    b' ': 'start',
    b's': 'success',
    b'f': 'failure',
    b'p': 'pause',
}


class TerminalView:
    """Shows the recorder's status and hears keys; plain lines where there is no terminal.

    Args:
        config: what is recorded where.
        plays_sounds: the operator hears what begins.

    Attributes:
        check: called before each refresh; raises if a process of the graph died.
        has_reported: whether the pre-flight check was shown.
    """

    def __init__(self, config: RecordConfig, plays_sounds: bool = False) -> None:
        self.check: Callable[[], None] = lambda: None
        self.has_reported = False
        self._fps = config.dataset.fps
        self._folder = ' and '.join(map(str, config.folders))
        self._console = make_console(wraps=True)
        self._output = LastingOutput(cast(TextIO, self._console.file))
        self._console.file = cast(TextIO, self._output)
        self._live: Live | None = None
        self._keys: Keyboard | None = None
        self._told = ''
        self._message = ''
        self._saved = 0
        self._paused = False
        self._sounds = Sounds(plays_sounds and self._console.is_interactive)
        self._global_keys = GlobalKeys() if config.recorder.global_keys else None

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
        self._paused = status.paused
        self._sounds.hear(status)
        if self._console.is_interactive:
            if self._output.is_behind:
                return
            columns, lines = self._console.size
            shown = panel(status, self._fps, columns, lines)
            self._open().update(shown, refresh=True)
        elif (told := line(status)) != self._told:
            self._told = told
            self.say(told)

    def report(self, findings: Sequence[Finding]) -> None:
        """Print what was found out before the first episode, above the live line."""
        self._console.print(findings_table(findings))
        self.has_reported = True

    def words(self) -> list[str]:
        """Return the recorder's verbs for the keys pressed since."""
        words = [*self._pressed(), *(self._global_keys.words() if self._global_keys else ())]
        return ['resume' if word == 'pause' and self._paused else word for word in words]

    def conclude(self) -> None:
        """Say where the dataset is."""
        if self._saved:
            episodes = 'episode' if self._saved == 1 else 'episodes'
            self.say(f'{self._saved} {episodes} saved in {self._folder}')
        else:
            self.say('no episode was saved')
        self._output.drain()

    def restore(self) -> None:
        """Give the terminal back as it was."""
        live, self._live = self._live, None
        keys, self._keys = self._keys, None
        if self._global_keys is not None:
            self._global_keys.close()
        try:
            if live is not None:
                live.stop()
        finally:
            self._output.drain()
            if keys is not None:
                keys.close()

    def _pressed(self) -> list[str]:
        keys = self._keys.pressed() if self._keys is not None else ()
        return [KEYS[key] for key in keys if key in KEYS]

    def _open(self) -> Live:
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
            self._keys = Keyboard()
        return self._live
