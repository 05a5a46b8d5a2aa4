"""Mending a dataset: finish what was committed, cut what is broken, recover what was running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import (
    commit,
    cut,
    durable,
    folder_swap,
    info,
    layout,
    prefix,
    recover,
    tasks,
)
from lerobot_recorder.dataset.reading import guarded
from lerobot_recorder.dataset.state import DatasetState
from lerobot_recorder.dataset.work_folder import WorkFolder


def repair_dataset(root: Path) -> list[str]:
    """Mend a dataset as far as possible; nothing is deleted, see `.quarantine`.

    Args:
        root: The dataset.

    Returns:
        What was done, a sentence each; empty if there was nothing to do.

    Raises:
        DatasetFormatError: it is no dataset, or info.json or tasks.parquet cannot be read.
        DatasetError: it is being recorded into.
    """
    settled = folder_swap.settle(root)
    if not (root / layout.INFO).exists() and not (root / layout.RECORDING).exists():
        raise DatasetFormatError(f'{root} is no LeRobot dataset: {layout.INFO} is missing')
    with WorkFolder(root) as work:
        done = [*settled, *mend(root, work)]
        work.close(keep_episode=False)
    return done


def mend(root: Path, work: WorkFolder) -> list[str]:
    """Do what repair_dataset does, with the work folder open already."""
    done = folder_swap.clean_up(root)
    if commit.is_pending(work.episode):
        commit.apply(work.episode, root)
        work.drop_episode()
        done.append('finished saving an episode that was interrupted while it was saved')
    if (root / layout.INFO).exists():
        with guarded(root):
            done += _mend_saved(root)
    if work.episode.exists():
        done += recover.recover(root, work)
    return done


def _mend_saved(root: Path) -> list[str]:
    document = info.read(root)
    found = prefix.find(root, document)
    done = cut.cut(root, found)
    if not found.rows and not layout.episodes_files(root):
        totals = (0, 0, 0)
    else:
        totals = (len(found.rows), sum(row.length for row in found.rows), len(tasks.read(root)))
    behind = [
        f'{key} was {document.get(key)}, is {value}'
        for key, value in zip(
            ('total_episodes', 'total_frames', 'total_tasks'), totals, strict=True
        )
        if document.get(key, 0) != value
    ]
    if behind:
        done.append('corrected info.json: ' + ', '.join(behind))
    if done or not _has_stats(root):
        done.append('computed stats.json anew')
        _write_meta(root)
    return done


def _has_stats(root: Path) -> bool:
    return bool(_read_stats(root))


def _read_stats(root: Path) -> dict[str, Any]:
    try:
        document = json.loads((root / layout.STATS).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _write_meta(root: Path) -> None:
    state = DatasetState.load(root)
    statistics = {**_read_stats(root), **state.statistics()}
    durable.write_bytes(root / layout.STATS, info.dumps(statistics))
    info.write(root, state.document_now())
