"""Joining the many small files of a dataset up to the format's limits.

Pictures are not encoded anew and rows stay as they are: packets and row groups are copied into
larger files, in a folder beside the dataset that then takes its place at once. A dataset is whole
before, after and at every moment between.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import (
    compact_tables,
    compact_videos,
    episodes,
    folder_links,
    folder_swap,
    info,
    layout,
    renewal,
    seal,
)
from lerobot_recorder.dataset.compact_plan import Plan, make_plan
from lerobot_recorder.dataset.layout import FileIndex
from lerobot_recorder.dataset.renewal import Renewal
from lerobot_recorder.dataset.work_folder import WorkFolder

_MIB = 2**20
_SPARE_BYTES = 16 * _MIB

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Figures:
    """Files and bytes of a dataset.

    Attributes:
        data, videos, episodes: Number of files.
        size: Bytes of these files.
    """

    data: int
    videos: int
    episodes: int
    size: int


@dataclass(frozen=True)
class Compacted:
    """What joining has done.

    Attributes:
        before, after: Files and bytes; equal if there was nothing to do.
        notices: What was found and mended on the way, for the user.
    """

    before: Figures
    after: Figures
    notices: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Return whether there was anything to do."""
        return self.before != self.after


def compact_dataset(root: Path, on_progress: OnProgress | None = None) -> Compacted:
    """Join a dataset's files, ours or LeRobot's.

    Args:
        root: The dataset.
        on_progress: Called with the bytes copied so far and the bytes to be copied.

    Raises:
        DatasetFormatError: it is no dataset, or not whole; it was not touched.
        DatasetError: it is being recorded into, was changed meanwhile, or the disk refused; it
            is as it was.
    """
    try:
        return _compact(root, on_progress or (lambda done, total: None))
    except OSError as error:
        raise DatasetError(
            f'{root}: {error}; the dataset is whole, as it was or joined: try again'
        ) from error


def _compact(root: Path, on_progress: OnProgress) -> Compacted:
    notices = folder_swap.settle(root)
    root = Path(root).resolve()
    info.read(root)
    work = WorkFolder(root)
    try:
        notices += folder_swap.clean_up(root)
        renewal.check_place(root, work)
        before = figures(root)
        plan = make_plan(root)
        if plan.worthwhile:
            sealed = seal.is_intact(root)
            again = Renewal(root, work, plan.replaced(), 'its files were joined')
            notices += again.run(
                lambda new: _check_space(plan, new), lambda new: _build(plan, new, on_progress)
            )
            if sealed:
                seal.renew(root)
    finally:
        work.close(clean=not work.was_left)
    return Compacted(before, figures(root), tuple(notices))


def figures(root: Path) -> Figures:
    """Return files and bytes of a dataset."""
    videos = sorted((root / 'videos').glob('*/*/*.mp4'))
    data, rows = layout.data_files(root), layout.episodes_files(root)
    size = sum(path.stat().st_size for path in (*videos, *data, *rows))
    return Figures(len(data), len(videos), len(rows), size)


def _check_space(plan: Plan, new: Path) -> None:
    needed = plan.bytes_to_copy() + _SPARE_BYTES
    if not folder_links.can_link(new, plan.root / layout.INFO):
        needed += sum(path.lstat().st_size for path in plan.root.rglob('*') if path.is_file())
    free = shutil.disk_usage(new).free
    if free < needed:
        raise DatasetError(
            f'{plan.root}: joining needs {needed / _MIB:.0f} MiB beside the dataset, '
            f'{free / _MIB:.0f} MiB are free; nothing was changed'
        )


def _build(plan: Plan, new: Path, on_progress: OnProgress) -> None:
    data = _write_data(plan, new)
    videos = _write_videos(plan, new, on_progress)
    rows = [
        compact_tables.moved(row, data[row.data], {k: videos[k, f] for k, f in row.videos.items()})
        for row in plan.rows
    ]
    table = episodes.read_table(plan.root)
    compact_tables.write_episodes(new, table, rows, int(plan.document['fps']), plan.limits)


def _write_data(plan: Plan, new: Path) -> dict[FileIndex, FileIndex]:
    """Write the data files; return old number -> new number."""
    number, where = layout.FIRST_FILE, {}
    for group in plan.data:
        target = new / layout.data_file(number)
        folder_links.make_alike(plan.root, new, target.parent.relative_to(new))
        if len(group) == 1:
            folder_links.link(group[0].path, target)
        else:
            compact_tables.join_data(group, target)
        where.update(dict.fromkeys((file.file for file in group), number))
        number = number.next(plan.limits['chunk'])
    return where


def _write_videos(
    plan: Plan, new: Path, on_progress: OnProgress
) -> dict[tuple[str, FileIndex], tuple[FileIndex, int]]:
    """Write the videos; return camera and old number -> new number and first frame there."""
    fps, total, done = int(plan.document['fps']), plan.bytes_to_copy(), 0

    def count(copied: int) -> None:
        nonlocal done
        done += copied
        on_progress(done, total)

    where = {}
    for key, groups in plan.videos.items():
        number = layout.FIRST_FILE
        for group in groups:
            target = new / layout.video_file(key, number)
            folder_links.make_alike(plan.root, new, target.parent.relative_to(new))
            if len(group) == 1:
                folder_links.link(group[0].path, target)
            else:
                compact_videos.join(group, target, fps, count)
            start = 0
            for file in group:
                where[key, file.file] = (number, start)
                start += file.frames
            number = number.next(plan.limits['chunk'])
    on_progress(total, total)
    return where
