"""What processes cost: processor time, memory and scheduling, read from /proc."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_TICKS = os.sysconf('SC_CLK_TCK')
_ROOT = Path(__file__).parents[1]
_REAL_TIME = {1: 'SCHED_FIFO', 2: 'SCHED_RR', 6: 'SCHED_DEADLINE'}


def load() -> str:
    """Return the machine's load and what its host took from it, for beside a figure."""
    fields = [int(field) for field in Path('/proc/stat').read_text().split('\n')[0].split()[1:]]
    stolen = 100 * fields[7] / sum(fields[:8])
    return f'load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {stolen:.1f} % stolen so far'


def steal_s() -> float:
    """Return the time the host has taken from this machine so far [core seconds]."""
    return int(Path('/proc/stat').read_text().split('\n')[0].split()[8]) / _TICKS


def others_s(pids: Sequence[int]) -> float:
    """Return the processor time of everything but some processes so far [core seconds]."""
    fields = [int(field) for field in Path('/proc/stat').read_text().split('\n')[0].split()[1:]]
    busy = sum(fields[at] for at in (0, 1, 2, 5, 6)) / _TICKS
    return busy - sum(cpu_s(pid) for pid in pids)


def cpu_s(pid: int) -> float:
    """Return the processor time of all threads of a process so far [s]."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mb(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process, and the part no file backs [MB]."""
    status = Path(f'/proc/{pid}/status').read_text()
    values = dict(line.split(':', 1) for line in status.splitlines())
    return tuple(int(values[key].split()[0]) / 1024 for key in ('VmRSS', 'RssAnon'))


def real_time_threads(pid: int) -> list[str]:
    """Return the threads of a process that run at a real-time priority."""
    found = []
    for task in Path(f'/proc/{pid}/task').iterdir():
        policy = os.sched_getscheduler(int(task.name))
        if policy in _REAL_TIME:
            found.append(f'{(task / "comm").read_text().strip()}: {_REAL_TIME[policy]}')
    return found


class Child:
    """A process started by a benchmark; its processor time stays known after its end.

    Args:
        arguments: the command after the interpreter's name.
        python: the interpreter.
        environment: variables to add.
        log: where its errors go; this process's own stderr by default.

    Attributes:
        peak_mb: most resident memory it ever had, known after its end [MB].
    """

    def __init__(
        self,
        arguments: Sequence[str],
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        errors = log.open('ab') if log else None
        self.process = subprocess.Popen(
            [python, *arguments],
            cwd=_ROOT,
            env={**os.environ, 'PYTHONPATH': str(_ROOT), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        self.pid = self.process.pid
        self._ended_cpu_s: float | None = None
        self.peak_mb = 0.0

    def cpu_s(self) -> float:
        """Return its processor time so far [s]."""
        if self._ended_cpu_s is None:
            self._ended_cpu_s = self._reaped()
        return cpu_s(self.pid) if self._ended_cpu_s is None else self._ended_cpu_s

    def _reaped(self) -> float | None:
        """Return the processor time of the ended process, None while it runs [s]."""
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return None
        _, status, usage = os.wait4(self.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.peak_mb = usage.ru_maxrss / 1024
        return usage.ru_utime + usage.ru_stime

    def ended(self) -> bool:
        """Return whether it has ended."""
        self.cpu_s()
        return self._ended_cpu_s is not None

    def stop(self, timeout_s: float = 30.0) -> dict[str, Any]:
        """End it; return the line of JSON it printed last, nothing if it printed none."""
        if not self.ended():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float = 600.0) -> dict[str, Any]:
        """Wait for its end; return the line of JSON it printed last, nothing if none."""
        assert self.process.stdout is not None
        printed = self.process.stdout.read().strip().splitlines()
        until = time.monotonic() + timeout_s
        while not self.ended():
            if time.monotonic() > until:
                self.process.kill()
            time.sleep(0.01)
        return json.loads(printed[-1]) if printed and printed[-1].startswith('{') else {}
