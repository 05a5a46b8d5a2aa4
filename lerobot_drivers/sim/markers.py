"""Coloured balls on the simulated arm, by which its angles can be measured in pictures.

Their hues are the six corners of the colour circle and nothing else in a scene is
saturated, so they stay apart after video coding with halved colour resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

RADIUS = 0.0105
"""Radius of every marker [m]."""


@dataclass(frozen=True)
class Marker:
    """A ball fixed to a link.

    Attributes:
        name: what it is fixed to.
        link: index of the link in ``kinematics.link_poses``: 0 base, 6 moving jaw.
        offset: its centre in the link's frame [m].
        color: rgb.
    """

    name: str
    link: int
    offset: tuple[float, float, float]
    color: tuple[int, int, int]


MARKERS = (
    Marker('elbow', 3, (0.0, 0.0, 0.018), (230, 30, 40)),
    Marker('wrist', 4, (0.0, 0.0, 0.018), (40, 60, 235)),
    Marker('left_horn', 5, (0.0, 0.055, -0.02), (30, 200, 50)),
    Marker('right_horn', 5, (0.0, -0.055, -0.02), (225, 40, 215)),
    Marker('fixed_jaw', 5, (-0.034, 0.0, -0.07), (20, 200, 205)),
    Marker('moving_jaw', 6, (0.018, -0.05, 0.0188), (225, 205, 20)),
)
