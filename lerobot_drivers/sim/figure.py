"""What a simulated robot looks like: a tree of joints, capsules on its links, markers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Pose = NDArray[np.float64]
"""A homogeneous transform, 4 by 4 [m]."""
Color = tuple[int, int, int]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Joint:
    """A joint between two links; its own link lies behind it.

    Attributes:
        name: LeRobot's name of it.
        xyz: origin in the frame of the link before [m].
        rpy: orientation in that frame, roll, pitch, yaw [rad].
        lower: lowest value [rad or m].
        upper: highest value [rad or m].
        parent: name of the joint whose link it is on; '' is the base, None the joint before.
        axis: what it turns about or slides along, in its own frame.
        kind: how it moves.
        moved_by: the joint of the robot that moves it, where that has another name.
        scale: its value per value of that one.
        offset: its value where that one is at zero [rad or m].
    """

    name: str
    xyz: Point
    rpy: Point
    lower: float
    upper: float
    parent: str | None = None
    axis: Point = (0.0, 0.0, 1.0)
    kind: Literal['revolute', 'prismatic', 'fixed'] = 'revolute'
    moved_by: str = ''
    scale: float = 1.0
    offset: float = 0.0

    @property
    def mover(self) -> str:
        """Name of the joint that moves it."""
        return self.moved_by or self.name

    @cached_property
    def fixed(self) -> Pose:
        """Its frame at value zero, in the frame of the link before."""
        pose = np.eye(4)
        pose[:3, :3] = rotation(self.rpy)
        pose[:3, 3] = self.xyz
        return pose

    def motion(self, value: float) -> Pose:
        """Return the frame of its link in its own frame."""
        pose = np.eye(4)
        if self.kind == 'prismatic':
            pose[:3, 3] = value * np.asarray(self.axis)
        elif self.kind == 'revolute':
            x, y, z = self.axis
            c, s = math.cos(value), math.sin(value)
            d = 1.0 - c
            pose[:3, :3] = [
                [c + x * x * d, x * y * d - z * s, x * z * d + y * s],
                [y * x * d + z * s, c + y * y * d, y * z * d - x * s],
                [z * x * d - y * s, z * y * d + x * s, c + z * z * d],
            ]
        return pose


@dataclass(frozen=True)
class Capsule:
    """A rod with round ends on a link.

    Attributes:
        link: 0 is the base, n is behind the nth joint.
        start: centre of one end in the link's frame [m].
        end: centre of the other end [m].
        radii: of both ends [m].
        color: rgb.
    """

    link: int
    start: Point
    end: Point
    radii: tuple[float, float]
    color: Color


@dataclass(frozen=True)
class Marker:
    """A ball fixed to a link.

    Attributes:
        name: what it is fixed to.
        link: 0 is the base, n is behind the nth joint.
        offset: its centre in the link's frame [m].
        color: rgb.
    """

    name: str
    link: int
    offset: Point
    color: Color


@dataclass(frozen=True)
class Figure:
    """A robot's shape.

    Attributes:
        joints: each behind its parent.
        capsules: what is drawn.
        markers: balls by which its angles can be measured in pictures.
        camera_link: where a wrist camera rides; 0 is the base, n is behind the nth joint.
    """

    joints: tuple[Joint, ...]
    capsules: tuple[Capsule, ...] = ()
    markers: tuple[Marker, ...] = ()
    camera_link: int = 0
    _parents: tuple[int, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        links, parents = {'': 0}, []
        for number, joint in enumerate(self.joints, start=1):
            parents.append(number - 1 if joint.parent is None else links[joint.parent])
            links[joint.name] = number
        object.__setattr__(self, '_parents', tuple(parents))

    def link_poses(self, values: Sequence[float] | Vector) -> list[Pose]:
        """Return the poses of the base and of each joint's link in the base frame.

        Args:
            values: of the joints, in order [rad or m].

        Returns:
            One pose more than joints: base, then the link behind each joint.
        """
        poses = [np.eye(4)]
        for joint, parent, value in zip(self.joints, self._parents, values, strict=True):
            poses.append(poses[parent] @ joint.fixed @ joint.motion(float(value)))
        return poses

    def capsule_ends(self, poses: Sequence[Pose]) -> Vector:
        """Return both ends of every capsule, (n, 2, 3), in the frame of the poses [m]."""
        pose = np.stack(poses)[self._capsule_links]
        turned = self._capsule_ends @ pose[:, :3, :3].transpose(0, 2, 1)
        return np.asarray(turned + pose[:, None, :3, 3])

    def marker_centres(self, poses: Sequence[Pose]) -> Vector:
        """Return the centres of the markers, (n, 3), in the frame of the poses [m]."""
        centres = [transform(poses[marker.link], marker.offset) for marker in self.markers]
        return np.array(centres).reshape(-1, 3)

    @cached_property
    def radii(self) -> Vector:
        """Radii of the capsules' ends, (n, 2) [m]."""
        return np.array([capsule.radii for capsule in self.capsules]).reshape(-1, 2)

    @cached_property
    def _capsule_links(self) -> NDArray[np.int64]:
        return np.array([capsule.link for capsule in self.capsules], dtype=np.int64)

    @cached_property
    def _capsule_ends(self) -> Vector:
        ends = [[capsule.start, capsule.end] for capsule in self.capsules]
        return np.array(ends, dtype=np.float64).reshape(-1, 2, 3)


@dataclass(frozen=True, eq=False)
class Body:
    """A robot as cameras see it at a moment.

    Attributes:
        figure: its shape.
        values: of the figure's joints [rad or m].
        place: of its base in the world.
    """

    figure: Figure
    values: Vector
    place: Pose

    @property
    def poses(self) -> list[Pose]:
        """Poses of base and links in the world."""
        return [self.place @ pose for pose in self.figure.link_poses(self.values)]


def rotation(rpy: Sequence[float]) -> Pose:
    """Return the 3 by 3 rotation of fixed-axis roll, pitch, yaw [rad]."""
    (sr, sp, sy), (cr, cp, cy) = np.sin(rpy), np.cos(rpy)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def standing_at(x: float, y: float, heading: float = 0.0) -> Pose:
    """Return the place of a base on the ground [m, rad]."""
    pose = np.eye(4)
    pose[:3, :3] = rotation((0.0, 0.0, heading))
    pose[:2, 3] = x, y
    return pose


def transform(pose: Pose, point: Sequence[float]) -> Vector:
    """Return a point of a frame in the frame that the pose refers to [m]."""
    moved: Vector = pose[:3, :3] @ np.asarray(point, float) + pose[:3, 3]
    return moved
