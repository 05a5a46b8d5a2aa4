"""The SO-101 for MuJoCo, made of the numbers that draw and move the simulated one.

Link masses are those of TheRobotStudio/SO-ARM100 (Apache-2.0),
``Simulation/SO101/so101_new_calib.urdf``; each is spread over its link's capsules by volume.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lerobot_drivers.sim.figure import Capsule, Joint
from lerobot_drivers.sim.kinematics import JOINTS, SO101
from lerobot_drivers.sim.markers import RADIUS as MARKER_RADIUS

LINK_MASSES = (0.147, 0.1, 0.103, 0.104, 0.079, 0.087, 0.012)
"""Of the base and of each joint's link [kg]."""

HAND, JAW = 5, 6
STOP_MARGIN = 0.02
"""Beyond a joint's range, where its mechanical stop is [rad]."""
FACE = 0.0065
"""Face of the fixed finger's pad in the hand's frame: the jaw opens towards +x [m]."""
PAD_MIDDLE = -0.086
"""Middle of both pads in the hand's frame, along z [m]."""
PARALLEL_AT = 0.15
"""Angle of the gripper at which the pads are parallel, and CUBE apart [rad]."""
PARALLEL_GAP = 0.025

_PAD = (0.002, 0.009, 0.02)
_PAD_COLOUR = (58, 60, 66)
_PAD_OPTIONS = 'friction="1.2 0.02 0.0005" condim="4" solimp="0.95 0.99 0.001" solref="0.008 1"'


def arm_xml(actuator_force: float) -> tuple[str, str]:
    """Return the bodies of an arm at the origin and its actuators, as MJCF.

    Args:
        actuator_force: the most that a motor can do [N m].
    """
    bodies = ''
    for link in range(len(JOINTS), 0, -1):
        bodies = _body(JOINTS[link - 1], _link_xml(link) + bodies)
    motors = ''.join(_actuator(joint.name, actuator_force) for joint in JOINTS)
    return f'<body name="base">{_link_xml(0)}{bodies}</body>', motors


def numbers(values: Iterable[float]) -> str:
    """Return numbers as MJCF takes them."""
    return ' '.join(f'{value:.7g}' for value in values)


def rgba(color: Sequence[int]) -> str:
    """Return an opaque colour as MJCF takes it."""
    return numbers([*(part / 255 for part in color), 1])


def _body(joint: Joint, inside: str) -> str:
    limits = numbers((joint.lower - STOP_MARGIN, joint.upper + STOP_MARGIN))
    return (
        f'<body name="{joint.name}" pos="{numbers(joint.xyz)}" euler="{numbers(joint.rpy)}">'
        f'<joint name="{joint.name}" class="servo" range="{limits}"/>{inside}</body>'
    )


def _actuator(joint: str, force: float) -> str:
    """Return a position controller; the servo's registers set its gains while it runs."""
    return (
        f'<general name="{joint}" joint="{joint}" biastype="affine" gainprm="0" '
        f'biasprm="0 0 0" forcerange="{numbers((-force, force))}"/>'
    )


def _link_xml(link: int) -> str:
    rods = [capsule for capsule in SO101.capsules if capsule.link == link]
    density = LINK_MASSES[link] / sum(map(_volume, rods))
    xml = ''.join(_rod(capsule, _volume(capsule) * density) for capsule in rods)
    xml += ''.join(_ball(m.offset, m.color) for m in SO101.markers if m.link == link)
    return xml + {HAND: _fixed_pad, JAW: _moving_pad}.get(link, str)()


def _rod(capsule: Capsule, mass: float) -> str:
    kind = 'finger' if capsule.link in (HAND, JAW) else 'rod'
    return (
        f'<geom class="{kind}" fromto="{numbers((*capsule.start, *capsule.end))}" '
        f'size="{_radius(capsule):.6g}" mass="{mass:.6g}" rgba="{rgba(capsule.color)}"/>'
    )


def _ball(centre: Sequence[float], color: Sequence[int]) -> str:
    return (
        f'<geom class="drawn" type="sphere" pos="{numbers(centre)}" '
        f'size="{MARKER_RADIUS}" rgba="{rgba(color)}"/>'
    )


def _fixed_pad() -> str:
    return _pad('fixed_pad', (-FACE - _PAD[0], 0.0, PAD_MIDDLE), (0.0, 0.0, 0.0))


def _moving_pad() -> str:
    """Place the pad in the jaw's frame so that it faces the other one at PARALLEL_AT."""
    axis = JOINTS[JAW - 1].xyz
    ahead, below = PARALLEL_GAP - FACE + _PAD[0] - axis[0], PAD_MIDDLE - axis[2]
    c, s = math.cos(PARALLEL_AT), math.sin(PARALLEL_AT)
    centre = (c * ahead + s * below, c * below - s * ahead, axis[1])
    return _pad('moving_pad', centre, (math.pi / 2, 0.0, -PARALLEL_AT))


def _pad(name: str, centre: Sequence[float], rpy: Sequence[float]) -> str:
    return (
        f'<geom name="{name}" class="pad" type="box" size="{numbers(_PAD)}" '
        f'pos="{numbers(centre)}" euler="{numbers(rpy)}" rgba="{rgba(_PAD_COLOUR)}" '
        f'{_PAD_OPTIONS}/>'
    )


def _radius(capsule: Capsule) -> float:
    return sum(capsule.radii) / 2


def _volume(capsule: Capsule) -> float:
    radius = _radius(capsule)
    return math.pi * radius**2 * (math.dist(capsule.start, capsule.end) + 4 / 3 * radius)
