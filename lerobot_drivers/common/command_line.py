"""What the commands share: sections from a file and flags, checked before anything starts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from lerobot_drivers.common.config import Section, merge, parse_flags, read_yaml
from lerobot_drivers.common.errors import ConfigError, UsageError

CONFIG_PATH = 'config_path'


def read_sections(arguments: Sequence[str], known: Collection[str]) -> Section:
    """Return the sections of a session: the file of ``--config_path``, flags laid over it.

    Args:
        arguments: the command line after the command's name.
        known: names of the sections and top-level flags the command understands.

    Raises:
        UsageError: a flag is none, or not one of those known.
        ConfigError: the file cannot be read.
    """
    flags = parse_flags(arguments)
    path = flags.pop(CONFIG_PATH, None)
    robot = flags.get('robot')
    robot_path = robot.pop(CONFIG_PATH, None) if isinstance(robot, dict) else None
    unknown = sorted(set(flags) - set(known))
    if unknown:
        raise UsageError(
            f'unknown flag --{unknown[0]}; known: '
            + ', '.join(f'--{name}' for name in (CONFIG_PATH, *known))
        )
    base: Section = {}
    if path is not None:
        base = read_yaml(Path(str(path)).expanduser())
    if robot_path is not None:
        base = merge(base, {'robot': _robot_section(Path(str(robot_path)).expanduser())})
    return merge(base, flags)


def _robot_section(path: Path) -> Section:
    section = read_yaml(path)
    robot = section.get('robot', section)
    if not isinstance(robot, dict):
        raise ConfigError(f'{path}: section robot must be a mapping, found {robot!r}')
    return robot
