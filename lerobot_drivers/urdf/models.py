"""Which URDF belongs to which type of robot or teleoperator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from lerobot_drivers.urdf.parts import Element, document, load, mirrored, mounted, prefixed

SO_SPACING = 0.38
"""Between two SO arms side by side, as in the simulated world [m]."""
ALOHA_REACH = 0.469
"""From the middle of ALOHA's table to each of its arms, as in gym-aloha's model [m]."""


def side_by_side(name: str, part: str) -> Element:
    """Return two arms on a table that look the same way."""
    robot = _named(load('table'), name)
    for side, y in (('left', SO_SPACING / 2), ('right', -SO_SPACING / 2)):
        robot = mounted(robot, prefixed(load(part), f'{side}_'), 'base_link', (0.0, y, 0.0))
    return robot


def face_to_face(name: str, part: str) -> Element:
    """Return two arms on a table that look at each other."""
    robot = _named(load('table'), name)
    for side, sign in (('left', 1), ('right', -1)):
        robot = mounted(
            robot,
            prefixed(load(part), f'{side}_'),
            'base_link',
            (0.0, sign * ALOHA_REACH, 0.0),
            (0.0, 0.0, -sign * math.pi / 2),
        )
    return robot


def lekiwi() -> Element:
    """Return a base with an arm on it."""
    base = _named(load('lekiwi_base'), 'lekiwi')
    return mounted(base, prefixed(load('so101'), 'arm_'), 'arm_mount_link')


def left_hand() -> Element:
    """Return the left hand of a HOPE Jr."""
    return _named(mirrored(load('hope_jr_hand')), 'hope_jr_hand_left')


def _named(robot: Element, name: str) -> Element:
    robot.set('name', name)
    return robot


def _file(name: str) -> Callable[[], Element]:
    return partial(load, name)


_MODELS: dict[str, Callable[[], Element]] = {
    **{f'so100_{role}': _file('so100') for role in ('follower', 'leader')},
    **{f'so101_{role}': _file('so101') for role in ('follower', 'leader')},
    **{f'koch_{role}': _file('koch') for role in ('follower', 'leader')},
    **{
        f'bi_{arm}_{role}': partial(side_by_side, f'bi_{arm}', part)
        for arm, part in (('so', 'so101'), ('so100', 'so100'))
        for role in ('follower', 'leader')
    },
    'viperx': _file('vx300s'),
    'widowx': _file('wx250s'),
    'aloha': partial(face_to_face, 'aloha', 'vx300s'),
    'bi_viperx': partial(face_to_face, 'aloha', 'vx300s'),
    **{
        name: partial(face_to_face, 'aloha_leader', 'wx250s')
        for name in ('aloha_leader', 'bi_widowx')
    },
    'reachy2': _file('reachy2'),
    'lekiwi': lekiwi,
    'lekiwi_client': lekiwi,
    'hope_jr_arm': _file('hope_jr_arm'),
    'hope_jr_hand': _file('hope_jr_hand'),
    'hope_jr_hand_left': left_hand,
    'hope_jr_hand_right': _file('hope_jr_hand'),
}


def urdf_names() -> list[str]:
    """Return the types that have a URDF, sorted; a hand's left and right one each."""
    return sorted(_MODELS)


def robot_urdf(name: str) -> str | None:
    """Return the URDF of a type of robot or teleoperator, None if it has none.

    Args:
        name: its type, of a hand with its side, such as ``hope_jr_hand_left``.
    """
    make = _MODELS.get(name)
    return None if make is None else document(make())
