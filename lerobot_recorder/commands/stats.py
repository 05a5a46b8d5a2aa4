"""``lerobot-ros stats``: are the statistics of a dataset those of its data?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    split_positional,
    switch,
)
from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root
from lerobot_recorder.dataset.edits.deviations import WHOLE, Deviation
from lerobot_recorder.dataset.edits.recompute import Recomputed, recompute
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.edits.write_statistics import write_statistics
from lerobot_recorder.dataset.statistics import NAMES

KNOWN = ('dataset', 'write', 'decode', 'json')
HELP = """usage: lerobot-ros stats FOLDER | --dataset.repo_id=USER/NAME [--write=true]

Computes the statistics of a dataset anew, exactly, and compares meta/stats.json and those of its
episodes with them. Exit code 1 if some are missing or wrong.

  --write=true                 write what was computed into the dataset, all of it or nothing
  --decode=true                decode pictures of all episodes (else only where no histogram of
                               them was kept)
  --json=FILE                  write statistics and deviations there too
  --dataset.root=FOLDER        the dataset's folder"""
_SHOWN = [name for name in NAMES if name != 'count']


def run(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1 if statistics are wrong and stay so.

    Args:
        arguments: the command line after ``stats``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: the dataset is not whole or in use, or the disk refused.
    """
    folder, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': DATASET_KEYS})
    root = dataset_root(sections, folder)
    decode, write = switch(sections, 'decode'), switch(sections, 'write')
    console = make_console(wraps=True)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('reading', total=None)

        def tell(done: int, of: int) -> None:
            progress.update(bar, completed=done, total=of)

        if write:
            found = write_statistics(root, decode, tell)
        else:
            found = recompute(read_source(root, needs_statistics=False), decode, tell)
    if sections.get('json'):
        _write_json(Path(str(sections['json'])).expanduser(), found)
    table = _table(found)
    console.width = max(console.width, _width(console, table))
    console.print(table)
    for line in told(found.deviations):
        console.print(line, soft_wrap=True)
    wrong = bool(found.deviations)
    word = 'written' if write and wrong else 'wrong' if wrong else 'exact'
    console.print(f'{root}: statistics are {word}', soft_wrap=True)
    return 1 if wrong and not write else 0


def told(deviations: Sequence[Deviation]) -> Iterator[str]:
    """Yield what is wrong, a line for each feature in stats.json and one for it in episodes."""

    def place(deviation: Deviation) -> tuple[bool, str]:
        return deviation.where != WHOLE, deviation.feature

    for (in_episodes, feature), group in groupby(sorted(deviations, key=place), key=place):
        found = list(group)
        names = ', '.join(name for name in NAMES if name in {one.name for one in found})
        wheres = list(dict.fromkeys(one.where for one in found))
        more = f' and {len(wheres) - 3} more' if len(wheres) > 3 else ''
        where = f'meta/episodes, {", ".join(wheres[:3])}{more}' if in_episodes else WHOLE
        parts = [one.part for one in found if one.part is not None]
        how = f'off by up to {max(parts):.2%} of the range' if parts else 'missing'
        yield f'{where}: {feature}: {names} {how}'


def _width(console: Console, table: Table) -> int:
    """Return how wide a table is: numbers that are cut off are of no use."""
    endless = console.options.update(width=1000)
    return console.measure(table, options=endless).maximum


def _table(found: Recomputed) -> Table:
    table = Table('feature', *_SHOWN, box=SIMPLE_HEAD, pad_edge=False)
    for key, lists in found.whole.items():
        columns = [np.asarray(lists[name], np.float64).ravel() for name in _SHOWN]
        for number, values in enumerate(zip(*columns, strict=True)):
            name = _name(key, found.features[key], number, len(columns[0]))
            table.add_row(name, *(f'{value:.4g}' for value in values))
    return table


def _name(key: str, feature: Any, number: int, count: int) -> str:
    names = feature.get('names')
    if isinstance(names, list) and len(names) == count and feature['dtype'] != 'video':
        return f'{key} {names[number]}' if count > 1 else key
    return f'{key} {number}' if count > 1 else key


def _write_json(path: Path, found: Recomputed) -> None:
    document = {
        'statistics': dict(found.whole),
        'deviations': [asdict(deviation) for deviation in found.deviations],
    }
    try:
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding='utf-8')
    except OSError as error:
        raise DatasetError(f'{path} cannot be written: {error}') from error
