"""URDF's shapes as rods with round ends, which is what the simulated cameras can draw."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from lerobot_drivers.sim.figure import Point

MOST_ROWS = 9
"""So many rods a slab is laid out with at most; one that would need more gets thicker."""


@dataclass(frozen=True)
class Rod:
    """A rod with round ends.

    Attributes:
        start: centre of one end [m].
        end: centre of the other end [m].
        radius: its own and that of its ends [m].
    """

    start: Point
    end: Point
    radius: float


def rods_of(geometry: ElementTree.Element) -> Iterator[Rod]:
    """Return the rods that fill a ``<geometry>``, in its frame; none for a mesh.

    A long cylinder is one rod and a ball too; a disc or a box is rows of rods.

    Raises:
        ValueError: a size is no number.
        KeyError: a size is missing.
    """
    shape = geometry.find('*')
    if shape is None:
        return
    if shape.tag == 'sphere':
        yield Rod((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), float(shape.attrib['radius']))
    elif shape.tag == 'cylinder':
        yield from _cylinder(float(shape.attrib['radius']), float(shape.attrib['length']))
    elif shape.tag == 'box':
        x, y, z = (float(part) for part in shape.attrib['size'].split())
        yield from _box((x, y, z))


def _cylinder(radius: float, length: float) -> Iterator[Rod]:
    if length >= 2 * radius:
        half = length / 2 - radius
        yield Rod((0.0, 0.0, -half), (0.0, 0.0, half), radius)
        return
    for y, thick in _rows(2 * radius, length):
        chord = math.sqrt(max(radius**2 - y**2, 0.0))
        half = max(chord - thick, 0.0)
        yield Rod((-half, y, 0.0), (half, y, 0.0), thick)


def _box(size: Point) -> Iterator[Rod]:
    """Return rods along the longest side, side by side along the next."""
    low, mid, high = sorted(range(3), key=lambda side: size[side])
    for across, thick in _rows(size[mid], size[low]):
        start, end = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
        start[mid] = end[mid] = across
        end[high] = max(size[high] / 2 - thick, 0.0)
        start[high] = -end[high]
        yield Rod((start[0], start[1], start[2]), (end[0], end[1], end[2]), thick)


def _rows(width: float, height: float) -> Iterator[tuple[float, float]]:
    """Return place and radius of each of the rods that fill a section, width being the longer."""
    count = min(max(math.ceil(width / height - 1e-9), 1), MOST_ROWS)
    thick = max(height, width / count) / 2
    gap = (width - 2 * thick) / max(count - 1, 1)
    for number in range(count):
        yield thick - width / 2 + gap * number, thick
