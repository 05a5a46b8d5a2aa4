"""``lerobot-ros convert``: a dataset out of a bag, or out of a LeRobot v2 dataset."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_drivers.common.command_line import (
    has_flag,
    make_console,
    read_sections,
    seconds,
    section_of,
    split_positional,
    switch,
)
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import DatasetError, UsageError
from lerobot_drivers.common.help_text import Group, Help
from lerobot_drivers.common.interruption import Interruption
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_session import with_session
from lerobot_recorder.bags.options import KEYS as BAG_KEYS
from lerobot_recorder.bags.options import bag_options
from lerobot_recorder.commands.bag_words import names_many
from lerobot_recorder.commands.convert_report import tell_after, tell_before, tell_plan
from lerobot_recorder.commands.which_dataset import check_free
from lerobot_recorder.conversion.config import EpisodesConfig
from lerobot_recorder.conversion.result import Converted
from lerobot_recorder.convert import Conversion, ConvertJob
from lerobot_recorder.dataset import durable, info, layout
from lerobot_recorder.hub.session import check_upload, upload_recorded
from lerobot_recorder.old_datasets.meta import is_dataset
from lerobot_recorder.session_facts import session_facts
from lerobot_recorder.session_file import RecordConfig, of_others, record_config

KNOWN = (
    'bag', 'robot', 'dataset', 'recorder', 'topics', 'processor', 'episodes', 'start_s', 'end_s',
    'resume', 'dry_run', 'report', *BAG_KEYS,
)  # fmt: skip
UNTOLD = 'untold'
"""Stands where no task was named, until it is known whether the bag tells one."""
HELP = Help(
    usage='lerobot-ros convert BAG --dataset.repo_id=USER/NAME [--section.key=value ...]',
    about='Makes episodes of a LeRobot v3.0 dataset of a bag: rosbag2 (mcap, sqlite3) or ROS 1.',
    examples=(
        'lerobot-ros convert BAG --init                     a first mapping, by looking inside',
        'lerobot-ros convert BAG --config_path=convert.yaml --dry-run',
        'lerobot-ros convert BAG --config_path=convert.yaml --resume=true',
        'lerobot-ros convert BAG ... --episodes.by=marker --episodes.topic=/episode',
    ),
    groups=(
        Group(
            'bag and dataset',
            lines={
                'BAG': 'folder of a rosbag2, or one file of it',
                '--dataset.root=FOLDER': 'where it goes, else to the place of its repo_id',
                '--dataset.single_task=TEXT': 'what the robot was told, where the bag '
                'does not say',
                '--dataset.fps=30': 'rows per second',
                '--dataset.rgb_encoder.{vcodec,preset,crf,g,pix_fmt,extra_options}': 'vcodec: '
                'h264, hevc, libsvtav1, mjpeg (keeps JPEGs as they come), hardware ones, auto',
                '--dataset.depth_encoder.{depth_min,depth_max,shift,use_log}': '',
                '--dataset.video=false': 'pictures as images in Parquet',
                '--dataset.push_to_hub=true, .private=true, .tags="[a, b]"': 'upload it',
                '--resume=true': 'add to the dataset that is there; what of the bag is in it '
                'already is left out',
                '--dry-run': 'tell what is in the bag and what would be made of it; write nothing',
                '--report=FILE.json': 'what was told, for machines',
                '--start_s=N, --end_s=N': 'stamps between which rows lie [s since the epoch]; of '
                'a bag that record made, by default those of its episode',
                '--msgs=FOLDER': 'definitions (.msg, .idl) of types that the bag does not define',
                '--allow_missing_parts=true': 'although files that metadata.yaml names are absent',
                '--config_path=FILE': 'all of these from a file',
                '--init[=convert.yaml]': 'look into the bag and write such a file, - to show it; '
                'with --topics.*, --dataset.*, --recorder.preset, --force',
            },
        ),
        Group(
            'streams',
            lines={
                '--topics.state=TOPIC, .action=TOPIC|none, .cameras="{front: /topic}"': '',
                '--robot.type=so101_follower': 'joints and units of a robot that is known',
                '--recorder.mode=aligned|as_seen, .features={...}, .stamps=true': '',
                '--recorder.native="{wrench: {topic: /ft/wrench}}"': 'kept at its native rate '
                'beside the dataset',
                '--recorder.allow_low_rate=true': 'although nothing is as fast as --dataset.fps',
                '--processor.robot_observation="[{type: ..., ...}]", .teleop_action': 'steps on '
                'rows',
                '--dataset.augmentation.{brightness,rotation,...}': 'see docs/processors.md',
            },
        ),
        Group('episodes out of a long bag', EpisodesConfig, 'episodes'),
        Group(
            'many bags into one dataset',
            lines={
                'FOLDER, BAG BAG ..., "day*/run_*", @LIST': 'all bags in a folder, several, those '
                'of a pattern, those of a file with one a line',
                '--jobs=N': 'processes, by default as many as cores and memory allow',
                '--allow_failed=true': 'leave out bags that cannot be converted',
            },
        ),
        Group('many bags on a cluster', 'lerobot_recorder.bulk.cluster:ClusterConfig', 'cluster'),
        Group(
            'FOLDER of a LeRobot v2.0 or v2.1 dataset instead of a bag; a call that was '
            'interrupted goes on',
            lines={
                '--dataset.episodes="[0, 3]"': 'only these',
                '--dataset.single_task=TEXT, .fps=30': 'where the old dataset does not say them',
                '--allow_failed=true': 'leave out episodes that cannot be converted',
                '--dry-run, --report=FILE.json': 'as for bags',
            },
        ),
    ),
    notes="""Markers: Bool (start as it becomes true), Int (start at a number that is not 0),
