"""Episodes leave a dataset, which keeps its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import folder_swap, info, layout, renewal, seal
from lerobot_recorder.dataset.edits import records
from lerobot_recorder.dataset.edits.assemble import (
    Progress,
    Recipe,
    assemble,
    needed_bytes,
    no_progress,
)
from lerobot_recorder.dataset.edits.new_folder import check_room
from lerobot_recorder.dataset.edits.source import Selection, read_source
from lerobot_recorder.dataset.renewal import Renewal
from lerobot_recorder.dataset.work_folder import WorkFolder

_WRITTEN = (
    *(f'{part}/' for part in renewal.PARTS), f'{layout.RECORDS}/', f'{layout.SHARED_FILES}/',
    layout.INFO, layout.STATS, layout.TASKS, seal.SEAL, seal.STATISTICS,
)  # fmt: skip


@dataclass(frozen=True)
class Deleted:
    """What deleting has done.

    Attributes:
        episodes, frames: How many are left.
        gone: Names for good of the episodes that are gone, as far as they had one.
        notices: What is worth telling, a sentence each.
    """

    episodes: int
    frames: int
    gone: tuple[str, ...]
    notices: tuple[str, ...]


def delete_episodes(
    root: Path, episodes: Sequence[int], progress: Progress = no_progress
) -> Deleted:
    """Take episodes out of a dataset; it is the old or the new one at every moment.

    Their rows, pictures and records go; whatever else lies in the folder stays.

    Args:
        root: The dataset.
        episodes: Their numbers.
        progress: Told how many steps are done, and of how many.

    Raises:
        DatasetFormatError: it is no dataset, or not whole; it was not touched.
        DatasetError: it is being recorded into, was changed meanwhile, or the disk refused; it
            is as it was.
    """
    try:
        return _delete(root, set(episodes), progress)
    except OSError as error:
        raise DatasetError(
            f'{root}: {error}; the dataset is whole, with these episodes or without: look with '
            'lerobot-ros info and try again'
        ) from error


def _delete(root: Path, episodes: set[int], progress: Progress) -> Deleted:
    notices = folder_swap.settle(root)
    root = Path(root).resolve()
    info.read(root)
    work = WorkFolder(root)
    try:
        notices += folder_swap.clean_up(root)
        renewal.check_place(root, work)
        source = read_source(root, is_open=True)
        kept = [row.index for row in source.rows if row.index not in episodes]
        if not kept:
            raise DatasetError(f'{root}: no episode would be left; remove the folder instead')
        recipe = Recipe([Selection(source, kept)], source.features, root, link=True)
        replaced = [name for name in source.before if name.startswith(_WRITTEN)]
        again = Renewal(root, work, replaced, 'episodes were deleted')
        gone = tuple(records.uuids(Selection(source, sorted(episodes))))

        def write(new: Path) -> None:
            notices.extend(assemble(recipe, new, progress))
            records.remember_deleted(new, gone)

        notices += again.run(lambda new: check_room(new, needed_bytes(recipe, new)), write)
    finally:
        work.close(clean=not work.was_left)
    frames = sum(source.rows[number].length for number in kept)
    return Deleted(len(kept), frames, gone, tuple(notices))
