"""``lerobot-ros split``: one dataset becomes several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    section_of,
    split_positional,
    switch,
)
from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import UsageError
from lerobot_recorder.commands.episode_choice import parts
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.edits.split import split_dataset

KNOWN = ('dataset', 'to', 'splits', 'seed', 'link', 'operation')
HELP = """usage: lerobot-ros split FOLDER --to=NEW_FOLDER --splits="{train: 0.8, val: 0.2}"

Makes datasets of parts of one, NEW_FOLDER/train, NEW_FOLDER/val ... Nothing is encoded anew; what
was there stays as it is.

  --splits="{NAME: SHARE, ...}"          shares of all episodes, in their order
  --splits="{NAME: [0, 1, 4-7], ...}"    or which episodes
  --seed=NUMBER                          draw the episodes of a share instead
  --link=true                            share whole videos as hard links, see merge
  --dataset.repo_id=USER/NAME, --dataset.root=FOLDER     instead of FOLDER
  --new_root, --operation.splits         LeRobot's words for --to, --splits"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``split``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: the dataset is not whole or in use, or something lies at the new place.
    """
    folder, flags = split_positional(arguments)
    keys = {'dataset': DATASET_KEYS, 'operation': ('splits',)}
    sections = read_sections(flags, KNOWN, keys)
    root = dataset_root(sections, folder)
    if not sections.get('to'):
        raise UsageError('name the folder of the new datasets with --to=NEW_FOLDER')
    source = read_source(root)
    splits = sections.get('splits', section_of(sections, 'operation').get('splits'))
    chosen = parts(splits, len(source.rows), _seed(sections))
    target = Path(str(sections['to'])).expanduser()
    console = make_console(wraps=True)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('splitting', total=None)
        made, notices = split_dataset(
            source,
            target,
            chosen,
            lambda step, of: progress.update(bar, completed=step, total=of),
            switch(sections, 'link'),
        )
    for notice in notices:
        console.print(notice, soft_wrap=True)
    for part in made:
        told = f'{part.root}: {part.episodes} episodes, {part.frames} frames'
        console.print(told, soft_wrap=True)
    return 0


def _seed(sections: Section) -> int | None:
    seed = sections.get('seed')
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise UsageError(f'--seed is a whole number, found {seed!r}')
    return seed
