"""Output that may go away or stand still, and takes nothing else with it.

A terminal may be closed, a pipe's reader may end; and a terminal that is held (Ctrl-S, a network
that hangs) blocks whoever writes to it, which must not be the thread that records.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TextIO

_GONE = (errno.EPIPE, errno.EIO)
BEHIND_CHARACTERS = 4096
"""With more than that unwritten, the terminal is held."""
MAX_CHARACTERS = 1 << 20
"""What may wait; what comes then is lost."""
LAST_WORDS_S = 2.0
IDLE_S = 0.5


class LastingOutput:
    """A stream that never holds up who writes, and loses what cannot be written.

    Args:
        stream: where it is written as long as somebody reads; by a thread of its own, unless
            it is no file of the system.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._texts: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._waiting = 0
        self._changed = threading.Condition()
        self._is_working = False
        try:
            self._file = stream.fileno()
            self._may_block = True
        except (OSError, AttributeError):
            self._may_block = False
            return
        self._try(stream.flush)  # what was written before comes before
        atexit.register(self.drain)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def is_behind(self) -> bool:
        """Whether so much waits that nobody seems to read."""
        return self._waiting > BEHIND_CHARACTERS

    def write(self, text: str) -> int:
        """Have a text written as soon as possible."""
        if not self._may_block:
            self._try(lambda: self._stream.write(text))
        elif self._waiting <= MAX_CHARACTERS:
            with self._changed:
                self._waiting += len(text)
                self._texts.put(text)
                if not self._is_working:
                    self._is_working = True
                    threading.Thread(target=self._work, name='terminal', daemon=True).start()
        return len(text)

    def flush(self) -> None:
        """Nothing: what is written is flushed by itself."""
        if not self._may_block:
            self._try(self._stream.flush)

    def drain(self, patience_s: float = LAST_WORDS_S) -> None:
        """Wait until all is written, but not for ever [s]."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting == 0, patience_s)

    def _work(self) -> None:
        while (text := self._next()) is not None:
            self._try(partial(self._send, text))
            with self._changed:
                self._waiting -= len(text)
                self._changed.notify_all()

    def _send(self, text: str) -> None:
        """Write past the stream: whoever is blocked there holds its lock, to the process' end."""
        encoding, errors = self._stream.encoding, self._stream.errors
        left = text.encode(encoding or 'utf-8', errors or 'replace')
        while left:
            left = left[os.write(self._file, left) :]

    def _next(self) -> str | None:
        """Return the next text; None, and the thread ends, if there is none for a while."""
        with contextlib.suppress(queue.Empty):
            return self._texts.get(timeout=IDLE_S)
        with self._changed:
            self._is_working = not self._texts.empty()
            return self._texts.get() if self._is_working else None

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            if error.errno in _GONE:
                self._leave()

    def _leave(self) -> None:
        """Let what still waits, and all that comes, go nowhere."""
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
