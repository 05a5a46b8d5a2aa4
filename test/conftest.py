"""What every test runs under: a world of its own, and nothing left behind.

The environment is set before any test module is imported, hence before rclpy is:
discovery stays on this machine, the ROS domain belongs to this run alone, and
home folders, logs and sockets of simulated worlds lie in a temporary folder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

DOMAINS = 102
MARK = 'LEROBOT_ROS_TEST_RUN'
PATIENCE_S = 10.0
WORLDS_PATIENCE_S = 30.0
NOT_OURS = {'TMonitor'}  # tqdm's: one daemon thread for the life of the process

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / 'shared' / 'data'

_run: list[Path] = []
_locks: list[int] = []


def pytest_configure(config: pytest.Config) -> None:
    folder = Path(tempfile.mkdtemp(prefix='lr-'))
    _run.append(folder)
    os.environ.pop('RMW_IMPLEMENTATION', None)
    if not _is_worker(config):
        os.environ[MARK] = f'{os.getpid()}-{folder.name}'
    os.environ.update(
        {
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'ROS_DOMAIN_ID': str(_free_domain()),
            'ROS_LOG_DIR': str(_made(folder / 'log')),
            'XDG_RUNTIME_DIR': str(_made(folder / 'run')),
            'HF_HOME': str(folder / 'hf'),
            'HF_LEROBOT_HOME': str(folder / 'lerobot'),
            'HF_HUB_OFFLINE': '1',
        }
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers, tests of the graph run one after the other: many are about time."""
    for item in items:
        if item.get_closest_marker('ros'):
            item.add_marker(pytest.mark.xdist_group('graph'))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if a process that a test started outlives it (simulated worlds linger)."""
    if _is_worker(session.config):
        return
    left = _wait_until_none(_marked_processes, WORLDS_PATIENCE_S)
    for process in left:
        session.config.stash.setdefault(_LEFT, []).append(_describe(process))
        process.send_signal(signal.SIGKILL)
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for text in terminalreporter.config.stash.get(_LEFT, []):
        terminalreporter.write_line(f'ERROR: a test left this process running: {text}', red=True)


def pytest_unconfigure() -> None:
    for folder in _run:
        shutil.rmtree(folder, ignore_errors=True)
    for lock in _locks:
        os.close(lock)


_LEFT = pytest.StashKey[list[str]]()


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves threads or child processes running."""
    threads = set(threading.enumerate())
    children = set(_children())
    yield
    left_threads = _wait_until_none(lambda: _new_threads(threads), PATIENCE_S)
    left_children = _wait_until_none(lambda: set(_children()) - children, PATIENCE_S)
    described = [f'child process {_describe(child)}' for child in left_children]
    for child in left_children:
        child.kill()
    described += [f'thread {thread.name!r}' for thread in left_threads]
    if described:
        pytest.fail('the test left behind: ' + '; '.join(described), pytrace=False)


@pytest.fixture
def shared_data() -> Path:
    """Recordings of others, beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f'no recordings of others at {SHARED_DATA}')
    return SHARED_DATA


def _is_worker(config: pytest.Config) -> bool:
    """Return whether this is one of several processes of pytest-xdist; they share a mark."""
    return hasattr(config, 'workerinput')


def _new_threads(before: set[threading.Thread]) -> set[threading.Thread]:
    running = {thread for thread in threading.enumerate() if type(thread).__name__ not in NOT_OURS}
    return running - before


def _children() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if _is_running(child)]


def _is_running(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _marked_processes() -> set[psutil.Process]:
    """Return the processes, detached ones too, that inherited this run's mark."""
    mark = os.environ[MARK]
    found = set()
    for process in psutil.process_iter():
        try:
            ours = process.pid != os.getpid() and process.environ().get(MARK) == mark
        except (psutil.Error, OSError):
            continue
        if ours and _is_running(process):
            found.add(process)
    return found


def _describe(process: psutil.Process) -> str:
    try:
        return f'{process.pid} {" ".join(process.cmdline()) or process.name()}'
    except psutil.Error:
        return f'{process.pid} (gone)'


def _wait_until_none(look: Callable[[], set], patience_s: float) -> set:
    deadline = time.monotonic() + patience_s
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def _free_domain() -> int:
    """Return a ROS domain that no other test run on this machine holds (a locked file)."""
    folder = Path(tempfile.gettempdir()) / f'lerobot_ros-domains-{os.getuid()}'
    folder.mkdir(mode=0o700, exist_ok=True)
    for offset in range(DOMAINS):
        domain = (os.getpid() + offset) % DOMAINS
        lock = os.open(folder / str(domain), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _locks.append(lock)
        return domain
    raise pytest.UsageError(f'all {DOMAINS} ROS domains are taken by other test runs')
