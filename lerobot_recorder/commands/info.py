"""``lerobot-ros info``: what a dataset holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from lerobot_drivers.common.command_line import make_console, read_sections, split_positional
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.layout import RECORDS
from lerobot_recorder.dataset.record import read_document
from lerobot_recorder.filmstrip import write_filmstrip

KNOWN = ('dataset', 'filmstrip')
HELP = """usage: lerobot-ros info FOLDER | --dataset.repo_id=USER/NAME [--filmstrip=FILE.png]

Shows the episodes, features and size of a dataset.

  --dataset.root=FOLDER        the dataset's folder
  --filmstrip=FILE.png         a picture of its first episodes"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``info``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: there is no such dataset, it cannot be read, or the picture cannot
            be written.
    """
    folder, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': DATASET_KEYS})
    reader = DatasetReader(dataset_root(sections, folder))
    console = make_console()
    console.print(_summary(reader))
    console.print(_features(reader), soft_wrap=False)
    console.print(_episodes(reader), soft_wrap=False)
    if sections.get('filmstrip'):
        path = Path(str(sections['filmstrip'])).expanduser()
        write_filmstrip(reader, path)
        console.print(f'filmstrip: {path}')
    return 0


def _summary(reader: DatasetReader) -> str:
    size = sum(path.stat().st_size for path in reader.root.rglob('*') if path.is_file())
    frames = sum(row.length for row in reader.rows_of_episodes())
    return (
        f'{reader.root}: {reader.num_episodes} episodes, {frames} frames, '
        f'{frames / reader.fps:.1f} s at {reader.fps} fps, {size / 2**20:.1f} MiB, '
        f'robot {reader.info.get("robot_type") or "unknown"}'
    )


def _features(reader: DatasetReader) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow='fold')
    table.add_column(overflow='fold')
    for key, feature in reader.features.items():
        names = feature.get('names')
        listed = ', '.join(map(str, names)) if isinstance(names, list) else ''
        shape = 'x'.join(map(str, feature.get('shape', ())))
        table.add_row(key, f'{feature.get("dtype")} {shape}' + (f': {listed}' if listed else ''))
    return table


def _episodes(reader: DatasetReader) -> Table:
    heads = ('episode', 'frames', 'seconds', 'outcome', 'verdict', 'task')
    table = Table(*heads, box=SIMPLE_HEAD, pad_edge=False)
    for index, row in enumerate(reader.rows_of_episodes()):
        seconds = f'{row.length / reader.fps:.1f}'
        verdict = _verdict(reader.root, row.extra.get('ros/uuid'))
        outcome = row.extra.get('ros/outcome') or '-'
        numbers = (str(index), str(row.length), seconds)
        table.add_row(*numbers, outcome, verdict, ', '.join(row.tasks))
    return table


def _verdict(root: Path, uuid: str | None) -> str:
    """Return the word on an episode in its record, a dash where there is none."""
    record = read_document(root / RECORDS / f'{uuid}.json') or {}
    try:
        return str(record['details']['verdict']['grade'])
    except (KeyError, TypeError):
        return '-'
