"""Fast DDS's shared memory files: who holds them, and removing what the dead left.

A process that ends cleanly removes its own; a killed one leaves some 17 MB each
time. Fast DDS 3 names them ``fastdds_*``, Fast DDS 2 ``fastrtps_*``; next to a
segment lie its lock ``<name>_el`` and, for a port, ``sem.<name>_mutex``.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

SHARED_MEMORY = Path('/dev/shm')
_PREFIXES = ('fastdds_', 'fastrtps_')


def held_segments(pid: int | str) -> set[str]:
    """Return the names of the segments that a process has mapped; none if it cannot be asked."""
    try:
        text = Path(f'/proc/{pid}/maps').read_text(errors='replace')
    except OSError:
        return set()
    paths = (line.rpartition(f' {SHARED_MEMORY}/')[2] for line in text.splitlines())
    return {name for name in paths if name.startswith(_PREFIXES) and not name.endswith(')')}


def remove_unheld(names: Iterable[str], besides: int | None = None) -> set[str]:
    """Remove those of some segments that no living process holds.

    Args:
        names: segments, as :func:`held_segments` gave them while their holders lived.
        besides: a process whose hold does not count, because it is about to end.

    Returns:
        The segments removed.
    """
    present = {name for name in names if (SHARED_MEMORY / name).exists()}
    if not present:
        return set()
    for entry in os.listdir('/proc'):
        if entry.isdigit() and entry != str(besides):
            present -= held_segments(entry)
    removed = {name for name in present if besides is not None or not _is_locked(name)}
    for name in removed:
        for file in (name, f'{name}_el', f'sem.{name}_mutex'):
            (SHARED_MEMORY / file).unlink(missing_ok=True)
    return removed


def _is_locked(name: str) -> bool:
    """Say whether someone we may not look into (another user) still listens."""
    try:
        descriptor = os.open(SHARED_MEMORY / f'{name}_el', os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
