"""Starts the processes of a graph, watches them and leaves nothing behind.

Names are strings, so nothing is imported across layers. Every child runs in a
session of its own: Ctrl-C at the terminal reaches the supervisor alone, which
stops the children in order.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType

import lerobot_drivers
from lerobot_drivers.common.clock import NS_PER_S, Clock, SystemClock
from lerobot_drivers.common.errors import GraphError
from lerobot_drivers.common.log_warnings import LogWarnings
from lerobot_drivers.common.processes import stop_signals
from lerobot_drivers.common.shared_memory import held_segments, remove_unheld

_POLL_S = 0.02
_TERM_TIMEOUT_S = 2.0
_SNAPSHOT_NS = 2 * NS_PER_S
_TAIL_BYTES = 8192
_GATHER_S = 0.5
"""Devices that fail to connect do so at about the same time, and are told together [s]."""
_STARTUP_S = 10.0
"""So long after the start they fail one after the other: a busy machine starts slowly [s]."""


@dataclass(frozen=True)
class ProcessSpec:
    """A process of the graph, run as ``python -m module --ros-args ...``.

    Attributes:
        name: its name to the user and its log files.
        module: the Python module.
        namespace: ROS namespace, '' for the root.
        parameters: ROS parameters (str, bool, int, float or lists of one of them).
        remappings: topic or service -> its name in this graph.
        env: environment variables besides the supervisor's own.
        arguments: command line before ``--ros-args``.
        stop_timeout_s: time after SIGINT before SIGTERM [s].
        node: name of its node, if that is another.
        is_vital: the session cannot go on without it.
    """

    name: str
    module: str
    namespace: str = ''
    parameters: Mapping[str, object] = field(default_factory=dict)
    remappings: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    stop_timeout_s: float = 5.0
    node: str = ''
    is_vital: bool = True

    def command(self) -> list[str]:
        """Return the command line that runs it."""
        ros = ['--ros-args', '-r', f'__node:={self.node or self.name}']
        if self.namespace:
            ros += ['-r', f'__ns:=/{self.namespace.strip("/")}']
        for key, value in self.parameters.items():
            # JSON is YAML with every string quoted: "on" and "1e3" stay strings.
            ros += ['-p', f'{key}:={json.dumps(value)}']
        for old, new in self.remappings.items():
            ros += ['-r', f'{old}:={new}']
        child = [sys.executable, '-m', 'lerobot_drivers.common.child', self.module]
        return [*child, *self.arguments, *ros]


@dataclass(frozen=True)
class Death:
    """A process that ended without being asked to.

    Attributes:
        name: which one.
        returncode: its exit code, negative for the signal that killed it.
        last_line: the last line it wrote to stderr.
        log: the file with all of them.
        is_vital: the session ends without it.
    """

    name: str
    returncode: int
    last_line: str
    log: Path
    is_vital: bool = True

    def __str__(self) -> str:
        if self.returncode < 0:
            how = f'was killed by {signal.Signals(-self.returncode).name}'
        else:
            how = f'ended with exit code {self.returncode}'
        return f'{self.name} {how}: {self.last_line or "no message"} (log: {self.log})'


class Supervisor:
    """The processes of one session; a context manager that starts and stops them.

    Args:
        specs: in the order of start; they are stopped in the reverse order.
        log_dir: folder for ``<name>.log`` (stderr) and ``<name>.out.log`` (stdout).
        clock: for time-outs.
        say: hears of a process that ended and was not vital, and what vital ones warn of.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        log_dir: Path,
        clock: Clock | None = None,
        say: Callable[[str], object] = lambda _line: None,
    ) -> None:
        names = [spec.name for spec in specs]
        if len(set(names)) != len(names):
            raise GraphError(f'process names must differ, found {", ".join(names)}')
        self.log_dir = log_dir
        self._specs = tuple(specs)
        self._vital = {spec.name for spec in specs if spec.is_vital}
        self._say = say
        self._clock = clock or SystemClock()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._segments: set[str] = set()
        self._next_snapshot_ns = 0
        self._started_ns = 0
        self._warnings = {
            name: LogWarnings(self.log_path(name), self._clock) for name in self._vital
        }

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def running(self) -> dict[str, int]:
        """The names of the running processes and their process ids."""
        return {name: process.pid for name, process in self._running.items()}

    def start(self) -> None:
        """Start every process, in order; if one cannot be started, none stays.

        Raises:
            GraphError: one could not be started.
        """
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self._started_ns = self._clock.monotonic_ns()
        for spec in self._specs:
            try:
                self._running[spec.name] = self._spawn(spec)
            except OSError as error:
                self.stop()
                raise GraphError(f'{spec.name} cannot be started: {error}') from error

    def poll(self) -> list[Death]:
        """Return the processes that ended since the last call, without being asked to.

        Of those that are not vital the user is told, no more, and of what the others warn.
        """
        self._snapshot()
        for name, warnings in self._warnings.items():
            for text in warnings.new():
                self._say(f'{name}: {text}')
        ended = [name for name, process in self._running.items() if _has_ended(process)]
        deaths = [self._death(name, self._bury(name)) for name in ended]
        for death in deaths:
            if death.name not in self._vital:
                self._say(f'{death}; the session goes on without it')
        return [death for death in deaths if death.name in self._vital]

    def check(self) -> None:
        """Raise if a process has ended that the session needs.

        Raises:
            GraphError: says which one, how, and its last line.
        """
        if deaths := self._gathered():
            raise GraphError('; '.join(str(death) for death in deaths))

    def run(self, until: Callable[[], bool] = lambda: False) -> list[Death]:
        """Start, wait, stop. For the main thread.

        Waits until a process ends, ``until`` says so, or SIGINT, SIGTERM or SIGHUP comes;
        further signals do not disturb the stop.

        Args:
            until: asked ten times a second.

        Returns:
            The processes that ended by themselves.
        """
        with _stop_event() as stop, self:
            deaths: list[Death] = []
            while not (deaths or stop.is_set() or until()):
                stop.wait(0.1)
                deaths = self._gathered()
            return deaths

    def _gathered(self) -> list[Death]:
        """Return who has ended; if one failed, also who fails right after it."""
        deaths = self.poll()
        if any(death.returncode for death in deaths):
            age_s = (self._clock.monotonic_ns() - self._started_ns) / NS_PER_S
            self._clock.sleep(max(_GATHER_S, age_s / 2) if age_s < _STARTUP_S else _GATHER_S)
            deaths += self.poll()
        return deaths

    def stop(self) -> list[str]:
        """Stop every process in the reverse order of start.

        SIGINT, after the process's own time SIGTERM, then SIGKILL; whatever is left
        of its process group is killed with it, and shared memory that only these
        processes held is removed.

        Returns:
            The names of those that had to be killed.
        """
        self._snapshot(force=True)
        specs = [spec for spec in reversed(self._specs) if spec.name in self._running]
        killed = [spec.name for spec in specs if not self._stop_one(spec)]
        self._segments -= remove_unheld(self._segments)
        return killed

    def _spawn(self, spec: ProcessSpec) -> subprocess.Popen[bytes]:
        with (
            self.log_path(spec.name).open('wb') as errors,
            (self.log_dir / f'{spec.name}.out.log').open('wb') as output,
        ):
            return subprocess.Popen(
                spec.command(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
                env=_environment(spec),
                start_new_session=True,
            )

    def log_path(self, name: str) -> Path:
        """Return the file that holds what a process wrote to stderr."""
        return self.log_dir / f'{name}.log'

    def _stop_one(self, spec: ProcessSpec) -> bool:
        process = self._running[spec.name]
        for number, timeout_s in (
            (signal.SIGINT, spec.stop_timeout_s),
            (signal.SIGTERM, _TERM_TIMEOUT_S),
        ):
            if not _has_ended(process):
                process.send_signal(number)
            if self._wait(process, timeout_s):
                self._bury(spec.name)
                return True
        self._segments |= held_segments(process.pid)
        self._bury(spec.name)
        return False

    def _wait(self, process: subprocess.Popen[bytes], timeout_s: float) -> bool:
        deadline_ns = self._clock.monotonic_ns() + round(timeout_s * NS_PER_S)
        while not _has_ended(process):
            if self._clock.monotonic_ns() >= deadline_ns:
                return False
            self._clock.sleep(_POLL_S)
        return True

    def _bury(self, name: str) -> int:
        """Kill what lives of a process's group and reap it; return its exit code."""
        process = self._running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        returncode = process.wait()
        assert process.stdin is not None
        process.stdin.close()
        return returncode

    def _death(self, name: str, returncode: int) -> Death:
        log = self.log_path(name)
        is_vital = next(spec.is_vital for spec in self._specs if spec.name == name)
        return Death(name, returncode, _last_line(log), log, is_vital)

    def _snapshot(self, force: bool = False) -> None:
        """Note the children's shared memory: those that crash cannot be asked afterwards."""
        now_ns = self._clock.monotonic_ns()
        if not force and now_ns < self._next_snapshot_ns:
            return
        self._next_snapshot_ns = now_ns + _SNAPSHOT_NS
        for process in self._running.values():
            self._segments |= held_segments(process.pid)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    # Not reaped yet, so that its process group is still certain to be its own.
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _environment(spec: ProcessSpec) -> dict[str, str]:
    environment = {**os.environ, **spec.env}
    root = str(Path(lerobot_drivers.__file__).parent.parent)
    paths = [path for path in environment.get('PYTHONPATH', '').split(os.pathsep) if path]
    environment['PYTHONPATH'] = os.pathsep.join([*paths, root])
    return environment


def _last_line(log: Path) -> str:
    with log.open('rb') as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode(errors='replace').split('\n')
    return next((line.strip() for line in reversed(lines) if line.strip()), '')


@contextmanager
def _stop_event() -> Iterator[threading.Event]:
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, handle) for number in stop_signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
