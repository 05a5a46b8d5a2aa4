"""``lerobot-ros convert BAG --init``: look into a bag and write a first file for it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.command_line import read_sections, section_of, split_positional
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import BagError, UsageError
from lerobot_drivers.common.health import Level
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_survey import HEAD_NS, number_paths, survey_bag
from lerobot_recorder.bags.options import KEYS, bag_options
from lerobot_recorder.commands.drafting import STDOUT, Target, in_units, tell
from lerobot_recorder.config import RecorderConfig, TopicsConfig
from lerobot_recorder.disagreements.bag import bag_disagreements
from lerobot_recorder.draft import Draft, make_draft
from lerobot_recorder.draft_frames import find_frames, frame_entries
from lerobot_recorder.draft_others import Others, OtherTopic
from lerobot_recorder.draft_text import Frame, session_text
from lerobot_recorder.findings import Finding
from lerobot_recorder.presets import choose
from lerobot_recorder.session_file import of_others
from lerobot_recorder.survey import SeenTopic, counted

KNOWN = ('init', 'force', 'topics', 'dataset', 'recorder', 'robot', *KEYS)
RECORDER_KEYS = ('preset',)
DEFAULT_FILE = 'convert.yaml'
USAGE = 'name the bag: lerobot-ros convert BAG --init=FILE.yaml'
HEAD = """\
Written by lerobot-ros convert --init: what is in {bag}
({what}) and what was assumed.
Of each topic the first {head} s were looked at. Look at it, then:
{follow}
"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``convert``.

    Raises:
        UsageError: flags that cannot be obeyed, or the file is there already.
        ConfigError: settings that cannot be obeyed.
        BagError: the bag cannot be read, or holds nothing that can be recorded.
        StreamError: a topic that was named is not there.
    """
    bag, sections = _bag_of(arguments)
    target = Target.of(sections, DEFAULT_FILE)
    topics = build(TopicsConfig, section_of(sections, 'topics'), 'topics')
    recorder = build(RecorderConfig, section_of(sections, 'recorder'), 'recorder')
    choose(recorder.preset, {})  # unknown names are told before anything is read
    with BagReader(bag, bag_options(sections)) as opened:
        what = f'{opened.duration_s:.1f} s, {counted(opened.message_count)}'
        seen = survey_bag(opened)
        chosen = choose(recorder.preset, {topic: one.msgtype for topic, one in seen.items()})
        draft = make_draft(seen, topics.hints(), chosen, _others(opened, seen))
        _check_worth(opened, draft, seen)
        draft = in_units(draft, sections)
        decided = {entry.key: entry.value for entry in draft.features if entry.value}
        noticed = bag_disagreements(opened, decided, draft.fps)
        noticed = [*_losses(opened), *noticed]
    how = ''.join(f' --{key}={_flag(sections[key])}' for key in KEYS if key in sections)
    file = f'--config_path={target.name} --dataset.repo_id=USER/NAME'
    follow = f'lerobot-ros convert {bag} {file}{how}'
    frame = Frame(
        HEAD.format(bag=bag, what=what, head=HEAD_NS // NS_PER_S, follow=follow),
        {},
        section_of(sections, 'dataset'),
        section_of(of_others(sections), 'robot'),
        [str(finding) for finding in noticed],
    )
    target.write(session_text(draft, frame), draft)
    console = target.console()
    tell(console, draft, seen, target)
    for finding in noticed:
        style = 'yellow' if finding.level > Level.OK else None
        console.print(f'noticed: {finding}', style=style, soft_wrap=True)
    console.print(f'{target.name} is written: {follow}', soft_wrap=True)
    return 0


def _bag_of(arguments: Sequence[str]) -> tuple[Path, Section]:
    """Return the bag, be it before the flags or after ``--init``, and the sections."""
    word, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'recorder': RECORDER_KEYS})
    asked = sections.get('init')
    if word is None and isinstance(asked, str) and asked not in STDOUT and Path(asked).exists():
        word, sections['init'] = asked, True
    if word is None:
        raise UsageError(USAGE)
    return Path(word).expanduser(), sections


def _flag(value: object) -> str:
    """Return a setting as it is typed."""
    return str(value).lower() if isinstance(value, bool) else shlex.quote(str(value))


def _losses(bag: BagReader) -> list[Finding]:
    return [Finding(Level.WARN, 'bag', notice) for notice in bag.notices]


def _others(bag: BagReader, seen: Mapping[str, SeenTopic]) -> Others:
    topics = sorted(topic for topic in bag.topics if topic not in seen)
    paths = number_paths(bag, topics)
    found = [
        OtherTopic(topic, bag.topics[topic], bag.count([topic]), paths.get(topic, ()))
        for topic in topics
    ]
    others = Others.of(found, bag.types)
    frames = frame_entries(find_frames(bag), {one.topic: one.count for one in found})
    return replace(others, features=(*others.features, *frames))


def _check_worth(bag: BagReader, draft: Draft, seen: Mapping[str, SeenTopic]) -> None:
    """Check that there is something to make a dataset of.

    Raises:
        BagError: nothing; names what is there.
    """
    if draft.features:
        return
    why = {topic: one.problem for topic, one in seen.items()}
    there = [
        f'{topic} ({known.trouble or why.get(topic) or known.msgtype})'
        for topic, known in bag.all_topics.items()
    ]
    raise BagError(
        f'bag {bag.path} holds no topic that looks like joint states, commands, a camera or '
        f'another sensor; there are: {", ".join(there) or "none at all"}'
    )
