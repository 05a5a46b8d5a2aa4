"""``lerobot-ros delete-episodes``: episodes leave a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    section_of,
    split_positional,
    switch,
)
from lerobot_drivers.common.errors import DatasetError, UsageError
from lerobot_recorder.commands.episode_choice import numbers
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root, stands_inside
from lerobot_recorder.dataset import info
from lerobot_recorder.dataset.edits.delete import delete_episodes
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.edits.split import extract_episodes

KNOWN = ('dataset', 'to', 'episodes', 'link', 'operation')
HELP = """usage: lerobot-ros delete-episodes FOLDER --episodes="[0, 2, 5-7]" [--to=NEW_FOLDER]

Takes episodes out of a dataset: rows, pictures and what meta/ros keeps of them. Nothing is
encoded anew. The dataset keeps its place, and is the old or the new one at every moment; with
--to it stays as it is, and the other episodes become a new dataset. Bags beside it stay.

  --to=NEW_FOLDER              make a new dataset instead
  --link=true                  with --to: share whole videos as hard links, see merge
  --dataset.repo_id=USER/NAME, --dataset.root=FOLDER     instead of FOLDER
  --new_root, --operation.episode_indices     LeRobot's words for --to, --episodes"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``delete-episodes``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: the dataset is not whole or in use, or something lies at the new place.
    """
    folder, flags = split_positional(arguments)
    keys = {'dataset': DATASET_KEYS, 'operation': ('episode_indices',)}
    sections = read_sections(flags, KNOWN, keys)
    root = dataset_root(sections, folder)
    told = sections.get('episodes', section_of(sections, 'operation').get('episode_indices'))
    if told is None:
        raise UsageError('name the episodes with --episodes="[0, 2, 5-7]"')
    total = int(info.read(root).get('total_episodes', 0))
    gone = numbers(told, total, '--episodes')
    link = switch(sections, 'link')
    if link and not sections.get('to'):
        raise UsageError('--link=true is for a new dataset, --to=NEW_FOLDER')
    console = make_console(wraps=True)
    if sections.get('to'):
        _into(root, Path(str(sections['to'])).expanduser(), gone, link, console)
    else:
        _in_place(root, gone, console)
    return 0


def _in_place(root: Path, gone: Sequence[int], console: Console) -> None:
    inside = stands_inside(root)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('deleting', total=None)
        done = delete_episodes(
            root, gone, lambda step, of: progress.update(bar, completed=step, total=of)
        )
    for notice in done.notices:
        console.print(notice, soft_wrap=True)
    told = f'{len(gone)} deleted, {done.episodes} episodes and {done.frames} frames are left'
    console.print(f'{root}: {told}', soft_wrap=True)
    if inside:
        console.print('this terminal stands in the old folder: enter it again with cd')


def _into(root: Path, target: Path, gone: Sequence[int], link: bool, console: Console) -> None:
    source = read_source(root)
    kept = sorted({row.index for row in source.rows} - set(gone))
    if not kept:
        raise DatasetError(f'{root}: no episode would be left')
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('copying', total=None)
        part, notices = extract_episodes(
            source,
            target,
            kept,
            lambda step, of: progress.update(bar, completed=step, total=of),
            link,
        )
    for notice in notices:
        console.print(notice, soft_wrap=True)
    told = f'{part.root}: {part.episodes} episodes, {part.frames} frames'
    console.print(told, soft_wrap=True)
