"""How a finished episode, or a change to one, becomes part of the dataset: all of it, or nothing.

Everything it adds or replaces is first written to its working folder and synced. Then
`manifest.json` appears there at once: from that moment it counts. Moving the files to their
places, and removing others, can be repeated at will, so a crash in the midst of it is mended by
doing it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from lerobot_recorder.dataset import durable, layout

_MANIFEST = 'manifest.json'


def is_pending(folder: Path) -> bool:
    """Return whether an episode was committed whose files may not all be at their places."""
    return (folder / _MANIFEST).exists()


def commit(
    folder: Path, root: Path, files: Mapping[str, str], removed: Sequence[str] = ()
) -> None:
    """Make files part of the dataset, and take others out.

    Args:
        folder: The working folder; the files in it are complete.
        root: The dataset's root, on the same file system.
        files: Name in the folder -> path in the dataset.
        removed: Paths in the dataset; those that are not there do no harm.
    """
    durable.sync_all([folder.parent, folder, *(folder / name for name in files)])
    manifest = {'files': dict(files), 'removed': list(removed)}
    durable.write_bytes(folder / _MANIFEST, json.dumps(manifest).encode())
    apply(folder, root)


def apply(folder: Path, root: Path) -> None:
    """Move the files of what was committed to their places.

    A row comes behind all that it refers to and goes before it, for those who read meanwhile;
    info.json is the last to come.
    """
    manifest = json.loads((folder / _MANIFEST).read_text(encoding='utf-8'))
    files: dict[str, str] = manifest['files']
    touched = _remove(sorted(manifest['removed'], key=_rank, reverse=True), root)
    for name, path in sorted(files.items(), key=lambda item: _rank(item[1])):
        if not (folder / name).exists():
            continue
        if path == layout.INFO:
            _sync(touched)
        target = root / path
        durable.make_folders(target.parent)
        os.replace(folder / name, target)
        touched.add(target.parent)
    _sync(touched)


def _remove(paths: Sequence[str], root: Path) -> set[Path]:
    """Remove files, and the folders that are empty then; return the folders that changed."""
    for path in paths:
        (root / path).unlink(missing_ok=True)
    folders = {root / folder for path in paths for folder in Path(path).parents}
    for folder in sorted(folders - {root}, reverse=True):  # the innermost first
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
    return {folder for folder in folders if folder.exists()}


def _rank(path: str) -> int:
    return 2 if path == layout.INFO else int(path.startswith(layout.EPISODES))


def _sync(folders: set[Path]) -> None:
    durable.sync_all(folders)
    folders.clear()
