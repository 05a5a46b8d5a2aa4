"""The player in a terminal: where it is, in one line, and keys that steer it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console

from lerobot_recorder.commands.keyboard import Keyboard
from lerobot_recorder.play.player import Player

SKIP_S = 5.0
FASTER = 1.1
STOPS = (b'q', b'\x1b')


def _on(player: Player) -> None:
    (player.next if player.is_paused else lambda: player.skip(SKIP_S))()


KEYS: dict[bytes, Callable[[Player], object]] = {
    b' ': Player.toggle,
    b'p': Player.toggle,
    b'n': Player.next,
    **dict.fromkeys((b'\x1b[C', b'\x1bOC'), _on),
    **dict.fromkeys((b'\x1b[D', b'\x1bOD'), lambda player: player.skip(-SKIP_S)),
    **dict.fromkeys((b'\x1b[A', b'\x1bOA'), lambda player: player.change_rate(FASTER)),
    **dict.fromkeys((b'\x1b[B', b'\x1bOB'), lambda player: player.change_rate(1 / FASTER)),
}


class TerminalPlayView:
    """Shows the player and hears keys; where there is no terminal, a line for each segment."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._keys: Keyboard | None = None
        self._told = ''
        self._width = 0

    def say(self, line: str) -> None:
        """Tell something."""
        self._clear()
        self._console.print(line, soft_wrap=True)

    def show(self, player: Player) -> None:
        """Show where it is."""
        if not self._console.is_terminal:
            if (told := player.segment.name) != self._told:
                self._told = told
                self.say(f'playing {told}, {player.position_s[1]:.1f} s')
            return
        if self._keys is None:
            self._keys = Keyboard()
            self.say('space pauses; arrows: next or 5 s on, 5 s back, faster, slower; q ends')
        at_s, of_s = player.position_s
        state = 'paused ' if player.is_paused else 'playing'
        line = f'{state} {player.segment.name}  {at_s:7.2f} of {of_s:.2f} s  x{player.rate:.2f}'
        sys.stdout.write('\r' + line.ljust(self._width))
        sys.stdout.flush()
        self._width = len(line)

    def obey(self, player: Player) -> bool:
        """Do what the keys say that were pressed; return whether they say to end."""
        for key in self._keys.pressed() if self._keys else ():
            if key in STOPS:
                return True
            if key in KEYS:
                KEYS[key](player)
        return False

    def close(self, line: str) -> None:
        """Give the terminal back, and say a last line."""
        if self._keys is not None:
            self._keys.close()
            self._keys = None
        self._clear()
        if line:
            self._console.print(line, soft_wrap=True)

    def _clear(self) -> None:
        if self._width:
            sys.stdout.write('\r' + ' ' * self._width + '\r')
            sys.stdout.flush()
            self._width = 0
