"""How much memory is left to the recorder, and when that is too little.

Available is what the kernel says it can give without swapping, or what the control group (a
container) leaves, whichever is less. Own is what this process holds.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lerobot_recorder.resource_guard import Shortage

MB = 1 << 20
FLOOR_BYTES = 500 * MB
FLOOR_SHARE = 0.05
"""So much has to be left of the machine's memory: the smaller of both."""
OWN_SHARE = 0.75
"""So much of what is available as the session begins the recorder may take by default."""
WARN_SHARE = 0.8
_GROUP = Path('/sys/fs/cgroup')
_V2 = ('memory.max', 'memory.current', 'inactive_file')
_V1 = ('memory/memory.limit_in_bytes', 'memory/memory.usage_in_bytes', 'total_inactive_file')


@dataclass(frozen=True)
class Memory:
    """What there is at a moment [bytes].

    Attributes:
        total: of the machine.
        available: what can still be had.
        own: what this process holds.
    """

    total: int
    available: int
    own: int


ReadMemory = Callable[[], Memory | None]


class MemoryGuard:
    """Tells of a shortage of memory; a check of a ``ResourceGuard``.

    Args:
        limit_bytes: what the process may hold; None for a share of what is available now.
        read: reads what there is, None where nobody tells.
        give_back: asks the allocator to give back what is free.
    """

    def __init__(
        self,
        limit_bytes: int | None = None,
        read: ReadMemory | None = None,
        give_back: Callable[[], None] | None = None,
    ) -> None:
        self._read = read or read_memory
        self._give_back = give_back or trim
        now = self._read()
        share = round(now.available * OWN_SHARE) + now.own if now is not None else 0
        self._limit = share if limit_bytes is None else limit_bytes

    def __call__(self) -> Shortage | None:
        """Return the shortage if there is one."""
        memory = self._read()
        if memory is None:
            return None
        floor = min(FLOOR_BYTES, round(memory.total * FLOOR_SHARE))
        if memory.own > self._limit or memory.available < floor:
            self._give_back()
            memory = self._read() or memory
        if memory.available < 2 * floor:
            line = (
                f'memory: {memory.available // MB} MB are left of this machine, the recorder '
                f'needs {floor // MB}: end other programs'
            )
            return Shortage(line, memory.available < floor)
        if memory.own > self._limit * WARN_SHARE:
            line = (
                f'memory: the recorder holds {memory.own // MB} of the {self._limit // MB} MB '
                'it may (--recorder.memory_limit_mb)'
            )
            return Shortage(line, memory.own > self._limit)
        return None


def read_memory(proc: Path = Path('/proc'), group: Path = _GROUP) -> Memory | None:
    """Return what there is, None where the kernel does not tell.

    Args:
        proc: where the kernel tells of processes.
        group: where it tells of control groups.
    """
    try:
        words = [line.split() for line in (proc / 'meminfo').read_text('ascii').splitlines()]
        told = {name: int(number) for name, number, *_ in words}
        own = resident_bytes(proc)
        total, available = told['MemTotal:'] * 1024, told['MemAvailable:'] * 1024
    except (OSError, ValueError, IndexError, KeyError):
        return None
    groups = _groups(proc, group)
    left = [left for folder in groups if (left := _left(folder, total)) is not None]
    return Memory(total, min([available, *left]), own)


def resident_bytes(proc: Path = Path('/proc')) -> int:
    """Return the memory of this process [bytes].

    Raises:
        OSError, ValueError, IndexError: the kernel does not tell.
    """
    pages = int((proc / 'self/statm').read_text(encoding='ascii').split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE')


def trim() -> None:
    """Give back to the kernel what the allocator keeps for later; glibc only."""
    release = getattr(ctypes.CDLL(None), 'malloc_trim', None)
    if release is not None:
        release(0)


def _groups(proc: Path, group: Path) -> list[Path]:
    """Return the folders of this process's control group and of those around it."""
    try:
        lines = (proc / 'self/cgroup').read_text(encoding='utf-8').splitlines()
    except OSError:
        return [group]
    paths = [line.partition('::')[2] for line in lines if line.startswith('0::')]
    inner = group / (paths[0].strip('/') if paths else '')
    return [inner, *(parent for parent in inner.parents if parent.is_relative_to(group))]


def _left(folder: Path, total: int) -> int | None:
    """Return what a control group leaves; its file cache counts as free, None for no limit."""
    for limit_name, used_name, cache_name in (_V2, _V1):
        try:
            limit = int((folder / limit_name).read_text(encoding='ascii'))
            if limit >= total:
                continue
            used = int((folder / used_name).read_text(encoding='ascii'))
            stat = (folder / used_name).with_name('memory.stat').read_text(encoding='ascii')
        except (OSError, ValueError):  # there is none, or its limit is "max"
            continue
        facts = dict(line.split() for line in stat.splitlines())
        return max(limit - used + int(facts.get(cache_name, 0)), 0)
    return None
