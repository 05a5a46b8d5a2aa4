"""Bytes that are on the disk for good: temporary name, sync, rename, sync of the folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries (names, renames) are on the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def sync_all(paths: Iterable[Path]) -> None:
    """Wait until files and folders are on the disk; all at once, at about the cost of one."""
    with ThreadPoolExecutor(8, 'sync') as pool:
        for done in [pool.submit(_sync, path, os.O_RDONLY) for path in paths]:
            done.result()


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file's content: at any moment it is all old or all new.

    Args:
        path: The file; its folder must exist.
        content: What it is to hold.
    """
    temporary = path.with_name(f'.{path.name}.tmp')
    temporary.write_bytes(content)
    sync_file(temporary)
    os.replace(temporary, path)
    sync_folder(path.parent)


def move(source: Path, target: Path) -> None:
    """Move a file inside a file system, replacing the target; both folders are synced."""
    make_folders(target.parent)
    os.replace(source, target)
    sync_folder(target.parent)
    sync_folder(source.parent)


def make_folders(path: Path) -> list[Path]:
    """Make a folder and its missing parents, synced; return those made, outermost first."""
    missing: list[Path] = []
    folder = path
    while not folder.exists():
        missing.insert(0, folder)
        folder = folder.parent
    for folder in missing:
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
    return missing


def remove_tree(path: Path) -> None:
    """Remove a folder with all it holds, if it is there."""
    if path.exists():
        shutil.rmtree(path)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
