"""The worker process, seen by whoever starts it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import lerobot_recorder
from lerobot_drivers.common.errors import HubError
from lerobot_recorder.hub.job import Job

MODULE = 'lerobot_recorder.hub.worker'
EXIT_TOLD = 3
"""It ended with an error that it told."""
STOP_S = 5.0
Event = dict[str, Any]


class Worker:
    """A running worker; a context manager that ends it.

    Args:
        verb: what it is to do, see `lerobot_recorder.hub.worker`.
        job: with which dataset.

    Raises:
        HubError: it cannot be started.
    """

    def __init__(self, verb: str, job: Job) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        try:
            self._process = subprocess.Popen(
                [sys.executable, '-m', MODULE, verb, job.dumps()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for its parent, which ends it in its own time
            )
        except OSError as error:
            self._errors.close()
            raise HubError(f'the upload cannot be started: {error}') from error
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)

    def wake(self) -> None:
        """Tell it that there is something new; returns at once."""
        assert self._process.stdin is not None
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # told often enough, or gone
            os.write(self._process.stdin.fileno(), b'\n')

    def events(self) -> Iterator[Event]:
        """Yield what it tells, until it ends.

        Raises:
            HubError: it died.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield _event(line)
        if (code := self._process.wait()) not in (0, EXIT_TOLD):
            raise HubError(f'the upload died: {self._last_line() or code}')

    def end(self) -> None:
        """End it, whatever it does."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Give back what belongs to it; it has ended, and nobody hears its events any more."""
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        self.close()

    def _last_line(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors='replace').splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), '')


def _event(line: bytes) -> Event:
    """Return what a line tells, nothing if a library has something to say."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def ask(verb: str, job: Job) -> str:
    """Let a worker do something small; return what it says.

    Raises:
        HubError: it could not be done.
    """
    with Worker(verb, job) as worker:
        for event in worker.events():
            if 'error' in event:
                raise HubError(event['error'])
            if 'done' in event:
                return str(event['done'])
    raise HubError('the upload died without a word')


def _environment() -> dict[str, str]:
    """Return this process's environment, in which the worker finds this package."""
    root = str(Path(lerobot_recorder.__file__).parent.parent)
    paths = [path for path in os.environ.get('PYTHONPATH', '').split(os.pathsep) if path]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join([*paths, root])}
