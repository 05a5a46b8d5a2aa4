"""Finds what a run left behind: processes that bear its mark, shared memory of dead participants.

``note FILE`` at the start, ``check FILE`` at the end. What is found is printed,
cleaned up, and makes the check fail. What others on the machine own is left alone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

MARK = 'LEROBOT_ROS_CI_RUN'
SHARED_MEMORY = Path('/dev/shm')
PREFIXES = ('fastdds_', 'fastrtps_', 'sem.fastdds_', 'sem.fastrtps_')
PATIENCE_S = 20.0


def segments() -> set[str]:
    """Return the names of Fast DDS's segments in shared memory."""
    if not SHARED_MEMORY.is_dir():
        return set()
    return {path.name for path in SHARED_MEMORY.iterdir() if path.name.startswith(PREFIXES)}


def read_text(path: Path) -> str:
    """Return a file of /proc, empty if its process has gone or is not ours to look at."""
    try:
        return path.read_bytes().decode(errors='replace')
    except OSError:
        return ''


def processes() -> list[Path]:
    """Return the folders of all other processes in /proc."""
    found = [path for path in Path('/proc').iterdir() if path.name.isdigit()]
    return [path for path in found if int(path.name) != os.getpid()]


def marked_processes() -> dict[int, str]:
    """Return pid -> command of the processes that inherited this run's mark and still run."""
    mark = f'{MARK}={os.environ[MARK]}'
    found = {}
    for path in processes():
        if mark in read_text(path / 'environ').split('\0'):
            command = read_text(path / 'cmdline').replace('\0', ' ').strip()
            found[int(path.name)] = command or '(ended, not waited for)'
    return found


def in_use() -> str:
    """Return, as one text, all that living processes have mapped or open in shared memory."""
    found = []
    for path in processes():
        found.append(read_text(path / 'maps'))
        try:
            found += [os.readlink(descriptor) for descriptor in (path / 'fd').iterdir()]
        except OSError:
            continue
    return '\n'.join(found)


def segment_of(name: str) -> str:
    """Return the segment that a lock (``_el``) or a semaphore (``sem.…_mutex``) belongs to."""
    return name.removeprefix('sem.').removesuffix('_mutex').removesuffix('_el')


def orphaned_segments(before: set[str]) -> set[str]:
    """Return the new segments, with lock and semaphore, that no living process uses."""
    new = segments() - before
    used = in_use() if new else ''
    return {name for name in new if f'{SHARED_MEMORY}/{segment_of(name)}' not in used}


def check(before: set[str]) -> int:
    """Report and clean up; return the exit code."""
    deadline = time.monotonic() + PATIENCE_S
    while (left := marked_processes()) and time.monotonic() < deadline:
        time.sleep(0.2)
    for pid, command in left.items():
        sys.stdout.write(f'left running: {pid} {command}\n')
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    if left:
        time.sleep(1.0)
    orphans = sorted(orphaned_segments(before))
    for name in orphans:
        sys.stdout.write(f'left in shared memory: {SHARED_MEMORY / name}\n')
        (SHARED_MEMORY / name).unlink(missing_ok=True)
    if not left and not orphans:
        sys.stdout.write('no process and no shared memory left behind\n')
    return 1 if left or orphans else 0


def main(verb: str, file: str) -> int:
    """Note the state before a run, or check against it."""
    if verb == 'note':
        Path(file).write_text(json.dumps(sorted(segments())), encoding='utf-8')
        return 0
    return check(set(json.loads(Path(file).read_text(encoding='utf-8'))))


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
