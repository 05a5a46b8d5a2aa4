"""``lerobot-ros to-bag``: the episodes of a dataset as bags."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    seconds,
    split_positional,
    switch,
)
from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import DatasetError, UsageError
from lerobot_recorder.bag_config import BagConfig, Compression, Storage
from lerobot_recorder.commands.episode_choice import numbers
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.to_bag.assumed_outline import Assumptions
from lerobot_recorder.to_bag.outlines import Wishes
from lerobot_recorder.to_bag.picture_messages import ImageKind
from lerobot_recorder.to_bag.write import ToBagJob, Written, write_bags

Choice = TypeVar('Choice', bound=Enum)
ASSUMED = ('degrees', 'start_s')
KNOWN = ('dataset', 'to', 'episodes', 'single_bag', 'storage', 'compression', 'images', *ASSUMED)
HELP = """usage: lerobot-ros to-bag DATASET_FOLDER --to=FOLDER [--episodes=0,3-5]

Writes the episodes of a LeRobot v3.0 dataset as rosbag2, one bag each: topics, types, stamps,
frames, camera_info, static transforms and the robot's model as they were recorded, joints in
rad and m again. What was kept message by message comes message by message. `lerobot-ros convert`
makes the same rows of it, without another flag; `lerobot-ros play` publishes it.

  --dataset.repo_id=USER/NAME, --dataset.root=FOLDER     instead of DATASET_FOLDER
  --episodes=0,3-5             which ones; all by default
  --single_bag=true            all in one bag, one after the other; --to is the bag then
  --storage=mcap               or sqlite3
  --compression=none           or zstd, which takes several times the processor's time
  --images=auto                as they were recorded; raw, jpeg or png for all (JPEGs and PNGs
                               that lie in the dataset come as they are)

Of a dataset that does not tell its topics (not recorded by lerobot_ros): observation.state
becomes /joint_states, action /joint_commands, a camera /<camera>/image_raw.

  --degrees=true               its joints are in degrees; else they are taken for rad
  --start_s=1600000000         when its first episode began, seconds since the epoch"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``to-bag``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: there is no such dataset, or it cannot be read.
        BagError: there is something already, or the disk refuses.
    """
    folder, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': DATASET_KEYS})
    root = dataset_root(sections, folder)
    if not sections.get('to'):
        raise UsageError('name the folder of the bags with --to=FOLDER')
    job = ToBagJob(
        root=root,
        to=Path(str(sections['to'])).expanduser(),
        episodes=chosen_episodes(sections, root),
        single_bag=switch(sections, 'single_bag'),
        config=BagConfig(
            storage=_choice(sections, 'storage', Storage.MCAP),
            compression=_choice(sections, 'compression', Compression.NONE),
        ),
        wishes=wishes_of(sections),
    )
    console = make_console(wraps=True)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('writing', total=None)
        written = write_bags(job, lambda done: progress.update(bar, completed=done))
    _report(console, job, written)
    return 0


def chosen_episodes(sections: Section, root: Path) -> list[int]:
    """Return the numbers of the episodes that a command line names, all by default.

    Raises:
        UsageError: there is no such episode.
        DatasetError: the dataset cannot be read, or has no episodes.
    """
    total = DatasetReader(root, statistics=False).num_episodes
    if not total:
        raise DatasetError(f'{root} has no episodes')
    told = sections.get('episodes')
    return list(range(total)) if told is None else numbers(told, total, '--episodes')


def wishes_of(sections: Section) -> Wishes:
    """Return how a command line wants a dataset to be told.

    Raises:
        UsageError: flags that cannot be obeyed.
    """
    start_s = seconds(sections, 'start_s')
    default = Assumptions().start_ns
    start_ns = default if start_s is None else round(start_s * NS_PER_S)
    images = _choice(sections, 'images', ImageKind.AUTO)
    return Wishes(images, Assumptions(start_ns, switch(sections, 'degrees')))


def _choice(sections: Section, name: str, default: Choice) -> Choice:
    value = sections.get(name, default.value)
    try:
        return type(default)(value)
    except ValueError:
        known = ', '.join(str(choice.value) for choice in type(default))
        raise UsageError(f'--{name} is one of {known}, found {value!r}') from None


def _report(console: Console, job: ToBagJob, written: Written) -> None:
    for topic, count in sorted(written.messages.items()):
        console.print(f'{topic}: {count} messages', soft_wrap=True)
    for notice in written.notices:
        console.print(notice, soft_wrap=True)
    bags = 'bag' if written.bags == 1 else 'bags'
    episodes = len(job.episodes)
    console.print(f'{written.bags} {bags} of {episodes} episodes, in {job.to}', soft_wrap=True)
