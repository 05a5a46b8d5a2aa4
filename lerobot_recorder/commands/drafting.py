"""What the commands share that look at something unknown and write a first file for it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lerobot_drivers.common.command_line import make_console, section_of, switch
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import ConfigError, UsageError
from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE
from lerobot_drivers.robots.config import RobotConfig
from lerobot_recorder.draft import Draft
from lerobot_recorder.draft_entries import Entry
from lerobot_recorder.robot_mapping import robots_with, with_units
from lerobot_recorder.session_file import of_others, record_config
from lerobot_recorder.survey import SeenTopic

STDOUT = ('-', [None])
"""A dash, and what YAML makes of it."""


@dataclass(frozen=True)
class Target:
    """Where the file goes.

    Attributes:
        path: the file, None for standard output.
    """

    path: Path | None

    @classmethod
    def of(cls, sections: Section, default: str) -> Target:
        """Return what ``--init`` says, before anything is started.

        Raises:
            UsageError: the file is there already, or its folder is not.
        """
        asked = sections.get('init')
        if asked in STDOUT:
            return cls(None)
        path = Path(default if asked in (True, None) else str(asked)).expanduser()
        if path.exists() and not switch(sections, 'force'):
            raise UsageError(f'{path} is there already: name another with --init=FILE, or --force')
        if not path.parent.is_dir():
            raise UsageError(f'--init={path}: there is no folder {path.parent}')
        return cls(path)

    @property
    def name(self) -> str:
        """How the file is called in what is told of it."""
        return 'FILE' if self.path is None else str(self.path)

    def console(self) -> Console:
        """Return where to talk to the user: beside the file, if that is standard output."""
        console = make_console(wraps=True)
        if self.path is None:
            console.stderr = True
        return console

    def write(self, text: str, draft: Draft) -> None:
        """Write the file once it has been read as the command will.

        Raises:
            ConfigError: it cannot be written.
        """
        config = record_config(yaml.safe_load(text), self.name)
        if not draft.undecided:
            config.mapping('/', {})
        if self.path is None:
            sys.stdout.write(text)
            return
        try:
            self.path.write_text(text, encoding='utf-8')
        except OSError as error:
            raise ConfigError(f'{self.path} cannot be written: {error.strerror}') from error


def in_units(draft: Draft, sections: Section) -> Draft:
    """Return the draft in the units of a robot that the user named."""
    section = section_of(of_others(sections), 'robot')
    if not section:
        return draft
    robot = build(RobotConfig, section, 'robot')

    def turned(entry: Entry) -> Entry:
        if entry.key not in (OBSERVATION_STATE, ACTION) or not entry.value:
            return entry
        return replace(entry, value=with_units({entry.key: entry.value}, robot)[entry.key])

    return replace(draft, features=tuple(map(turned, draft.features)))


def tell(console: Console, draft: Draft, seen: Mapping[str, SeenTopic], target: Target) -> None:
    """Print what was found and what is still to be decided."""
    console.print(_table(draft, seen))
    say = functools.partial(console.print, soft_wrap=True)
    say(f'{draft.fps} rows/s fit: {draft.why_fps}')
    state = next((e.value for e in draft.features if e.key == OBSERVATION_STATE and e.value), {})
    if 'units' not in state and (known := robots_with(state.get('joints', ()))):
        say(
            f"these are the joints of {', '.join(known)}: for LeRobot's units, write the file "
            f'with --robot.type={known[-1]} --robot.id=NAME (its calibration)'
        )
    if draft.tables:
        count = len(draft.tables)
        say(f'{count} more could be kept beside the dataset: see native in {target.name}')
    for key in draft.undecided:
        say(f'{key} is not decided: take one of its candidates in {target.name}', style='yellow')
    keys = [entry.key for entry in draft.features]
    for key, what in ((OBSERVATION_STATE, 'joint states'), (ACTION, 'commands')):
        if key not in keys:
            say(f'no topic looks like {what}: {key} is left out', style='yellow')


def _table(draft: Draft, seen: Mapping[str, SeenTopic]) -> Table:
    table = Table('feature', 'topic', 'heard', box=SIMPLE_HEAD, pad_edge=False)
    for entry in draft.features:
        if entry.value is not None:
            _rows(table, entry.key, (entry.value, entry.told), seen)
        for candidate in entry.candidates:
            if 'sources' not in candidate[0]:  # of all together, each stands there
                _rows(table, f'{entry.key}?', candidate, seen)
    for entry in draft.optional:
        _rows(table, f'not taken: {entry.key}', (entry.value or {}, entry.told), seen)
    for entry in draft.native:
        _rows(table, f'native {entry.key}', (entry.value or {}, entry.told), seen)
    for topic, why in draft.left_out.items():
        table.add_row('-', Text(topic, overflow='fold'), f'left out: {why}')
    return table


def _rows(
    table: Table, key: str, known: tuple[Mapping[str, Any], str], seen: Mapping[str, SeenTopic]
) -> None:
    value, told = known
    for source in value.get('sources', [value]):
        one = seen.get(source['topic'])
        heard = one.short if one else told.partition(';')[0]
        table.add_row(*(Text(text, overflow='fold') for text in (key, source['topic'], heard)))
