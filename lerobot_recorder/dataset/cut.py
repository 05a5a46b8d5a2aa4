"""Taking broken episodes out of a dataset, into `.quarantine`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lerobot_recorder.dataset import durable, layout, parquet_writer
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.prefix import Prefix


@dataclass(frozen=True)
class _Cut:
    root: Path
    folder: Path
    episodes: int
    used: set[Path]


def cut(root: Path, prefix: Prefix) -> list[str]:
    """Take out everything that belongs to no whole episode.

    Args:
        root: The dataset.
        prefix: Its whole episodes.

    Returns:
        What was done, a sentence each.
    """
    folder = _quarantine(root)
    tables = [*layout.data_files(root), *layout.episodes_files(root)]
    tables = [path for path in tables if path not in prefix.whole_files]
    used = {root / layout.data_file(row.data) for row in prefix.rows}
    used |= set(layout.episodes_files(root))
    job = _Cut(root, folder, len(prefix.rows), used)
    moved = [path for path in tables if _cut_table(job, path)]
    moved += _cut_videos(root, prefix.rows, folder)
    if not moved:
        return []
    names = [path.relative_to(root).as_posix() for path in moved]
    listed = ', '.join(names[:6]) + (' ...' if len(names) > 6 else '')
    where = folder.relative_to(root).as_posix()
    reason = prefix.problem or 'no episode refers to them'
    return [f'kept the first {len(prefix.rows)} episodes ({reason}); moved to {where}: {listed}']


def set_aside(root: Path, source: Path) -> Path:
    """Move a file or folder into quarantine; return where it lies now."""
    target = _quarantine(root) / source.name
    durable.move(source, target)
    return target


def _quarantine(root: Path) -> Path:
    folder = root / layout.QUARANTINE
    taken = [int(path.name) for path in folder.glob('*') if path.name.isdigit()]
    return folder / f'{max(taken, default=0) + 1:03d}'


def _cut_table(job: _Cut, path: Path) -> bool:
    """Leave only the rows of whole episodes in a file; return whether any were taken out."""
    target = job.folder / path.relative_to(job.root)
    try:
        numbers = pq.read_table(path, columns=['episode_index'])['episode_index'].to_numpy()
    except (OSError, KeyError, pa.ArrowException):
        numbers = np.zeros(0)
    kept = int((numbers < job.episodes).sum()) if path in job.used else 0
    if kept == len(numbers) > 0:
        return False
    if not kept:
        durable.move(path, target)
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, target)
    durable.sync_file(target)
    table = pq.read_table(path)
    parquet_writer.replace_table(table.filter(pc.less(table['episode_index'], job.episodes)), path)
    return True


def _cut_videos(root: Path, rows: Sequence[EpisodeRow], folder: Path) -> list[Path]:
    used = {root / layout.video_file(k, file) for row in rows for k, file in row.videos.items()}
    stray = [path for path in sorted((root / 'videos').glob('*/*/*.mp4')) if path not in used]
    for path in stray:
        durable.move(path, folder / path.relative_to(root))
    return stray
