"""How a finished episode becomes part of the dataset: all of it, or nothing.

Everything the episode adds or replaces is first written to its working folder and synced. Then
`manifest.json` appears there at once: from that moment the episode counts. Moving the files to
their places can be repeated at will, so a crash in the midst of it is mended by doing it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from lerobot_recorder.dataset import durable, layout

_MANIFEST = 'manifest.json'


def is_pending(folder: Path) -> bool:
    """Return whether an episode was committed whose files may not all be at their places."""
    return (folder / _MANIFEST).exists()


def commit(folder: Path, root: Path, files: Mapping[str, str]) -> None:
    """Make files part of the dataset.

    Args:
        folder: The working folder; the files in it are complete.
        root: The dataset's root, on the same file system.
        files: Name in the folder -> path in the dataset.
    """
    durable.sync_all([folder.parent, folder, *(folder / name for name in files)])
    durable.write_bytes(folder / _MANIFEST, json.dumps(dict(files)).encode())
    apply(folder, root)


def apply(folder: Path, root: Path) -> None:
    """Move the files of a committed episode to their places.

    Its row comes behind all that it refers to, for those who read meanwhile; info.json last.
    """
    files: dict[str, str] = json.loads((folder / _MANIFEST).read_text(encoding='utf-8'))
    touched: set[Path] = set()
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


def _rank(path: str) -> int:
    return 2 if path == layout.INFO else int(path.startswith(layout.EPISODES))


def _sync(folders: set[Path]) -> None:
    durable.sync_all(folders)
    folders.clear()
