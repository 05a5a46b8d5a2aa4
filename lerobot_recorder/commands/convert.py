"""``lerobot-ros convert``: a dataset out of a bag."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lerobot_drivers.common.command_line import read_sections
from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import UsageError
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.commands.record import check_dataset_folder
from lerobot_recorder.convert import Converted, ConvertJob, convert_bag
from lerobot_recorder.session_file import RecordConfig, record_config

KNOWN = ('bag', 'robot', 'dataset', 'recorder', 'topics', 'start_s', 'end_s')
HELP = """usage: lerobot-ros convert BAG --dataset.repo_id=USER/NAME [--section.key=value ...]

Makes a LeRobot v3.0 dataset of a bag: rosbag2 (mcap, sqlite3) or ROS 1.

  BAG                          folder of a rosbag2, or one file of it
  --dataset.root=FOLDER, --dataset.fps=30, --dataset.single_task="..."
  --dataset.rgb_encoder.{vcodec,preset,crf,g}
  --topics.state=TOPIC, --topics.action=TOPIC|none, --topics.cameras="{front: /topic}"
  --robot.type=so101_follower  joints and units of a robot that is known
  --recorder.mode=aligned|as_seen, --recorder.features={...}
  --start_s, --end_s           stamps between which rows lie, seconds since the epoch
  --config_path=FILE           all of these from a file"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``convert``.

    Raises:
        UsageError: flags that cannot be obeyed.
        BagError: the bag cannot be read or does not hold what is needed.
        DatasetExistsError: there is a dataset already.
    """
    words = list(arguments)
    bag = words.pop(0) if words and not words[0].startswith('--') else None
    sections = read_sections(words, KNOWN)
    bag = sections.pop('bag', bag)
    if bag is None:
        raise UsageError('name the bag: lerobot-ros convert BAG --dataset.repo_id=USER/NAME')
    sections['attach'] = True
    config = record_config(sections, 'convert')
    check_dataset_folder(config)
    console = Console(highlight=False)
    job = _job(Path(str(bag)).expanduser(), config, sections)
    with Progress(console=console, transient=True) as progress, BagReader(job.bag) as opened:
        bar = progress.add_task('converting', total=opened.count(job.mapping.topics()))
        converted = convert_bag(job, lambda done: progress.update(bar, completed=done))
    _report(console, job, converted)
    return 0


def _job(bag: Path, config: RecordConfig, sections: Section) -> ConvertJob:
    with BagReader(bag) as opened:
        mapping = config.mapping('', opened.topics)
    return ConvertJob(
        bag=bag,
        root=config.dataset.folder,
        mapping=mapping,
        task=config.dataset.single_task,
        video=config.dataset.rgb_encoder.video(),
        start_ns=_nanoseconds(sections.get('start_s'), 0),
        end_ns=_nanoseconds(sections.get('end_s'), 2**62),
    )


def _nanoseconds(seconds: object, default: int) -> int:
    if seconds is None:
        return default
    if not isinstance(seconds, int | float):
        raise UsageError(f'--start_s and --end_s are seconds since the epoch, found {seconds!r}')
    return round(seconds * 1e9)


def _report(console: Console, job: ConvertJob, converted: Converted) -> None:
    table = Table('stream', 'messages', 'fresh', 'repeated', 'slips', 'held', 'clock')
    for name, figures in converted.streams.items():
        clock = ', '.join(f'{key} {count}' for key, count in figures['clock'].items())
        numbers = ('received', 'fresh', 'repeats', 'slips', 'held')
        table.add_row(name, *(str(figures[key]) for key in numbers), clock)
    console.print(table)
    ended = f', {converted.outcome}' if converted.outcome else ''
    console.print(f'{converted.frames} frames, {converted.duration_s:.1f} s{ended}, in {job.root}')
