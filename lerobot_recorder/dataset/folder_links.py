"""Another folder with the same files: hard links where possible, else copies."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from lerobot_recorder.dataset import durable

_FICLONE = 0x40049409
_NO_LINK = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}

#: Relative path -> size and time of change [ns].
Snapshot = dict[str, tuple[int, int]]


def snapshot(root: Path, skip: Collection[str]) -> Snapshot:
    """Return what lies in a folder, symbolic links as such.

    Args:
        root: The folder.
        skip: Names of entries of the folder to leave out.
    """
    found: Snapshot = {}
    for folder, folders, files in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in skip]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in [*files, *links]:
            path = os.path.join(folder, name)
            facts = os.lstat(path)
            found[os.path.relpath(path, root)] = (facts.st_size, facts.st_mtime_ns)
    return found


def link_files(source: Path, target: Path, names: Collection[str]) -> None:
    """Bring files into another folder under the same names; parents are made alike."""
    for name in sorted(names):
        make_alike(source, target, Path(name).parent)
        link(source / name, target / name)


def make_alike(source: Path, target: Path, name: Path) -> None:
    """Make a folder and its parents with the mode of those they stand for."""
    folder = target / name
    if folder.is_dir():
        return
    make_alike(source, target, name.parent)
    folder.mkdir()
    like = source / name
    if like.is_dir():
        shutil.copymode(like, folder)


def link(source: Path, target: Path) -> None:
    """Make a file known under a second name: hard link, reflink or copy, whichever can be had."""
    if _hard_link(source, target):
        return
    if source.is_symlink():
        target.symlink_to(os.readlink(source))
        return
    if not _clone(source, target):
        shutil.copyfile(source, target)
    shutil.copystat(source, target)
    durable.sync_file(target)


def share(source: Path, target: Path, link: bool = False) -> None:
    """Bring a file that nobody writes to any more into another dataset.

    Args:
        source: The file; if it is a symbolic link, what that leads to.
        target: Its new name.
        link: Where no reflink can be had a hard link will do. Who overwrites it in its place
            (LeRobot does so if its temporary folder is on another file system) changes both.
    """
    source = source.resolve()
    temporary = target.with_name(f'.{target.name}.tmp')
    temporary.unlink(missing_ok=True)
    is_own = _clone(source, temporary)
    if not is_own:
        temporary.unlink(missing_ok=True)
        is_own = not (link and _hard_link(source, temporary))
        if is_own:
            shutil.copyfile(source, temporary)
    if is_own:
        shutil.copystat(source, temporary)
    os.replace(temporary, target)


def can_share(file: Path, folder: Path, link: bool) -> bool:
    """Return whether `share` takes no space for a file in a folder."""
    probe = folder / '.clone'
    is_clone = _clone(file, probe)
    probe.unlink()
    return is_clone or (link and can_link(folder, file))


def can_link(folder: Path, file: Path) -> bool:
    """Return whether a file can have a second name in a folder without taking space."""
    probe = folder / '.link'
    try:
        os.link(file, probe)
    except OSError:
        return False
    probe.unlink()
    return True


def _hard_link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        return False
    return True


def _clone(source: Path, target: Path) -> bool:
    with source.open('rb') as old, target.open('wb') as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            return False
    return True
