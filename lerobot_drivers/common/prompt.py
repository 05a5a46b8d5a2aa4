"""Asking a person at a terminal: lines of input, waited for or looked for in between."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
from collections.abc import Iterator

from rich.console import Console

from lerobot_drivers.common.errors import UsageError

_ECHO = 3
"""Where ``tcgetattr`` has the local modes."""


class Prompt:
    """The person at the terminal.

    Args:
        console: where questions are printed.
        descriptor: where answers come from, by default standard input.
    """

    def __init__(self, console: Console, descriptor: int | None = None) -> None:
        self.console = console
        self._descriptor = descriptor
        self._typed = b''

    def say(self, text: str) -> None:
        """Print a text in one line, which the terminal breaks where it ends."""
        self.console.print(text, soft_wrap=True)

    def ask(self, question: str) -> str:
        """Print a question and return the line that is typed, without the ends' blanks.

        Raises:
            UsageError: the input has ended.
        """
        self.say(question)
        while True:
            line = self.line(within_s=None)
            if line is not None:
                return line

    def line(self, within_s: float | None) -> str | None:
        """Return a line that was typed, None if none comes in that time [s], None is for ever.

        Raises:
            UsageError: the input has ended.
        """
        if b'\n' not in self._typed and select.select([self._fd], [], [], within_s)[0]:
            read = os.read(self._fd, 1024)
            if not read:
                raise UsageError('the input has ended before all was answered; run in a terminal')
            self._typed += read
        line, newline, rest = self._typed.partition(b'\n')
        if not newline:
            return None
        self._typed = rest
        return line.decode(errors='replace').strip()

    @property
    def _fd(self) -> int:
        return sys.stdin.fileno() if self._descriptor is None else self._descriptor

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Let what is typed not appear, as it would tear what is drawn anew all the time."""
        if not os.isatty(self._fd):
            yield
            return
        before = termios.tcgetattr(self._fd)
        modes = list(before)
        modes[_ECHO] &= ~termios.ECHO
        termios.tcsetattr(self._fd, termios.TCSANOW, modes)
        try:
            yield
        finally:
            termios.tcsetattr(self._fd, termios.TCSANOW, before)
