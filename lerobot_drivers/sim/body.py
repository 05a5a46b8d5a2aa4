"""What a simulated arm looks like: capsules on its links."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.sim.kinematics import Pose

Color = tuple[int, int, int]

_SHELL: Color = (236, 232, 224)
_SERVO: Color = (62, 64, 68)
_JAW: Color = (214, 212, 208)
_HORN: Color = (110, 112, 116)


@dataclass(frozen=True)
class Capsule:
    """A rod with round ends on a link.

    Attributes:
        link: index of the link in ``kinematics.link_poses``.
        start: centre of one end in the link's frame [m].
        end: centre of the other end [m].
        radii: of both ends [m].
        color: rgb.
    """

    link: int
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radii: tuple[float, float]
    color: Color


BODY = (
    Capsule(0, (-0.035, 0.0, 0.018), (0.045, 0.0, 0.018), (0.026, 0.026), _SHELL),
    Capsule(0, (0.0388, 0.0, 0.02), (0.0388, 0.0, 0.055), (0.03, 0.027), _SERVO),
    Capsule(1, (0.0, 0.0, -0.005), (-0.0304, 0.0, -0.052), (0.025, 0.023), _SHELL),
    Capsule(2, (0.0, 0.0, 0.0), (0.0, 0.0, 0.036), (0.021, 0.021), _SERVO),
    Capsule(2, (-0.02, -0.004, 0.018), (-0.105, -0.026, 0.018), (0.019, 0.017), _SHELL),
    Capsule(3, (0.0, 0.0, 0.004), (0.0, 0.0, 0.032), (0.02, 0.02), _SERVO),
    Capsule(3, (-0.02, 0.001, 0.018), (-0.125, 0.005, 0.018), (0.017, 0.0155), _SHELL),
    Capsule(4, (0.0, 0.0, 0.006), (0.0, 0.0, 0.03), (0.018, 0.018), _SERVO),
    Capsule(4, (0.0, -0.012, 0.018), (0.0, -0.045, 0.018), (0.017, 0.017), _SHELL),
    Capsule(5, (0.0, 0.0, 0.002), (0.004, 0.0, -0.024), (0.021, 0.02), _SERVO),
    Capsule(5, (0.0, -0.055, -0.02), (0.0, 0.055, -0.02), (0.004, 0.004), _HORN),
    Capsule(5, (-0.012, 0.0, -0.025), (-0.021, 0.0, -0.062), (0.013, 0.009), _JAW),
    Capsule(5, (-0.021, 0.0, -0.062), (-0.014, 0.0, -0.102), (0.009, 0.005), _JAW),
    Capsule(5, (-0.018, 0.0, -0.07), (-0.034, 0.0, -0.07), (0.004, 0.004), _HORN),
    Capsule(6, (0.0, 0.0, 0.0188), (0.007, -0.04, 0.0188), (0.013, 0.009), _JAW),
    Capsule(6, (0.007, -0.04, 0.0188), (-0.008, -0.078, 0.0188), (0.009, 0.005), _JAW),
    Capsule(6, (0.004, -0.05, 0.0188), (0.018, -0.05, 0.0188), (0.004, 0.004), _HORN),
)

RADII = np.array([capsule.radii for capsule in BODY])
_LINKS = np.array([capsule.link for capsule in BODY])
_ENDS = np.array([[capsule.start, capsule.end] for capsule in BODY])


def capsule_ends(poses: list[Pose]) -> NDArray[np.float64]:
    """Return both ends of every capsule in the base frame, (n, 2, 3) [m]."""
    pose = np.stack(poses)[_LINKS]
    turned = _ENDS @ pose[:, :3, :3].transpose(0, 2, 1)
    return np.asarray(turned + pose[:, None, :3, 3])
