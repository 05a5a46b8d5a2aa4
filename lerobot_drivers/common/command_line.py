"""What the commands share: sections from a file and flags, checked before anything starts."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from lerobot_drivers.common.config import Section, merge, parse_flags, read_yaml, set_key
from lerobot_drivers.common.display import DISPLAY_FLAGS
from lerobot_drivers.common.errors import ConfigError, UsageError
from lerobot_drivers.common.spellings import nearest, respelt, unknown_flag

CONFIG_PATH = 'config_path'
SECTIONS = (
    'robot', 'robots', 'teleop', 'mux', 'dataset', 'policy', 'recorder', 'topics', 'processor',
    'dashboard', 'episodes',
)  # fmt: skip
"""What a session's file may hold, whichever command reads it ..."""
SETTINGS = (
    'control_mode', 'attach', 'resume', 'teleop_time_s', 'bag', 'start_s', 'end_s', 'filmstrip',
    'decode', 'play_sounds', 'check', *DISPLAY_FLAGS, 'mode', 'save', 'output_dir', 'web_port',
    'grpc_port', 'dry_run', 'report',
)  # fmt: skip
"""... and the settings beside them."""


def make_console(*, wraps: bool = False) -> Console:
    """Return where a command talks to its user.

    What comes from a user (paths, tasks, names) is printed as it is: no markup, no emoji. A
    letter that the terminal's encoding has not is shown as a question mark.

    Args:
        wraps: break lines at the width of the terminal; for tables and what is live.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='replace')
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=not wraps)


def read_sections(
    arguments: Sequence[str],
    known: Collection[str],
    known_keys: Mapping[str, Collection[str]] | None = None,
) -> Section:
    """Return the sections of a session: the file of ``--config_path``, flags laid over it.

    A file may hold sections that are another command's; a flag may not.

    Args:
        arguments: the command line after the command's name.
        known: names of the sections and top-level flags the command understands.
        known_keys: section -> the keys of it that the command understands as flags, where
            it does not take all of them.

    Raises:
        UsageError: a flag is none, or not one of those known.
        ConfigError: the file cannot be read, or holds a section that nobody knows.
    """
    flags = _respell(parse_flags(arguments), (CONFIG_PATH, *known))
    path = flags.pop(CONFIG_PATH, None)
    robot_path = _pop_robot_path(flags)
    robot_flag = () if robot_path is None else ('robot',)
    _check_flags({*flags, *robot_flag}, (CONFIG_PATH, *known))
    for section, keys in (known_keys or {}).items():
        if isinstance(flags.get(section), dict):
            dotted = {f'{section}.{key}' for key in flags[section]}
            _check_flags(dotted, [f'{section}.{key}' for key in keys])
    base: Section = {}
    if path is not None:
        base = _session_file(Path(str(path)).expanduser())
    if robot_path is not None:
        base = merge(base, {'robot': _robot_section(Path(str(robot_path)).expanduser())})
    return merge(base, flags, empty_clears=True)  # as in --robot.cameras={}


def section_of(sections: Section, name: str) -> Section:
    """Return a section, empty if it is not there.

    Raises:
        ConfigError: it is no mapping.
    """
    section = sections.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise ConfigError(f'section {name} must be a mapping, found {section!r}')
    return section


def has_flag(arguments: Sequence[str], name: str) -> bool:
    """Return whether a flag is on a command line, with a value or without one."""
    return any(word == f'--{name}' or word.startswith(f'--{name}=') for word in arguments)


def switch(sections: Section, name: str, default: bool = False) -> bool:
    """Return a setting that is true or false.

    Raises:
        UsageError: it is neither.
    """
    value = sections.get(name, default)
    if not isinstance(value, bool):
        raise UsageError(f'--{name} is true or false, found {value!r}')
    return value


def seconds(sections: Section, name: str) -> float | None:
    """Return a setting that is a time [s], None if it is not there.

    Raises:
        UsageError: it is not a finite number, or below 0.
    """
    value = sections.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise UsageError(f'--{name} is a number of seconds, found {value!r}')
    return float(value)


def split_positional(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the word a command line begins with, None if it is a flag, and the rest."""
    words = list(arguments)
    has_word = bool(words) and not words[0].startswith('--')
    return (words[0], words[1:]) if has_word else (None, words)


def _check_flags(flags: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(flags) - set(known))
    if unknown:
        raise unknown_flag(unknown[0], known)


def _respell(flags: Section, known: Collection[str]) -> Section:
    """Return flags under this project's names; see ``spellings``."""
    result: Section = {}
    for name, value in flags.items():
        target = respelt(name, known)
        section, _, key = target.partition('.')
        given = flags.get(section)
        if target != name and (target in flags or (isinstance(given, dict) and key in given)):
            raise UsageError(f'--{name} means --{target}, which is there too')
        if not key and isinstance(value, dict) and isinstance(result.get(name), dict):
            value = merge(result[name], value)
        set_key(result, target, value)
    return result


def _pop_robot_path(flags: Section) -> object:
    robot = flags.get('robot')
    if not isinstance(robot, dict) or CONFIG_PATH not in robot:
        return None
    path = robot.pop(CONFIG_PATH)
    if not robot:
        del flags['robot']  # an empty section would clear the one in the file
    return path


def _session_file(path: Path) -> Section:
    sections = read_yaml(path)
    known = (*SECTIONS, *SETTINGS)
    unknown = [str(name) for name in sections if name not in known]
    if unknown:
        raise ConfigError(
            f'{path}: {unknown[0]} is not a known section{nearest(unknown[0], known)}; '
            f'known: {", ".join(known)}'
        )
    robots = sections.get('robots')
    if isinstance(robots, dict) and isinstance(robots.get('config_paths'), list):
        # As the file names them: beside itself.
        paths = [
            str(path.parent / Path(str(name)).expanduser()) for name in robots['config_paths']
        ]
        sections['robots'] = {**robots, 'config_paths': paths}
    return sections


def _robot_section(path: Path) -> Section:
    section = read_yaml(path)
    robot = section.get('robot', section)
    if not isinstance(robot, dict):
        raise ConfigError(f'{path}: section robot must be a mapping, found {robot!r}')
    return robot
