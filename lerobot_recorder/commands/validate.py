"""``lerobot-ros validate``: is a dataset on disk what the format asks for?"""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    split_positional,
    switch,
)
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root
from lerobot_recorder.dataset.validate import ERROR, validate_dataset

KNOWN = ('dataset', 'decode')
HELP = """usage: lerobot-ros validate FOLDER | --dataset.repo_id=USER/NAME [--decode=true]

Checks a LeRobot v3.0 dataset: rows, indices, times, tasks, episodes, videos, statistics.

  --dataset.root=FOLDER        the dataset's folder
  --decode=true                decode every frame of every video too"""


def run(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1 if anything is wrong.

    Args:
        arguments: the command line after ``validate``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: there is no such folder.
    """
    folder, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': DATASET_KEYS})
    root = dataset_root(sections, folder)
    findings = validate_dataset(root, decode=switch(sections, 'decode'))
    console = make_console()
    for finding in findings:
        console.print(str(finding))
    errors = sum(finding.severity == ERROR for finding in findings)
    told = 'valid' if not errors else '1 error' if errors == 1 else f'{errors} errors'
    console.print(f'{root}: {told}')
    return 1 if errors else 0
