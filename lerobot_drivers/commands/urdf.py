"""``lerobot-ros urdf``: what a robot looks like, for any tool that reads URDF."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

from lerobot_drivers.common.command_line import read_sections, section_of
from lerobot_drivers.common.errors import ConfigError, UsageError
from lerobot_drivers.common.spellings import nearest
from lerobot_drivers.urdf.models import robot_urdf, urdf_names

KNOWN = ('robot', 'teleop')
_TYPES = textwrap.fill(', '.join(urdf_names()), 90, subsequent_indent='       ')
HELP = f"""usage: lerobot-ros urdf --robot.type=TYPE | --teleop.type=TYPE [--robot.side=left]

Prints the URDF that the robot's node publishes on robot_description:
lerobot-ros urdf --robot.type=aloha > aloha.urdf

  --robot.type=TYPE            of the list below
  --teleop.type=TYPE           the same, of a leader
  --robot.side=left            of a hand: left or right

Types: {_TYPES}"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``urdf``.

    Raises:
        UsageError: not exactly one type is told.
        ConfigError: a robot of this type has no URDF here.
    """
    sections = read_sections(arguments, KNOWN)
    told = [section for name in KNOWN if (section := section_of(sections, name)).get('type')]
    if len(told) != 1:
        raise UsageError('one of --robot.type and --teleop.type is needed')
    name, side = str(told[0]['type']), told[0].get('side')
    text = robot_urdf(f'{name}_{side}' if side else name)
    if text is None:
        raise ConfigError(
            f'there is no URDF of a {name}{f" with side {side}" if side else ""}'
            f'{nearest(name, urdf_names())}; known: {", ".join(urdf_names())}'
        )
    sys.stdout.write(text)
    return 0
