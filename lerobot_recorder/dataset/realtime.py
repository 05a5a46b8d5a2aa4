"""Undoing real-time priority that a library gave to threads of ours.

SVT-AV1 makes its workers, and the thread that opens it, SCHED_FIFO 99 wherever it may: as root
with CAP_SYS_NICE, which is what a privileged container is. They would then stand before every
control loop of the machine.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

_TASKS = '/proc/self/task'
_LOCK = threading.Lock()


def realtime_threads() -> set[int]:
    """Return the threads of this process that run at real-time priority, by their kernel id."""
    if not os.path.isdir(_TASKS):
        return set()
    return {thread for thread in map(int, os.listdir(_TASKS)) if _is_realtime(thread)}


@contextlib.contextmanager
def no_new_realtime_threads() -> Iterator[None]:
    """Give every thread ordinary priority that became a real-time one inside this context.

    Those that were before are left alone: somebody meant it.
    """
    with _LOCK:
        before = realtime_threads()
        try:
            yield
        finally:
            for thread in realtime_threads() - before:
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


def _is_realtime(thread: int) -> bool:
    try:
        policy = os.sched_getscheduler(thread)
    except ProcessLookupError:
        return False
    return policy & ~os.SCHED_RESET_ON_FORK in (os.SCHED_FIFO, os.SCHED_RR)
