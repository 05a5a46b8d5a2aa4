"""What a session's nodes warn of, for who sits at the terminal and reads no log."""

from __future__ import annotations

import re
from pathlib import Path

from lerobot_drivers.common.clock import NS_PER_S, Clock

QUIET_NS = 10 * NS_PER_S
"""So long the same warning of a process is not told again [ns]."""
_WARNING = re.compile(r'\[WARN\] \[[\d.]+\] \[[^\]]*\]: (.*)')
_NUMBERS = re.compile(r'\d[\d.]*')
_MOST_BYTES = 1 << 16


class LogWarnings:
    """Warnings in one log file, as rclpy writes them.

    Args:
        path: of the file; it may come later.
        clock: by which a warning that repeats itself is left out.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._read = 0
        self._told: dict[str, int] = {}

    def new(self) -> list[str]:
        """Return the warnings since the last call; one that repeats itself only now and then."""
        now_ns = self._clock.monotonic_ns()
        told = []
        for text in self._new_texts():
            kind = _NUMBERS.sub('', text)
            if now_ns - self._told.get(kind, -QUIET_NS) >= QUIET_NS:
                self._told[kind] = now_ns
                told.append(text)
        return told

    def _new_texts(self) -> list[str]:
        try:
            with self._path.open('rb') as file:
                file.seek(self._read)
                whole, newline, _ = file.read(_MOST_BYTES).rpartition(b'\n')
        except OSError:
            return []
        self._read += len(whole) + len(newline)
        return _WARNING.findall(whole.decode(errors='replace'))