String (start, stop, success, failure, discard, or "start: the task"), Empty (toggle),
Joy (button 0). Services: events of those named start, stop, save, discard ...""",
)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``convert``.

    Raises:
        UsageError: flags that cannot be obeyed.
        BagError: the bag cannot be read or does not hold what is needed.
        DatasetExistsError: there is a dataset already, and no ``--resume=true``.
        HubError: what is made could not be uploaded, or was not.
    """
    other = _other(arguments)
    if other is not None:
        return int(import_module(other).run(arguments))
    word, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN)
    told = sections.pop('bag', None)
    bag = word or (told if isinstance(told, str) else None)  # else it is what record makes
    if bag is None:
        raise UsageError('name the bag: lerobot-ros convert BAG --dataset.repo_id=USER/NAME')
    return _convert(Path(bag).expanduser(), with_session(sections, Path(bag).expanduser()))


def _other(arguments: Sequence[str]) -> str | None:
    """Return the module of what else is asked for than one bag; each takes its time to load."""
    word, _ = split_positional(arguments)
    if has_flag(arguments, 'init'):
        return 'lerobot_recorder.commands.convert_init'
    if word is not None and is_dataset(Path(word).expanduser()):
        return 'lerobot_recorder.commands.convert_old'
    return 'lerobot_recorder.commands.convert_many' if names_many(arguments) else None


def _convert(bag: Path, sections: Section) -> int:
    dry_run, report = switch(sections, 'dry_run'), report_path(sections)
    config, console = config_of(sections), make_console(wraps=True)

    def say(line: str) -> None:
        console.print(line, soft_wrap=True)

    if not dry_run:
        if not config.resume:
            check_free(config.dataset.folder, ', or add to it with --resume=true')
        check_upload(config.dataset, config.resume, say)
    job = job_of(bag, config, sections)
    with Conversion(job, only_looks=dry_run) as conversion:
        tell_before(console, conversion)
        if dry_run or conversion.problems:
            write_report(report, conversion.document())
        conversion.check()
        if dry_run:
            tell_plan(console, conversion)
            return 0
        with _told_what_is_saved(job.root, say):
            converted = _run(conversion, console)
    tell_after(console, converted, conversion.notices)
    write_report(report, converted.document())
    upload_recorded(config.dataset, say)
    return 0


