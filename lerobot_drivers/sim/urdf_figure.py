"""A URDF as a figure, so that simulated cameras and RViz show the same body.

Links that do not move against each other become one. Meshes are not drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.figure import Capsule, Color, Figure, Joint, Point, Pose, rotation
from lerobot_drivers.sim.rods import Rod, rods_of
from lerobot_drivers.urdf.models import robot_urdf
from lerobot_drivers.urdf.parts import Element, root_link

CAMERA_JOINT = 'wrist_camera'
ALONG_X = (0.0, -math.pi / 2, 0.0)
"""How a wrist camera sits on a hand that reaches along x with z up [rad]."""
_GREY: Color = (160, 160, 160)
_KINDS = ('revolute', 'continuous', 'prismatic', 'fixed')


def figure_from_urdf(
    document: str, camera_on: str = '', camera_rpy: Point = (0.0, 0.0, 0.0)
) -> Figure:
    """Return the figure of a robot; its joints have the URDF's names, mimics are moved along.

    Args:
        document: the URDF.
        camera_on: name of the link where a wrist camera rides; '' is the base.
        camera_rpy: turn from that link to a frame with the hand along -z and x up [rad].

    Raises:
        ConfigError: it is no URDF of a tree of revolute, prismatic and fixed joints.
    """
    try:
        robot = ElementTree.fromstring(document)
        builder = _Builder(robot)
        builder.add(root_link(robot), _Place('', 0, np.eye(4)))
        if camera_on:
            builder.add_camera(camera_on, camera_rpy)
    except (ElementTree.ParseError, ValueError, KeyError) as error:
        raise ConfigError(f'URDF cannot be drawn: {error}') from error
    return Figure(tuple(builder.joints), tuple(builder.capsules), camera_link=builder.camera_link)


def robot_figure(name: str, camera_on: str = '', camera_rpy: Point = (0.0, 0.0, 0.0)) -> Figure:
    """Return the figure of a type of robot that has a URDF; see ``figure_from_urdf``."""
    return figure_from_urdf(robot_urdf(name) or '', camera_on, camera_rpy)


@dataclass(frozen=True)
class _Place:
    """Where a link of the URDF is: on a link of the figure, named after its joint."""

    joint: str
    number: int
    pose: Pose


@dataclass
class _Builder:
    robot: Element
    joints: list[Joint] = field(default_factory=list)
    capsules: list[Capsule] = field(default_factory=list)
    camera_link: int = 0

    def __post_init__(self) -> None:
        self._links = {str(link.get('name')): link for link in self.robot.iterfind('link')}
        self._colors = dict(map(_color, self.robot.iterfind('material')))
        self._places: dict[str, _Place] = {}

    def add(self, link: str, place: _Place) -> None:
        """Add a link and all that is on it."""
        self._places[link] = place
        for rod, color in self._rods(self._links[link]):
            pose = place.pose
            start, end = (_moved(pose, point) for point in (rod.start, rod.end))
            self.capsules.append(Capsule(place.number, start, end, (rod.radius,) * 2, color))
        for joint in self.robot.iterfind('joint'):
            if _end(joint, 'parent') == link:
                self._add_joint(joint, place)

    def add_camera(self, link: str, rpy: Point) -> None:
        """Let the camera ride on a link that is there."""
        place = self._places[link]
        pose = place.pose @ _pose_of((0.0, 0.0, 0.0), rpy)
        self.joints.append(Joint(CAMERA_JOINT, *_split(pose), 0.0, 0.0, place.joint, kind='fixed'))
        self.camera_link = len(self.joints)

    def _add_joint(self, element: Element, place: _Place) -> None:
        name, kind = str(element.get('name')), str(element.get('type'))
        child = _end(element, 'child')
        if kind not in _KINDS:
            raise ValueError(f'joint {name} is {kind}, expected {", ".join(_KINDS)}')
        pose = place.pose @ _origin(element)
        if kind == 'fixed':
            self.add(child, _Place(place.joint, place.number, pose))
            return
        self.joints.append(_joint(element, name, pose, place.joint))
        self.add(child, _Place(name, len(self.joints), np.eye(4)))

    def _rods(self, link: Element) -> Iterator[tuple[Rod, Color]]:
        for visual in link.iterfind('visual'):
            pose = _origin(visual)
            material, shape = visual.find('material'), visual.find('geometry')
            name, own = ('', None) if material is None else _color(material)
            color = own or self._colors.get(name) or _GREY
            for rod in () if shape is None else rods_of(shape):
                yield Rod(_moved(pose, rod.start), _moved(pose, rod.end), rod.radius), color


def _end(joint: Element, tag: str) -> str:
    end = joint.find(tag)
    if end is None:
        raise ValueError(f'joint {joint.get("name")} has no <{tag}>')
    return end.attrib['link']


def _joint(element: Element, name: str, pose: Pose, parent: str) -> Joint:
    axis, limit, mimic = (element.find(tag) for tag in ('axis', 'limit', 'mimic'))
    numbers = (1.0, 0.0, 0.0) if axis is None else _numbers(axis, 'xyz')
    length = math.hypot(*numbers)
    own = {} if limit is None else limit.attrib
    follows = {} if mimic is None else mimic.attrib
    return Joint(
        name,
        *_split(pose),
        float(own.get('lower', -math.inf)),
        float(own.get('upper', math.inf)),
        parent,
        (numbers[0] / length, numbers[1] / length, numbers[2] / length),
        'prismatic' if element.get('type') == 'prismatic' else 'revolute',
        follows.get('joint', ''),
        float(follows.get('multiplier', 1.0)),
        float(follows.get('offset', 0.0)),
    )


def _color(material: Element) -> tuple[str, Color | None]:
    """Return the name and the colour of a material, None where it tells none."""
    name, color = str(material.get('name', '')), material.find('color')
    if color is None:
        return name, None
    red, green, blue = (round(255 * float(part)) for part in color.get('rgba', '').split()[:3])
    return name, (red, green, blue)


def _origin(element: Element) -> Pose:
    origin = element.find('origin')
    if origin is None:
        return np.eye(4)
    return _pose_of(_numbers(origin, 'xyz'), _numbers(origin, 'rpy'))


def _numbers(element: Element, key: str) -> Point:
    x, y, z = (float(part) for part in element.get(key, '0 0 0').split())
    return x, y, z


def _pose_of(xyz: Point, rpy: Point) -> Pose:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation(rpy), xyz
    return pose


def _split(pose: Pose) -> tuple[Point, Point]:
    """Return origin [m] and roll, pitch, yaw [rad] of a pose."""
    x, y, z = pose[:3, 3].tolist()
    r = pose[:3, :3].tolist()
    flat = math.hypot(r[0][0], r[1][0])
    pitch = math.atan2(-r[2][0], flat)
    if flat < 1e-10:  # roll and yaw turn about the same axis: all is yaw
        return (x, y, z), (0.0, pitch, math.atan2(-r[0][1], r[1][1]))
    return (x, y, z), (math.atan2(r[2][1], r[2][2]), pitch, math.atan2(r[1][0], r[0][0]))


def _moved(pose: Pose, point: Point) -> Point:
    x, y, z = (pose[:3, :3] @ np.asarray(point) + pose[:3, 3]).tolist()
    return x, y, z
