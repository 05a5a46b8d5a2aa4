"""One process of a pool: takes a piece of work, tells how far it is and what came of it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.common.processes import tune_process
from lerobot_drivers.common.scheduling import BACKGROUND_NICE

GRACE_S = 10.0
"""So long a process may take to end what it is at [s]."""
TELL_EVERY_S = 0.2

Progress = Callable[[int, int], None]
"""Told how far it is, and of how much."""


@dataclass(frozen=True)
class Work:
    """A piece of work.

    Attributes:
        name: what it is called.
        call: does it; a function of a module, so that another process finds it.
        argument: what it is given, beside whom to tell how far it is.
    """

    name: str
    call: Callable[[Any, Progress], Any]
    argument: Any


@dataclass(frozen=True)
class Told:
    """What a process tells.

    Attributes:
        content: how far it is and of how much; or what came of it; or why it failed.
        is_last: it is done with this piece of work.
        is_failure: it has failed.
    """

    content: Any
    is_last: bool = True
    is_failure: bool = False


def main() -> None:
    """Do what comes, until nothing more does or whoever sends it is gone."""
    signal.signal(signal.SIGTERM, _leave)
    os.nice(max(0, BACKGROUND_NICE - os.nice(0)))
    tune_process()
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    line = Connection(int(sys.argv[1]))
    with contextlib.suppress(EOFError, OSError):
        while (work := line.recv()) is not None:
            line.send(_done(work, line))


def _done(work: Work, line: Connection) -> Told:
    last_s = 0.0

    def progress(done: int, of: int) -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= TELL_EVERY_S:
            last_s = time.monotonic()
            line.send(Told((done, of), is_last=False))

    try:
        return Told(work.call(work.argument, progress))
    except LerobotRosError as error:
        return Told(str(error), is_failure=True)
    except (MemoryError, OSError) as error:
        return Told(f'{type(error).__name__}: {error}', is_failure=True)
    except Exception as error:  # noqa: BLE001 - one bag must not end the others
        sys.stderr.write(f'{work.name}: {traceback.format_exc()}')
        told = ' '.join(str(error).split())
        return Told(f'unexpected {type(error).__name__}: {told}', is_failure=True)


def _end_with_supervisor() -> None:
    """End this process when whoever started it, and holds its standard input, is gone."""
    with contextlib.suppress(OSError):
        os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)


def _leave(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == '__main__':
    # What is unpickled names this module, not __main__.
    from lerobot_recorder.bulk import worker

    worker.main()
