"""What a dataset was when we closed it: if it still is that, opening it reads next to nothing.

`meta/ros/seal.json` holds a checksum over the name, size and time of modification of every file
that belongs to the dataset (the contents are not read). Whatever differs, for any reason, makes
the next writer check everything, episode by episode. Beside it lies what the exact quantiles of
the next session need of the episodes so far.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.dataset import durable, layout

SEAL = 'meta/ros/seal.json'
STATISTICS = 'meta/ros/statistics.npz'
_TREES = ('meta/episodes', 'data', 'videos')
_EPISODES = 'episodes'


def write(root: Path, episodes: int, statistics: Mapping[str, NDArray[Any]]) -> None:
    """Seal a dataset whose files are all in place.

    Args:
        root: The dataset.
        episodes: How many it has.
        statistics: `GlobalStatistics.state()` of all of them.
    """
    durable.make_folders((root / SEAL).parent)
    content = io.BytesIO()
    arrays: dict[str, Any] = {**statistics, _EPISODES: np.array(episodes)}
    np.savez(content, **arrays)
    durable.write_bytes(root / STATISTICS, content.getvalue())
    _write_seal(root, episodes)


def renew(root: Path) -> None:
    """Seal a dataset again whose files are others, but hold what they held."""
    document = json.loads((root / SEAL).read_text(encoding='utf-8'))
    _write_seal(root, document['episodes'])


def is_intact(root: Path) -> bool:
    """Return whether the files are those of when it was sealed: names, sizes, times."""
    try:
        document = json.loads((root / SEAL).read_text(encoding='utf-8'))
        return bool(document['files'] == _checksum(root))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_statistics(root: Path, episodes: int) -> dict[str, NDArray[Any]] | None:
    """Return the statistics that were sealed, None if they are not those of so many episodes."""
    try:
        with np.load(root / STATISTICS, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, EOFError):
        return None
    return arrays if int(arrays.pop(_EPISODES, -1)) == episodes else None


def _write_seal(root: Path, episodes: int) -> None:
    document = {'episodes': episodes, 'files': _checksum(root)}
    durable.write_bytes(root / SEAL, json.dumps(document).encode())


def _checksum(root: Path) -> str:
    digest = hashlib.sha256()
    for line in sorted(_facts(root)):
        digest.update(line.encode())
    return digest.hexdigest()


def _facts(root: Path) -> Iterator[str]:
    prefix = len(str(root)) + 1
    for name in (layout.INFO, layout.STATS, layout.TASKS, STATISTICS):
        if (root / name).exists():
            yield _fact(name, (root / name).stat())
    for tree in _TREES:
        for entry in _files(str(root / tree)):
            yield _fact(entry.path[prefix:], entry.stat())


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            else:
                yield entry


def _fact(name: str, facts: os.stat_result) -> str:
    return f'{name}\t{facts.st_size}\t{facts.st_mtime_ns}\n'
