"""Keys of the terminal, one by one, without waiting for any."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import termios
import tty
from typing import Any

_PRESSED = re.compile(rb'\x1b[\[O][0-9;]*[@-~]|.', re.DOTALL)
_UNFINISHED = re.compile(rb'\x1b([\[O][0-9;]*)?$')


class Keyboard:
    """The terminal's keys, if standard input is one."""

    def __init__(self) -> None:
        self._terminal: list[Any] | None = None
        self._unfinished = b''
        with contextlib.suppress(termios.error, ValueError, OSError):  # no keys without
            self._terminal = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin, termios.TCSANOW)

    def pressed(self) -> list[bytes]:
        """Return the keys that were pressed since the last time."""
        if self._terminal is None:
            return []
        came = b''
        while select.select([sys.stdin], [], [], 0)[0]:
            read = b''
            with contextlib.suppress(OSError):  # it has been closed
                read = os.read(sys.stdin.fileno(), 64)
            if not read:
                break
            came += read
        pressed, self._unfinished = self._unfinished + came, b''
        # An arrow key may come in pieces, and its first byte alone is the key that stops.
        if came and (unfinished := _UNFINISHED.search(pressed)):
            pressed, self._unfinished = pressed[: unfinished.start()], unfinished.group()
        return _PRESSED.findall(pressed)

    def close(self) -> None:
        """Give the terminal back as it was."""
        terminal, self._terminal = self._terminal, None
        if terminal is not None:
            with contextlib.suppress(termios.error):  # it has been closed
                termios.tcsetattr(sys.stdin, termios.TCSANOW, terminal)
