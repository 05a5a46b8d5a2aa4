"""The URDF of a configured robot: its type's, a file of its owner's, or none."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from xml.etree import ElementTree

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.urdf.models import robot_urdf
from lerobot_drivers.urdf.parts import document, parsed, root_link, stilled

NONE = 'none'
"""What ``robot.urdf`` says where none is wanted."""


def description_of(kind: str, side: str | None = None, urdf: str | None = None) -> str | None:
    """Return the URDF of a robot, None if none is wanted or there is none.

    Args:
        kind: its type.
        side: of a hand, left or right.
        urdf: a file that holds it, ``none``, or None for the one of its type.

    Raises:
        ConfigError: the file is no URDF.
    """
    if urdf == NONE:
        return None
    if urdf is not None:
        return read_urdf(Path(urdf).expanduser())
    return robot_urdf(f'{kind}_{side}' if side else kind)


def read_urdf(path: Path) -> str:
    """Return the text of a URDF file.

    Raises:
        ConfigError: it cannot be read, or is no URDF of one tree of links.
    """
    try:
        text = path.read_text(encoding='utf-8')
        robot = parsed(text)
        if robot.tag != 'robot':
            raise ValueError(f'its root is <{robot.tag}>, expected <robot>')
        root_link(robot)
    except (OSError, ValueError, ElementTree.ParseError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise ConfigError(
            f'robot.urdf {path}: {reason}; expected a plain URDF file '
            f'(of a xacro file: xacro my.urdf.xacro > my.urdf), or {NONE}'
        ) from error
    return text


def as_told(text: str, joints: Collection[str]) -> str:
    """Return one of our URDFs with those joints fixed of which no state is told.

    Such are the wheels of a LeKiwi, or an arm that its owner does not use.

    Args:
        text: the URDF.
        joints: names on ``joint_states``.
    """
    robot = parsed(text)
    before = len(robot.findall('joint[@type="fixed"]'))
    stilled(robot, joints)
    same = len(robot.findall('joint[@type="fixed"]')) == before
    return text if same else document(robot)


def missing_joints(text: str, names: Iterable[str]) -> list[str]:
    """Return those of some joints that a URDF has not."""
    there = {joint.get('name') for joint in parsed(text).iterfind('joint')}
    return [name for name in names if name not in there]
