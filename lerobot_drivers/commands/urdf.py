"""``lerobot-ros urdf``: what a robot looks like, for any tool that reads URDF."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

from lerobot_drivers.common.command_line import read_sections, section_of
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import ConfigError, LerobotRosError, UsageError
from lerobot_drivers.common.spellings import nearest
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.urdf.description import as_told, description_of
from lerobot_drivers.urdf.models import urdf_names

KNOWN = ('robot', 'teleop')
_TYPES = textwrap.fill(', '.join(urdf_names()), 90, subsequent_indent='       ')
HELP = f"""usage: lerobot-ros urdf --robot.type=TYPE | --teleop.type=TYPE | --config_path=FILE

Prints what a robot looks like, for any tool that reads URDF:
lerobot-ros urdf --robot.type=aloha > aloha.urdf

  --robot.type=TYPE            of the list below
  --teleop.type=TYPE           the same, of a leader
  --robot.side=left            of a hand: left or right
  --config_path=FILE           of the robot in a file (as its node publishes it: what it does
                               not use stands still), or its leader where it has no robot

Types: {_TYPES}"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``urdf``.

    Raises:
        UsageError: no type is told.
        ConfigError: a robot of this type has no URDF here.
    """
    sections = read_sections(arguments, KNOWN)
    told = [section for name in KNOWN if (section := section_of(sections, name)).get('type')]
    if not told:
        raise UsageError('--robot.type, --teleop.type or a file of --config_path is needed')
    name, side, urdf = (told[0].get(key) for key in ('type', 'side', 'urdf'))
    text = description_of(str(name), side, None if urdf is None else str(urdf))
    if text is None:
        raise ConfigError(
            f'there is no URDF of a {name}{f" with side {side}" if side else ""}'
            f'{nearest(str(name), urdf_names())}; known: {", ".join(urdf_names())}'
        )
    joints = None if urdf else _joints(told[0])
    sys.stdout.write(text if joints is None else as_told(text, joints))
    return 0


def _joints(section: Section) -> list[str] | None:
    """Return the joints of a configured robot, None where more would have to be told."""
    try:
        return [joint.name for joint in make_robot(build(RobotConfig, section, 'robot')).joints]
    except LerobotRosError:
        return None
