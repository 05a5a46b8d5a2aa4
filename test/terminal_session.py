"""A command in a pseudo-terminal, as a person sees and answers it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time

_ESCAPES = re.compile(rb'\x1b\[[0-9;?]*[A-Za-z]')
PATIENCE_S = 60.0
_START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from lerobot_drivers.cli import main
sys.exit(main())
"""
"""What a shell starts in the background ignores Ctrl-C, and so would what it starts."""


class TerminalSession:
    """``lerobot-ros`` with the arguments given; use it as a context manager.

    Args:
        arguments: the command line.
        before: Python that the command's process runs first.
        environment: added to ours.
    """

    def __init__(self, *arguments, before='', environment=None):
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, '-c', f'{before}\n{_START}', *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, 'COLUMNS': '120', 'TERM': 'xterm', **(environment or {})},
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ''
        self._seen = 0
        # All the time, as a terminal does: else the command would wait for us to read.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, text):
        """Return what was shown since, up to a text; what was waited for is behind us then."""
        end = time.monotonic() + PATIENCE_S
        while (found := self.shown.find(text, self._seen)) < 0:
            going = self._reader.is_alive() and time.monotonic() < end
            assert going or text in self.shown[self._seen :], f'no {text!r} in {self.shown}'
            time.sleep(0.01)
        before, self._seen = self.shown[self._seen : found], found + len(text)
        return before

    def type(self, line=''):
        """Type a line and ENTER."""
        os.write(self._master, line.encode() + b'\n')

    def interrupt(self):
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self):
        """Wait until it has ended; return its exit code."""
        code = self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def _read(self):
        while True:
            try:
                came = os.read(self._master, 65536)
            except OSError:
                return
            shown = _ESCAPES.sub(b'', came).decode(errors='replace')
            self.shown += shown.replace('\r\n', '\n')

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(PATIENCE_S)
        os.close(self._master)
