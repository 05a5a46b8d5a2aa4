"""``lerobot-ros info``: what a dataset holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lerobot_drivers.common.command_line import read_sections
from lerobot_recorder.commands.which_dataset import dataset_root
from lerobot_recorder.dataset.dataset_reader import DatasetReader
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
    """
    words = list(arguments)
    folder = words.pop(0) if words and not words[0].startswith('--') else None
    sections = read_sections(words, KNOWN)
    reader = DatasetReader(dataset_root(sections, folder))
    console = Console(highlight=False)
    console.print(_summary(reader))
    console.print(_features(reader))
    console.print(_episodes(reader))
    if sections.get('filmstrip'):
        path = Path(str(sections['filmstrip']))
        write_filmstrip(reader, path)
        console.print(f'filmstrip: {path}')
    return 0


def _summary(reader: DatasetReader) -> str:
    size = sum(path.stat().st_size for path in reader.root.rglob('*') if path.is_file())
    frames = int(reader.info['total_frames'])
    return (
        f'{reader.root}: {reader.num_episodes} episodes, {frames} frames, '
        f'{frames / reader.fps:.1f} s at {reader.fps} fps, {size / 2**20:.1f} MiB, '
        f'robot {reader.info.get("robot_type") or "unknown"}'
    )


def _features(reader: DatasetReader) -> Table:
    table = Table('feature', 'type', 'shape', 'names')
    for key, feature in reader.features.items():
        names = feature.get('names')
        listed = ', '.join(map(str, names)) if isinstance(names, list) else ''
        table.add_row(key, feature['dtype'], 'x'.join(map(str, feature['shape'])), listed)
    return table


def _episodes(reader: DatasetReader) -> Table:
    table = Table('episode', 'frames', 'seconds', 'task')
    for index in range(reader.num_episodes):
        episode = reader.episode(index)
        seconds = f'{episode.length / reader.fps:.1f}'
        table.add_row(str(index), str(episode.length), seconds, ', '.join(episode.tasks))
    return table
