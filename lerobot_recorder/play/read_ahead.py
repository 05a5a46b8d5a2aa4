"""Messages read before they are due, in a thread, so that reading delays none."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from lerobot_drivers.common.scheduling import stay_in_background
from lerobot_recorder.messages import RawMessage

MOST_BYTES = 64 << 20
"""So much waits at most."""
MOST_MESSAGES = 2000


class ReadAhead:
    """An iterator of messages that is ahead of who asks it.

    Args:
        messages: where they come from; it is the thread's alone.

    Raises:
        Exception: whatever reading raised, when its message would be due.
    """

    def __init__(self, messages: Iterator[RawMessage]) -> None:
        self._messages = messages
        self._waiting: deque[RawMessage] = deque()
        self._size = 0
        self._error: BaseException | None = None
        self._has_ended = self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name='read ahead', daemon=True)
        self._thread.start()

    def peek(self) -> RawMessage | None:
        """Return the next message, None if there is none."""
        with self._changed:
            while not (self._waiting or self._has_ended):
                self._changed.wait()
            if self._waiting:
                return self._waiting[0]
            if self._error is not None:
                raise self._error
            return None

    def pop(self) -> None:
        """Take the next message away."""
        with self._changed:
            self._size -= len(self._waiting.popleft().data)
            self._changed.notify_all()

    def close(self) -> None:
        """Stop reading."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        stay_in_background()
        try:
            for raw in self._messages:
                if not self._add(raw):
                    break
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            self._error = error
        finally:
            close = getattr(self._messages, 'close', None)
            if close is not None:
                close()
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _add(self, raw: RawMessage) -> bool:
        with self._changed:
            while not self._is_closed and self._is_full():
                self._changed.wait()
            self._waiting.append(raw)
            self._size += len(raw.data)
            self._changed.notify_all()
            return not self._is_closed

    def _is_full(self) -> bool:
        return self._size > MOST_BYTES or len(self._waiting) >= MOST_MESSAGES
