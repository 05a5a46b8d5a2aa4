"""Coloured balls on the simulated arm, by which its angles can be measured in pictures.

Their hues are the six corners of the colour circle and nothing else in a scene is
saturated, so they stay apart after video coding with halved colour resolution.
"""

from __future__ import annotations

from lerobot_drivers.sim.figure import Marker

RADIUS = 0.0105
"""Radius of every marker [m]."""


MARKERS = (
    Marker('elbow', 3, (0.0, 0.0, 0.018), (230, 30, 40)),
    Marker('wrist', 4, (0.0, 0.0, 0.018), (40, 60, 235)),
    Marker('left_horn', 5, (0.0, 0.055, -0.02), (30, 200, 50)),
    Marker('right_horn', 5, (0.0, -0.055, -0.02), (225, 40, 215)),
    Marker('fixed_jaw', 5, (-0.034, 0.0, -0.07), (20, 200, 205)),
    Marker('moving_jaw', 6, (0.018, -0.05, 0.0188), (225, 205, 20)),
)
