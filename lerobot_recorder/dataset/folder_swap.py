"""A folder that is replaced by another one at once, and what a crash in the midst of it leaves.

The new content is made beside the folder, as `.NAME.lerobot-compact`. Then the two exchange their
names in one step of the file system (Linux' ``renameat2`` with ``RENAME_EXCHANGE``); whoever looks
sees the old folder or the new one. Where the file system cannot do that, the old folder is first
renamed to `.NAME.lerobot-before` and then the new one to NAME. The names alone say what is left to
do after a crash:

* NAME is there: it is whole, old or new; what lies beside it is superfluous.
* NAME is not there, `.NAME.lerobot-before` is: the crash fell between the two renames, and the new
  folder, which was complete before the first of them, only lacks its name.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import durable, layout

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}


def new_folder(root: Path) -> Path:
    """Return where the new content of a folder is made."""
    return root.with_name(f'.{root.name}.lerobot-compact')


def old_folder(root: Path) -> Path:
    """Return where the old content waits if it cannot be exchanged in one step."""
    return root.with_name(f'.{root.name}.lerobot-before')


def swap(root: Path) -> Path:
    """Let the new content take the folder's name; it must be complete and synced.

    Args:
        root: The folder.

    Returns:
        Where the old content lies now.

    Raises:
        OSError: the names are as they were.
    """
    new, old = new_folder(root), old_folder(root)
    if exchange(new, root):
        return new
    os.rename(root, old)
    try:
        os.rename(new, root)
    except BaseException:
        if not root.exists():
            os.rename(old, root)
        raise
    return old


def exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step.

    Returns:
        Whether the operating system and the file system can do that; if not, nothing was done.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), 'renameat2', None)
    if rename is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(other))


def settle(root: Path) -> list[str]:
    """Give a folder its name back if a crash fell between the two renames.

    Returns:
        What was done, a sentence each.

    Raises:
        DatasetError: another process is in the midst of it.
    """
    root = root.absolute()
    old, new = old_folder(root), new_folder(root)
    if root.exists() or not old.exists():
        return []
    whole = new if new.exists() else old
    with _held(whole / layout.RECORDING / 'lock', root):
        if root.exists():
            return []
        os.rename(whole, root)
        durable.sync_folder(root.parent)
    return ['finished joining files or deleting episodes, which was interrupted']


def clean_up(root: Path) -> list[str]:
    """Remove what an interrupted exchange left beside a folder, which must be locked.

    Returns:
        What was done, a sentence each.
    """
    root = root.resolve()
    left = [folder for folder in (new_folder(root), old_folder(root)) if folder.exists()]
    for folder in left:
        durable.remove_tree(folder)
    return [
        f'removed {folder}, left over from joining files or deleting episodes' for folder in left
    ]


@contextmanager
def _held(lock: Path, root: Path) -> Iterator[None]:
    if not lock.exists():
        yield
        return
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DatasetError(
            f'{root}: its files are being joined or edited; wait until that has ended'
        ) from None
    finally:
        os.close(descriptor)
