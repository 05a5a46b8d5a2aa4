"""``lerobot-ros merge``: several datasets become a new one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from lerobot_drivers.common.command_line import make_console, read_sections, section_of, switch
from lerobot_drivers.common.errors import UsageError
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, new_root
from lerobot_recorder.dataset.edits.compatibility import Allowed
from lerobot_recorder.dataset.edits.merge import Merging, merge_datasets

KNOWN = (
    'dataset', 'to', 'allow_new_calibration', 'allow_new_processors', 'skip_repeated', 'link',
)  # fmt: skip
HELP = """usage: lerobot-ros merge FOLDER FOLDER ... --to=NEW_FOLDER | --dataset.repo_id=USER/NAME

Makes one dataset of several, ours or LeRobot's, episodes in the order of the folders. Nothing is
encoded anew: videos are taken over as they are, as reflinks where the file system has them. The
datasets must have the same fps, robot and features; all differences are told.

  --skip_repeated=true         take an episode that two of them have only once
  --allow_new_calibration=true, --allow_new_processors=true
                               merge what was recorded with another calibration or other steps
  --link=true                  share videos as hard links where there are no reflinks: quick and
                               small, but who overwrites one in its place changes both datasets
  --dataset.root=FOLDER        the same as --to"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``merge``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: a dataset is not whole or in use, they are not alike, or something lies at
            the new place.
    """
    folders, flags = _split(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': DATASET_KEYS})
    section_of(sections, 'dataset')
    if not folders:
        raise UsageError('name the folders of the datasets that are to be merged')
    target = new_root(sections)
    allowed = Allowed(
        switch(sections, 'allow_new_calibration'), switch(sections, 'allow_new_processors')
    )
    how = Merging(allowed, switch(sections, 'skip_repeated'), switch(sections, 'link'))
    console = make_console(wraps=True)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('merging', total=None)
        done = merge_datasets(
            [Path(folder).expanduser() for folder in folders],
            target,
            lambda step, of: progress.update(bar, completed=step, total=of),
            how,
        )
    for notice in done.notices:
        console.print(notice, soft_wrap=True)
    for uuid, places in done.skipped.items():
        console.print(f'left out, there already: {", ".join(places)} ({uuid})', soft_wrap=True)
    told = f'{done.episodes} episodes, {done.frames} frames, {done.tasks} tasks'
    console.print(f'{done.root}: {told}', soft_wrap=True)
    return 0


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before the first flag, and the rest."""
    count = next((n for n, word in enumerate(arguments) if word.startswith('-')), len(arguments))
    return list(arguments[:count]), list(arguments[count:])
