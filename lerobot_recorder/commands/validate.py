"""``lerobot-ros validate``: is a dataset on disk what the format asks for?"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from lerobot_drivers.common.command_line import read_sections
from lerobot_recorder.commands.which_dataset import dataset_root
from lerobot_recorder.dataset.validate import validate_dataset

KNOWN = ('dataset', 'decode')
HELP = """usage: lerobot-ros validate FOLDER | --dataset.repo_id=USER/NAME [--decode=true]

Checks a LeRobot v3.0 dataset: rows, indices, times, tasks, episodes, videos, statistics.

  --dataset.root=FOLDER        the dataset's folder
  --decode=true                decode every frame of every video too"""


def run(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1 if anything is wrong.

    Args:
        arguments: the command line after ``validate``.
    """
    words = list(arguments)
    folder = words.pop(0) if words and not words[0].startswith('--') else None
    sections = read_sections(words, KNOWN)
    root = dataset_root(sections, folder)
    findings = validate_dataset(root, decode=bool(sections.get('decode', False)))
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(str(finding))
    errors = [finding for finding in findings if finding.severity == 'error']
    console.print(f'{root}: ' + (f'{len(errors)} errors' if errors else 'valid'))
    return 1 if errors else 0
