"""Several robots in one session: each with a file of its own, and who drives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lerobot_drivers.common.arm_cameras import SIDES, cameras_of
from lerobot_drivers.common.config import STRICT_KEYS, Section, build, merge, read_yaml
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.graph import namespace_of, write_session
from lerobot_drivers.common.supervisor import ProcessSpec

OF_A_ROBOT = ('robot', 'teleop', 'policy', 'mux', 'control_mode')
"""What a robot's file is asked for; other sections of it belong to the session."""


@dataclass(frozen=True, kw_only=True)
class RobotsConfig:
    """Several robots in one session (``--robots.*``).

    Attributes:
        config_paths: a file for each robot, with its sections robot, teleop, policy, mux.
        datasets: ``one`` of all robots together, or ``each`` its own, ``<repo_id>_<id>``.
        members: those sections themselves instead of files.
    """

    __pydantic_config__ = STRICT_KEYS

    config_paths: list[Path] = field(default_factory=list)
    datasets: Literal['one', 'each'] = 'one'
    members: list[dict[str, Any]] = field(default_factory=list)


def expanded(sections: Section) -> Section:
    """Return a session's sections with the files of its robots read in.

    Raises:
        ConfigError: a file or section cannot be obeyed, or two robots get in each other's way.
    """
    if 'robots' not in sections:
        return sections
    there = [name for name in ('robot', 'teleop', 'policy') if name in sections]
    if there:
        raise ConfigError(
            f'robots and {there[0]} exclude each other: a session has one robot, or several of '
            f'which each has its {there[0]} in its own file (--robots.config_paths)'
        )
    robots = build(RobotsConfig, sections['robots'], 'robots')
    members = [*map(_read, robots.config_paths), *robots.members]
    if len(members) < 2:
        raise ConfigError(f'robots must name at least two robots, found {len(members)}')
    shared = {name: sections[name] for name in OF_A_ROBOT if name in sections}
    members = [merge(shared, member) for member in members]
    _check(members)
    return {**sections, 'robots': {'datasets': robots.datasets, 'members': members}}


def members_of(sections: Section) -> list[Section]:
    """Return the sections of each robot of a session that was expanded; of one, they are it."""
    robots = sections.get('robots')
    return list(robots['members']) if robots else [sections]


def name_of(member: Section) -> str:
    """Return a robot's name among several: its id, as names of topics and features take it."""
    return namespace_of(member.get('robot'), '').strip('/')


def processes_of_each(
    sections: Section,
    config_file: Path,
    make: Callable[[Section, Path], list[ProcessSpec]],
) -> list[ProcessSpec]:
    """Return the processes of all robots of a session.

    Among several each robot has a configuration file of its own, beside the session's.

    Args:
        sections: of the session.
        config_file: where they were written.
        make: returns the processes of one robot.
    """
    if 'robots' not in sections:
        return make(sections, config_file)
    found = []
    for member in members_of(sections):
        name = name_of(member)
        specs = make(member, write_session(config_file.parent, member, f'robot_{name}'))
        found += [replace(spec, name=f'{name}_{spec.name}', node=spec.name) for spec in specs]
    return found


def _read(path: Path) -> Section:
    path = path.expanduser()
    sections = read_yaml(path)
    if 'robot' not in sections and 'type' in sections:
        return {'robot': sections}
    return {name: sections[name] for name in OF_A_ROBOT if name in sections}


def _check(members: Sequence[Section]) -> None:
    for number, member in enumerate(members, start=1):
        robot = member.get('robot')
        if not isinstance(robot, dict) or not robot.get('id'):
            raise ConfigError(
                f'robots: number {number} has no robot.id; its features and topics are named '
                'after that'
            )
    _check_differ('ids', [name_of(member) for member in members])
    leaders = [member['teleop'] for member in members if 'teleop' in member]
    _check_differ('teleop ids', [namespace_of(leader, 'none')[1:] for leader in leaders])
    _check_differ('ports', [port for member in members for port in _ports(member)])
    _check_differ('cameras', [place for member in members for place in _cameras(member)])


def _ports(member: Section) -> Iterator[str]:
    for section in ('robot', 'teleop'):
        told = member.get(section) or {}
        sides = [told.get(f'{side}_arm_config') or {} for side in SIDES]
        ports = [told.get('port'), *(told.get(f'{side}_arm_port') for side in SIDES)]
        yield from (str(port) for port in (*ports, *(side.get('port') for side in sides)) if port)


def _cameras(member: Section) -> Iterator[str]:
    for camera in cameras_of(member['robot']).values():
        if isinstance(camera, dict) and 'index_or_path' in camera:
            yield str(camera['index_or_path'])


def _check_differ(what: str, found: Sequence[str]) -> None:
    doubled = [name for name, times in Counter(found).items() if times > 1]
    if doubled:
        raise ConfigError(f'robots: their {what} must differ, {", ".join(doubled)} occurs twice')
