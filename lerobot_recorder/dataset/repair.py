"""Mending a dataset: finish what was committed, cut what is broken, recover what was running."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import (
    closing,
    commit,
    cut,
    durable,
    folder_swap,
    info,
    layout,
    prefix,
    recover,
    seal,
    tasks,
)
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.global_statistics import GlobalStatistics
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
    try:
        return [*settled, *_mend_and_close(root)]
    except OSError as error:
        raise DatasetError(f'{root} cannot be mended: {error}') from error


def _mend_and_close(root: Path) -> list[str]:
    with WorkFolder(root) as work:
        done = mend(root, work, seal.is_intact(root))
        if (done or work.was_left) and layout.episodes_files(root):
            before = closing.read_stats(root)
            closing.close(DatasetState.load(root), was_sealed=False)
            if not done and closing.read_stats(root) != before:
                done.append('computed stats.json anew')
        work.close(clean=True)
    return done


def mend(root: Path, work: WorkFolder, is_intact: bool) -> list[str]:
    """Do what repair_dataset does, but for the statistics, which are exact when it is closed.

    Args:
        root: The dataset.
        work: Its work folder.
        is_intact: All files are as they were when the dataset was closed (see `seal`): what is
            saved need not be looked at.

    Returns:
        What was done, a sentence each.
    """
    done = folder_swap.clean_up(root)
    for folder in work.all_in_order():
        if commit.is_pending(folder):
            commit.apply(folder, root)
            work.drop(folder)
            done.append('finished what was interrupted while an episode was saved or changed')
    for folder in work.changes():  # what had not counted yet
        work.drop(folder)
    if (root / layout.INFO).exists() and (done or not is_intact):
        work.mark_mending()
        with guarded(root):
            done += _mend_saved(root)
    return done + [recover.recover(root, work, folder) for folder in work.episodes()]


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
    if done or not closing.read_stats(root):
        done.append('computed stats.json anew')
        _write_meta(root, info.with_totals(document, *totals), found.rows)
    return done


def _write_meta(root: Path, document: dict[str, Any], rows: Sequence[EpisodeRow]) -> None:
    statistics = GlobalStatistics(document['features'])
    statistics.add_saved(root, rows)
    stats = {**closing.read_stats(root), **statistics.to_document()}
    durable.write_bytes(root / layout.STATS, info.dumps(stats))
    info.write(root, document)
