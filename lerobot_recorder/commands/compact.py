"""``lerobot-ros compact``: join the many small files of a dataset."""

from __future__ import annotations

from collections.abc import Sequence

from rich.progress import Progress

from lerobot_drivers.common.command_line import make_console, read_sections, split_positional
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root, stands_inside
from lerobot_recorder.dataset.compact import Compacted, Figures, compact_dataset

KNOWN = ('dataset',)
HELP = """usage: lerobot-ros compact FOLDER | --dataset.repo_id=USER/NAME

Joins the files of a dataset up to the limits in its info.json (100 MB of data, 200 MB of video),
without encoding anything anew. The dataset stays readable; nobody may record into it meanwhile.

  --dataset.root=FOLDER        the dataset's folder"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``compact``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: there is no such dataset, it is not whole or in use, or the disk refused.
    """
    folder, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': DATASET_KEYS})
    root = dataset_root(sections, folder)
    inside = stands_inside(root)
    console = make_console(wraps=True)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('joining', total=None)
        done = compact_dataset(
            root, lambda copied, total: progress.update(bar, completed=copied, total=total)
        )
    for notice in done.notices:
        console.print(notice, soft_wrap=True)
    console.print(f'{root}: {summary(done)}', soft_wrap=True)
    if inside and done.is_changed:
        console.print('this terminal stands in the old folder: enter it again with cd')
    return 0


def summary(done: Compacted) -> str:
    """Return what was done in one line."""
    if not done.is_changed:
        return f'nothing to join, {_files(done.before)}'
    return f'{_files(done.before)} -> {_files(done.after)}'


def _files(figures: Figures) -> str:
    return (
        f'{figures.data} data, {figures.videos} video and {figures.episodes} episodes files, '
        f'{figures.size / 2**20:.1f} MiB'
    )
