"""``lerobot-ros convert`` of a LeRobot v2.0 or v2.1 dataset; see `convert` for bags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    section_of,
    split_positional,
    switch,
)
from lerobot_drivers.common.errors import UsageError
from lerobot_recorder.commands.which_dataset import check_free
from lerobot_recorder.config import dataset_folder
from lerobot_recorder.old_datasets.convert import Converted, OldJob, convert_old, look
from lerobot_recorder.old_datasets.survey import OldDataset, Wanted

KNOWN = ('dataset', 'allow_failed', 'dry_run', 'report')
KEYS = ('repo_id', 'root', 'single_task', 'fps', 'episodes')


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``convert``; it begins with the old dataset's folder.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: the old dataset cannot be converted, or the new one cannot be written.
    """
    from lerobot_recorder.commands.convert import report_path, write_report  # needs this module

    source, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': KEYS})
    dataset = section_of(sections, 'dataset')
    wanted = Wanted(_task(dataset), _fps(dataset), _episodes(dataset))
    job = OldJob(
        Path(str(source)).expanduser(), _root(dataset), wanted, switch(sections, 'allow_failed')
    )
    console, report = make_console(), report_path(sections)
    if switch(sections, 'dry_run'):
        found = look(job)
        _tell_plan(console, found)
        write_report(report, found.document())
        return 0
    check_free(job.root)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('converting', total=None)
        converted = convert_old(
            job, lambda done, total: progress.update(bar, completed=done, total=total)
        )
    _tell(console, job.root, converted)
    write_report(report, converted.document())
    return 0


def _root(dataset: dict[str, Any]) -> Path:
    root, repo_id = dataset.get('root'), dataset.get('repo_id')
    if root is None and repo_id is None:
        raise UsageError('name the new dataset: --dataset.repo_id=USER/NAME or --dataset.root')
    return Path(str(root)).expanduser() if root is not None else dataset_folder(str(repo_id))


def _task(dataset: dict[str, Any]) -> str | None:
    task = dataset.get('single_task')
    if task is not None and not str(task).strip():
        raise UsageError('--dataset.single_task is a sentence for the robot, found nothing')
    return None if task is None else str(task)


def _fps(dataset: dict[str, Any]) -> int | None:
    fps = dataset.get('fps')
    if fps is not None and (isinstance(fps, bool) or not isinstance(fps, int) or fps < 1):
        raise UsageError(f'--dataset.fps is a whole number above 0, found {fps!r}')
    return fps


def _episodes(dataset: dict[str, Any]) -> list[int] | None:
    episodes: Any = dataset.get('episodes')
    if episodes is None:
        return None
    is_list = isinstance(episodes, list) and bool(episodes)
    if not is_list or not all(isinstance(number, int) and number >= 0 for number in episodes):
        raise UsageError(f'--dataset.episodes is a list such as "[0, 3]", found {episodes!r}')
    return list(episodes)


def _tell_plan(console: Console, dataset: OldDataset) -> None:
    for key, entry in dataset.entries.items():
        console.print(f'{key}: {entry["dtype"]} {entry["shape"]}')
    for number, problem in sorted(dataset.problems.items()):
        console.print(f'would leave out episode {number}: {problem}')
    for line in dataset.notices.lines(len(dataset.episodes)):
        console.print(line)
    frames = sum(episode.length for episode in dataset.episodes)
    console.print(
        f'{dataset.meta.version} dataset: would convert {len(dataset.episodes)} episodes, '
        f'{frames} frames at {dataset.fps} Hz; nothing was written'
    )


def _tell(console: Console, root: Path, converted: Converted) -> None:
    for number, problem in sorted(converted.skipped.items()):
        console.print(f'left out episode {number}: {problem}')
    for line in converted.notices:
        console.print(line)
    if converted.resumed:
        console.print(f'{converted.resumed} episodes were there from an interrupted call')
    console.print(f'{converted.episodes} episodes, {converted.frames} frames, in {root}')
