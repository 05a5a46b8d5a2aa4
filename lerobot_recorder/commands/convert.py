"""``lerobot-ros convert``: a dataset out of a bag, or out of a LeRobot v2 dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    seconds,
    split_positional,
)
from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import UsageError
from lerobot_recorder.bag_link import rows_span_ns
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.commands import convert_init, convert_old, drafting
from lerobot_recorder.commands.which_dataset import check_free
from lerobot_recorder.convert import Converted, ConvertJob, convert_bag
from lerobot_recorder.hub.session import check_upload, upload_recorded
from lerobot_recorder.old_datasets.meta import is_dataset
from lerobot_recorder.session_facts import session_facts
from lerobot_recorder.session_file import RecordConfig, of_others, record_config

WORDS = {
    'fresh': 'fresh', 'repeats': 'repeated', 'slips': 'slips', 'held': 'held', 'late': 'late',
    'duplicates': 'duplicates', 'unusable': 'unusable', 'absurd_stamps': 'absurd stamps',
    'lying_stamps': 'lying stamps', 'clock_jumps': 'clock jumps', 'delayed': 'delayed',
    'skip_slips': 'skipped by clock',
}  # fmt: skip
KNOWN = ('bag', 'robot', 'dataset', 'recorder', 'topics', 'processor', 'start_s', 'end_s')
HELP = """usage: lerobot-ros convert BAG --dataset.repo_id=USER/NAME [--section.key=value ...]

Makes a LeRobot v3.0 dataset of a bag: rosbag2 (mcap, sqlite3) or ROS 1.

  BAG                          folder of a rosbag2, or one file of it
  --dataset.root=FOLDER, --dataset.fps=30, --dataset.single_task="..."
  --dataset.rgb_encoder.{vcodec,preset,crf,g,pix_fmt,extra_options}   vcodec: h264, hevc,
                               libsvtav1, mjpeg (keeps JPEGs as they come), hardware ones, auto
  --dataset.depth_encoder.{depth_min,depth_max,shift,use_log}
  --dataset.video=false        pictures as images in Parquet
  --dataset.push_to_hub=true, --dataset.private=true, --dataset.tags="[a, b]"     upload it
  --topics.state=TOPIC, --topics.action=TOPIC|none, --topics.cameras="{front: /topic}"
  --robot.type=so101_follower  joints and units of a robot that is known
  --recorder.mode=aligned|as_seen, --recorder.features={...}, --recorder.stamps=true
  --recorder.native="{wrench: {topic: /ft/wrench}}"   kept at its native rate beside the dataset
  --recorder.allow_low_rate=true  although no camera is as fast as --dataset.fps
  --processor.robot_observation="[{type: ..., ...}]", --processor.teleop_action   steps on rows
  --dataset.augmentation.{brightness,rotation,...}   see docs/processors.md
  --start_s, --end_s           stamps between which rows lie, seconds since the epoch; of a bag
                               that record made, by default those of its episode
  --config_path=FILE           all of these from a file
  --init[=convert.yaml]        look into the bag and write such a file, - to show it; with
                               --topics.*, --dataset.*, --recorder.preset, --force

usage: lerobot-ros convert FOLDER --dataset.repo_id=USER/NAME [--section.key=value ...]

Makes one of a LeRobot v2.0 or v2.1 dataset, its videos copied; an interrupted call goes on.

  --dataset.root=FOLDER, --dataset.episodes="[0, 3]"
  --dataset.single_task="...", --dataset.fps=30     where the old dataset does not say them
  --skip_bad=true              leave out episodes that are not whole
  --dry_run=true               tell what would be done"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``convert``.

    Raises:
        UsageError: flags that cannot be obeyed.
        BagError: the bag cannot be read or does not hold what is needed.
        DatasetExistsError: there is a dataset already.
        HubError: what is made could not be uploaded, or was not.
    """
    if drafting.is_asked_for(arguments):
        return convert_init.run(arguments)
    word, flags = split_positional(arguments)
    if word is not None and is_dataset(Path(word).expanduser()):
        return convert_old.run(arguments)
    sections = read_sections(flags, KNOWN)
    told = sections.pop('bag', None)
    bag = word or (told if isinstance(told, str) else None)  # else it is what record makes
    if bag is None:
        raise UsageError('name the bag: lerobot-ros convert BAG --dataset.repo_id=USER/NAME')
    config = record_config(of_others(sections), 'convert')
    check_free(config.dataset.folder)
    console = make_console(wraps=True)

    def say(line: str) -> None:
        console.print(line, soft_wrap=True)

    check_upload(config.dataset, False, say)
    job = _job(Path(str(bag)).expanduser(), config, sections)
    with Progress(console=console, transient=True) as progress, BagReader(job.bag) as opened:
        bar = progress.add_task('converting', total=opened.count(job.mapping.topics()))
        converted = convert_bag(job, lambda done: progress.update(bar, completed=done))
    report(console, job.root, converted)
    upload_recorded(config.dataset, say)
    return 0


def _job(bag: Path, config: RecordConfig, sections: Section) -> ConvertJob:
    start_s, end_s = seconds(sections, 'start_s'), seconds(sections, 'end_s')
    if start_s is not None and end_s is not None and start_s >= end_s:
        raise UsageError(f'--start_s must lie before --end_s, found {start_s} and {end_s}')
    with BagReader(bag) as opened:
        mapping = config.mapping('', opened.topics)
    first_ns, last_ns = rows_span_ns(bag)
    return ConvertJob(
        bag=bag,
        root=config.dataset.folder,
        mapping=mapping,
        task=config.dataset.single_task,
        dataset=config.dataset,
        session=session_facts(sections),
        sent=config.topics.sent,
        start_ns=first_ns if start_s is None else round(start_s * NS_PER_S),
        end_ns=last_ns if end_s is None else round(end_s * NS_PER_S),
        allow_low_rate=config.recorder.allow_low_rate,
        processor=config.processor,
    )


def report(console: Console, root: Path, converted: Converted) -> None:
    """Tell what became of each stream; zeros are left out, names are never cut."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow='fold')
    table.add_column(overflow='fold')
    for name, figures in converted.streams.items():
        table.add_row(name, _told(figures))
    if converted.encoding:
        table.add_row('encoding', converted.encoding)
    console.print(table)
    for notice in converted.notices:
        console.print(notice)
    ended = f', {converted.outcome}' if converted.outcome else ''
    summary = f'{converted.frames} frames, {converted.duration_s:.1f} s{ended}, in {root}'
    console.print(summary, soft_wrap=True)


def _told(figures: Mapping[str, Any]) -> str:
    clock = ', '.join(f'{key} {count}' for key, count in figures['clock'].items())
    numbers = {word: figures[key] for key, word in WORDS.items() if figures.get(key)}
    parts = [f'{number} {word}' for word, number in numbers.items()]
    return f'{figures["received"]} messages: {", ".join(parts) or "none used"}; clock: {clock}'
