"""``lerobot-ros record --init``: look at a graph that runs and write a first session file."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lerobot_drivers.common.command_line import make_console, read_sections, section_of, switch
from lerobot_drivers.common.config import Section, build, read_yaml
from lerobot_drivers.common.errors import ConfigError, GraphError, UsageError
from lerobot_drivers.common.graph import prepare_environment
from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE
from lerobot_drivers.common.processes import RECEIVER_PROFILE, require_rclpy
from lerobot_drivers.common.registry import load_object
from lerobot_drivers.robots.config import RobotConfig
from lerobot_recorder.config import RecorderConfig, TopicsConfig
from lerobot_recorder.draft import Draft, make_draft
from lerobot_recorder.draft_text import session_text
from lerobot_recorder.presets import choose
from lerobot_recorder.robot_mapping import robots_with, with_units
from lerobot_recorder.session_file import of_others, record_config
from lerobot_recorder.survey import SeenTopic, Survey

KNOWN = ('init', 'force', 'topics', 'dataset', 'recorder', 'robot')
RECORDER_KEYS = ('preset',)
DEFAULT_FILE = 'record.yaml'


def is_asked_for(arguments: Sequence[str]) -> bool:
    """Return whether a command line of ``record`` asks for a file instead of a recording."""
    return any(word == '--init' or word.startswith('--init=') for word in arguments)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``record``.

    Raises:
        UsageError: flags that cannot be obeyed, or the file is there already.
        ConfigError: settings that cannot be obeyed.
        StreamError: a topic that was named is not there.
        GraphError: there is no rclpy, or nothing in the graph that can be recorded.
    """
    sections = read_sections(arguments, KNOWN, {'recorder': RECORDER_KEYS})
    path = _target(sections)
    topics = build(TopicsConfig, section_of(sections, 'topics'), 'topics')
    recorder = build(RecorderConfig, section_of(sections, 'recorder'), 'recorder')
    choose(recorder.preset, {})  # unknown names are told before anything starts
    seen = listen(sections)
    chosen = choose(recorder.preset, {topic: one.msgtype for topic, one in seen.items()})
    draft = _in_units(make_draft(seen, topics.hints(), chosen), sections)
    if not draft.features:
        raise GraphError(
            'no topic looks like joint states, commands or a camera; there are: '
            f'{", ".join(seen)}; name them with --topics.state, --topics.action, --topics.cameras'
        )
    robot = section_of(of_others(sections), 'robot')
    text = session_text(draft, section_of(sections, 'dataset'), robot, str(path))
    _write(path, text)
    _check(path, draft)
    _tell(path, draft, seen)
    return 0


def listen(sections: Section) -> dict[str, SeenTopic]:
    """Return what is heard in the graph.

    Raises:
        GraphError: nothing that can be recorded.
    """
    require_rclpy()
    prepare_environment(sections)
    make_console().print('listening to the graph for some seconds')
    from lerobot_drivers.ros import run_node  # rclpy only now: the environment is prepared

    found: list[Survey] = []
    node = load_object('lerobot_recorder.survey_node:SurveyNode', 'the survey')
    code = run_node(lambda: node(found.append), ['--ros-args'], RECEIVER_PROFILE)
    if code or not found:
        raise GraphError('the graph could not be looked at to the end; nothing was written')
    seen = found[0].seen()
    if not seen:
        raise GraphError(
            'nobody publishes a topic that can be recorded: start the robot first, and see that '
            'ROS_DOMAIN_ID and ROS_AUTOMATIC_DISCOVERY_RANGE are the same as there'
        )
    return seen


def _target(sections: Section) -> Path:
    """Return the file to write, before anything is started."""
    asked = sections.get('init')
    path = Path(DEFAULT_FILE if asked in (True, None) else str(asked)).expanduser()
    if path.exists() and not switch(sections, 'force'):
        raise UsageError(f'{path} is there already: name another with --init=FILE, or --force')
    if not path.parent.is_dir():
        raise UsageError(f'--init={path}: there is no folder {path.parent}')
    return path


def _in_units(draft: Draft, sections: Section) -> Draft:
    """Return the draft in the units of a robot that the user named."""
    section = section_of(of_others(sections), 'robot')
    if not section:
        return draft
    robot = build(RobotConfig, section, 'robot')
    entries = [
        replace(entry, value=with_units({entry.key: entry.value}, robot)[entry.key])
        if entry.key in (OBSERVATION_STATE, ACTION) and entry.value
        else entry
        for entry in draft.features
    ]
    return replace(draft, features=tuple(entries))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding='utf-8')
    except OSError as error:
        raise ConfigError(f'{path} cannot be written: {error.strerror}') from error


def _check(path: Path, draft: Draft) -> None:
    """Read the file back as ``record`` will: what was written must be valid."""
    config = record_config(read_yaml(path), str(path))
    if not draft.undecided:
        config.mapping('/', {})


def _tell(path: Path, draft: Draft, seen: Mapping[str, SeenTopic]) -> None:
    """Print what was found and what to do next."""
    console = make_console(wraps=True)
    console.print(_table(draft, seen))
    say = functools.partial(console.print, soft_wrap=True)
    say(f'{draft.fps} rows/s fit: {draft.why_fps}')
    state = next((e.value for e in draft.features if e.key == OBSERVATION_STATE and e.value), {})
    if 'units' not in state and (known := robots_with(state.get('joints', ()))):
        say(
            f"these are the joints of {' and '.join(known)}: for LeRobot's units, write the file "
            f'with --robot.type={known[-1]} --robot.id=NAME (its calibration)'
        )
    for key in draft.undecided:
        say(f'{key} is not decided: take one of its candidates in {path}', style='yellow')
    keys = [entry.key for entry in draft.features]
    for key, what in ((OBSERVATION_STATE, 'joint states'), (ACTION, 'commands')):
        if key not in keys:
            say(f'no topic looks like {what}: {key} is left out', style='yellow')
    say(f'{path} is written: lerobot-ros record --config_path={path} --check=true')


def _table(draft: Draft, seen: Mapping[str, SeenTopic]) -> Table:
    table = Table('feature', 'topic', 'heard', box=SIMPLE_HEAD, pad_edge=False)
    for entry in draft.features:
        for value in [entry.value, *(value for value, _ in entry.candidates)]:
            key = entry.key if entry.value else f'{entry.key}?'
            _rows(table, key, value, seen)
    for entry in draft.native:
        _rows(table, f'native {entry.key}', entry.value, seen)
    for topic, why in draft.left_out.items():
        table.add_row('-', Text(topic, overflow='fold'), f'left out: {why}')
    return table


def _rows(
    table: Table, key: str, value: Mapping[str, Any] | None, seen: Mapping[str, SeenTopic]
) -> None:
    for source in (value or {}).get('sources', [value] if value else []):
        one = seen.get(source['topic'])
        heard = one.short if one else 'nobody published it'
        table.add_row(*(Text(text, overflow='fold') for text in (key, source['topic'], heard)))