def _run(conversion: Conversion, console: Console) -> Converted:
    """Convert; Ctrl-C comes between two messages, where no episode is half begun or ended."""
    with Interruption() as interruption, Progress(console=console, transient=True) as bars:
        bar = bars.add_task('converting', total=conversion.messages)

        def progress(done: int) -> None:
            interruption.check()
            bars.update(bar, completed=done)

        return conversion.run(progress)


@contextlib.contextmanager
def _told_what_is_saved(root: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Say what there is and how to go on, whatever ends a conversion before its time."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(DatasetError):
            if (root / layout.INFO).exists():
                number = info.read(root)['total_episodes']
                say(f'{number} episodes are saved in {root}; --resume=true goes on from there')
        raise


def report_path(sections: Section) -> Path | None:
    """Return the file that is to tell what became of bags, None if nobody asked.

    Raises:
        UsageError: there can be no such file.
    """
    told = sections.get('report')
    if told is None:
        return None
    if not isinstance(told, str):
        raise UsageError(f'--report is a file, such as --report=convert.json, found {told!r}')
    path = Path(told).expanduser()
    if not path.absolute().parent.is_dir():
        raise UsageError(f'--report: there is no folder {path.parent}')
    return path


def write_report(path: Path | None, document: dict[str, Any]) -> None:
    """Write what became of bags, where somebody asked for it."""
    if path is not None:
        text = json.dumps(document, indent=2, ensure_ascii=False)
        durable.write_bytes(path, text.encode())


def config_of(sections: Section) -> RecordConfig:
    """Return the settings; the task may be the bag's to tell.

    Raises:
        ConfigError: one is missing, unknown or wrong.
    """
    dataset = section_of(sections, 'dataset')
    sections = {**sections, 'dataset': {'single_task': UNTOLD, **_name_of(sections), **dataset}}
    sections = {**of_others(sections), 'resume': switch(sections, 'resume')}
    return record_config(sections, 'convert')


def _name_of(sections: Section) -> Section:
    """Return a name for a dataset whose folder is name enough, and for one that is not made."""
    root = section_of(sections, 'dataset').get('root')
    if root is None and not switch(sections, 'dry_run'):
        return {}
    return {'repo_id': f'local/{Path(str(root)).name if root else "dry_run"}'}


def job_of(bag: Path, config: RecordConfig, sections: Section) -> ConvertJob:
    """Return what to make of a bag.

    Args:
        bag: the bag.
        config: the settings.
        sections: as they were read.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        BagError: the bag cannot be read.
        StreamError: it is not clear which topics to take.
    """
    start_s, end_s = seconds(sections, 'start_s'), seconds(sections, 'end_s')
    if start_s is not None and end_s is not None and start_s >= end_s:
        raise UsageError(f'--start_s must lie before --end_s, found {start_s} and {end_s}')
    reading = bag_options(sections)
    with BagReader(bag, reading) as opened:
        mapping = config.mapping('', opened.topics)
    task = section_of(sections, 'dataset').get('single_task')
    return ConvertJob(
        bag=bag,
        root=config.dataset.folder,
        mapping=mapping,
        task='' if task is None else config.dataset.single_task,
        dataset=config.dataset,
        session=session_facts(sections),
        sent=config.topics.sent,
        start_ns=0 if start_s is None else round(start_s * NS_PER_S),
        end_ns=FOREVER_NS if end_s is None else round(end_s * NS_PER_S),
        allow_low_rate=config.recorder.allow_low_rate,
        processor=config.processor,
        episodes=build(EpisodesConfig, section_of(sections, 'episodes'), 'episodes'),
        resume=config.resume,
        reading=reading,
        facts=config.facts(mapping),
    )
