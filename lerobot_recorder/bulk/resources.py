"""How many processes this machine has room for."""

from __future__ import annotations

import os
from collections.abc import Callable

from lerobot_recorder.memory_guard import read_memory

EACH_BYTES = 500_000_000
"""What a process takes: 300 MB with two cameras, with room for more and larger ones."""


def most_processes(asked: int | None, say: Callable[[str], None]) -> int:
    """Return how many processes are to work: what was asked for, else what there is room for.

    Args:
        asked: ``--jobs``, None if nobody said.
        say: is told where memory, not cores, decides.
    """
    if asked is not None:
        return asked
    cores = cores_here()
    memory = read_memory()
    fitting = cores if memory is None else max(1, memory.available // EACH_BYTES)
    if fitting < cores:
        say(f'{fitting} processes on {cores} cores: memory has room for no more (--jobs)')
    return min(cores, fitting)


def cores_here() -> int:
    """Return the processor cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
