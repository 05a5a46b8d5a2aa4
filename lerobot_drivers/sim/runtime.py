"""Where worlds are reached: a private folder of sockets, and how their processes start."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lerobot_drivers.common.channel import receive_message, send_message
from lerobot_drivers.common.errors import DeviceError

START_TIMEOUT_S = 30.0
GREETING_TIMEOUT_S = 10.0
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_NOBODY_THERE = (errno.ENOENT, errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE)


def runtime_dir() -> Path:
    """Return the folder of sockets, mode 0700, made if need be.

    Raises:
        DeviceError: it belongs to somebody else, or others may enter it.
    """
    base = os.environ.get('XDG_RUNTIME_DIR')
    if base and Path(base).is_dir():
        path = Path(base) / 'lerobot_ros'
    else:
        path = Path(tempfile.gettempdir()) / f'lerobot_ros-{os.getuid()}'
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if status.st_uid != os.getuid() or not private:
        raise DeviceError(f'{path} must be a folder of yours with mode 0700; remove it')
    return path


def socket_path(world: str) -> Path:
    """Return the path of a world's socket."""
    return runtime_dir() / f'{world}.sock'


@contextmanager
def world_lock(world: str, *, wait: bool = True) -> Iterator[None]:
    """Hold a world's lock: who starts or ends it does so alone. Leaves no file.

    Raises:
        BlockingIOError: somebody else holds it, and we shall not wait.
    """
    path = runtime_dir() / f'{world}.lock'
    lock = _lock_existing(path, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def connect_to_world(world: str, command: Sequence[str] = ()) -> socket.socket:
    """Return a connection to a world, whose process is started if it does not run.

    Args:
        world: name of its socket.
        command: what starts something else than a world there; it takes ``--ready-fd``.

    Raises:
        DeviceError: the world did not start, with the reason it gave.
    """
    path = socket_path(world)
    connection = _try_connect(path)
    if connection is not None:
        return connection
    with world_lock(world):
        if not is_running(world):
            _start_process(world, command or _world_command(world))
        connection = _try_connect(path)
    if connection is None:
        raise DeviceError(f'the simulated world {world} started but cannot be reached at {path}')
    return connection


def is_running(world: str) -> bool:
    """Return whether a world's process answers; call it with the world's lock held.

    A socket that a killed process has left is removed.
    """
    path = socket_path(world)
    connection = _try_connect(path)
    if connection is None:
        path.unlink(missing_ok=True)
        return False
    connection.close()
    return True


def _lock_existing(path: Path, kind: int) -> int:
    """Lock the file that lies at path now: a former holder may just have unlinked it."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, kind)
            if path.exists() and path.stat().st_ino == os.fstat(lock).st_ino:
                return lock
        except BlockingIOError:
            os.close(lock)
            raise
        except FileNotFoundError:
            pass
        os.close(lock)


def _try_connect(path: Path) -> socket.socket | None:
    """Return a connection that the world has greeted, or None when nobody is there.

    A world that is just ending may still take a connection, but greets no more.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(GREETING_TIMEOUT_S)
    try:
        connection.connect(os.fspath(path))
        send_message(connection, {'op': 'hello'})
        greeting = receive_message(connection)
    except OSError as error:
        connection.close()
        if error.errno in _NOBODY_THERE:
            return None
        raise DeviceError(f'cannot reach the simulated world at {path}: {error}') from error
    if greeting is None:
        connection.close()
        return None
    return connection


def _world_command(world: str) -> list[str]:
    return [sys.executable, '-m', 'lerobot_drivers.sim.world', world]


def _start_process(world: str, command: Sequence[str]) -> None:
    """Start a world and wait until it listens; it detaches itself from us."""
    ready, child_ready = os.pipe()
    with tempfile.TemporaryFile() as errors, os.fdopen(ready, 'rb', buffering=0) as answer:
        try:
            subprocess.run(
                [*command, '--ready-fd', str(child_ready)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(child_ready,),
                cwd=_PACKAGE_ROOT,
                env=_environment(),
                check=False,
            )
        finally:
            os.close(child_ready)
        answered, _, _ = select.select([answer], [], [], START_TIMEOUT_S)
        if not (answered and answer.read(1)):
            raise DeviceError(f'the simulated world {world} did not start: {_last_line(errors)}')


def _environment() -> dict[str, str]:
    """Return our environment with this package on the path and one thread per library."""
    paths = [str(_PACKAGE_ROOT), os.environ.get('PYTHONPATH', '')]
    single = {'OMP_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1'}
    return os.environ | single | {'PYTHONPATH': os.pathsep.join(filter(None, paths))}


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors='replace').strip().splitlines()
    return lines[-1] if lines else f'no answer within {START_TIMEOUT_S:.0f} s'
