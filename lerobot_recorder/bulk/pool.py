"""Several processes that work through a list, one of which may die without harm to the others.

Python's own pools give up as a whole when one of their processes is killed. Here what it was at
is told as failed, another process takes its place, and the rest goes on. The processes stand back
behind what else the machine does, and end by themselves when whoever started them is gone, however
it died.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from lerobot_recorder.bulk import worker
from lerobot_recorder.bulk.worker import GRACE_S, Told, Work

TASKS_EACH = 50
"""A process gives way to a new one after so many: whatever leaks in a library, ends with it."""


@dataclass(frozen=True)
class Progressed:
    """A piece of work has come on.

    Attributes:
        name: which.
        done: how far.
        of: how far it will go.
    """

    name: str
    done: int
    of: int


@dataclass(frozen=True)
class Done:
    """A piece of work is done.

    Attributes:
        name: which.
        result: what came of it.
    """

    name: str
    result: Any


@dataclass(frozen=True)
class Failed:
    """A piece of work has failed.

    Attributes:
        name: which.
        why: one line.
    """

    name: str
    why: str


Event = Progressed | Done | Failed


class Crew:
    """Processes that are there for whatever is to be worked off; a context manager.

    Leaving it ends them, in the midst of their work if need be.

    Args:
        processes: how many may work at a time; each starts when there is something for it.
    """

    def __init__(self, processes: int) -> None:
        self._most = processes
        self._crew: list[_Process] = []

    def __enter__(self) -> Crew:
        """Begin; nothing is started yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes."""
        for member in self._crew:
            member.ask_to_end()
        for member in self._crew:
            member.end()
        self._crew = []

    def work_off(self, works: Sequence[Work]) -> Iterator[Event]:
        """Yield what happens while the processes do some work."""
        waiting = deque(works)
        missing = min(self._most, len(works)) - len(self._crew)
        self._crew += [_Process() for _ in range(missing)]
        for member in list(self._crew):
            self._begin(member, waiting)
        while busy := {member.line: member for member in self._crew if member.work}:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                member = busy[ready]
                yield member.hear()
                if member.work is None:
                    self._begin(member, waiting)

    def _begin(self, member: _Process, waiting: deque[Work]) -> None:
        """Let a process, or one in its place, take the next piece of work if there is one."""
        if waiting and member.is_spent:
            member.ask_to_end()
            member.end()
            self._crew[self._crew.index(member)] = member = _Process()
        if waiting:
            member.begin(waiting.popleft())


class _Process:
    """One process, and what it is at.

    It is no child of ``multiprocessing``, which would run the caller's main module in it once
    more and keep a process of its own beside it.

    Attributes:
        line: what it tells comes from here; it ends when the process does.
        work: what it is at, None if it has nothing to do.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        number = theirs.fileno()
        self._process = subprocess.Popen(
            [sys.executable, '-m', worker.__name__, str(number)],
            stdin=subprocess.PIPE,
            pass_fds=[number],
            start_new_session=True,  # Ctrl-C is for whoever started it
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))},
        )
        theirs.close()
        self.line = Connection(ours.detach())
        self._tasks = 0
        self.work: Work | None = None

    @property
    def is_spent(self) -> bool:
        """Whether it is dead, or has done enough."""
        return self._process.poll() is not None or self._tasks >= TASKS_EACH

    def begin(self, work: Work) -> None:
        """Take a piece of work."""
        self.work, self._tasks = work, self._tasks + 1
        with contextlib.suppress(OSError):  # dead: the end of its line tells
            self.line.send(work)

    def hear(self) -> Event:
        """Return what it tells, or that it is dead."""
        assert self.work is not None
        name = self.work.name
        try:
            told: Told = self.line.recv()
        except (EOFError, OSError):
            self.work = None
            return Failed(name, _death(self._process.wait()))
        if not told.is_last:
            return Progressed(name, *told.content)
        self.work = None
        return Failed(name, told.content) if told.is_failure else Done(name, told.content)

    def ask_to_end(self) -> None:
        """Let it end: at once if it has nothing to do, else without finishing its work."""
        if self.work is not None:
            self._process.terminate()
        with contextlib.suppress(OSError):
            self.line.send(None)

    def end(self) -> None:
        """Wait for its end, for some time."""
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.line.close()
        assert self._process.stdin is not None
        self._process.stdin.close()


def _death(code: int) -> str:
    """Return why a process is gone, in a line."""
    if code >= 0:
        return f'its process ended with code {code} in the midst of it'
    name = signal.Signals(-code).name if -code in {*signal.Signals} else f'signal {-code}'
    hint = {
        'SIGKILL': '; out of memory? fewer --jobs take less',
        'SIGSEGV': '; a library crashed on it',
    }.get(name, '')
    return f'its process was ended by {name}{hint}'
