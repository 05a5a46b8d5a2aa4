"""The datasets of many bags become one, or a part of the one that is there; nothing is encoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import durable, folder_swap, info, layout
from lerobot_recorder.dataset.edits.merge import Merged, Merging, merge_datasets
from lerobot_recorder.dataset.work_folder import WorkFolder

Progress = Callable[[int, int], None]
HOW = Merging(skip_repeated=True, link=True)
"""An episode that is in the dataset already came there before a crash; parts go afterwards, so
links to their videos do no harm."""


def known_dataset(root: Path) -> dict[str, object] | None:
    """Return info.json of a dataset that is there, None if nothing is; mends a swap cut short.

    Raises:
        DatasetError: something else is there, or it is not whole.
    """
    folder_swap.settle(root)
    if not root.exists() or layout.is_free(root):
        return None
    return dict(info.read(root))


def join(parts: Sequence[Path], target: Path, progress: Progress) -> Merged:
    """Make one dataset of several; one that is there already comes first, and is replaced.

    At any moment the target is what it was, or all of what it is to be.

    Args:
        parts: datasets, in their order.
        target: the dataset.
        progress: told how many steps are done, and of how many.

    Raises:
        DatasetError: they cannot become one, it is in use, or the disk refused.
    """
    if known_dataset(target) is None:
        return merge_datasets(parts, target, progress, HOW)
    target = target.resolve()
    clean_up(target)
    new = folder_swap.new_folder(target)
    merged = merge_datasets([target, *parts], new, progress, HOW)
    durable.remove_tree(folder_swap.swap(target))
    durable.sync_folder(target.parent)
    return merged


def clean_up(target: Path) -> None:
    """Remove what a kill in the midst of joining left beside a dataset.

    Raises:
        DatasetError: it is in use, or a recording into it was interrupted.
    """
    work = WorkFolder(target)
    try:
        if work.was_left:
            raise DatasetError(
                f'{target} holds an interrupted recording; resume or repair it first'
            )
        folder_swap.clean_up(target)
    finally:
        work.close(clean=not work.was_left)
