"""One link of a tree of transforms, sample by sample, and the chain of links between two frames.

A pose is seven numbers: translation x, y, z and rotation x, y, z, w, as in a Transform of
``geometry_msgs``. That of a link says where its frame is, seen from the frame above it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.rotation import slerp

Pose = NDArray[np.float64]

GAP_NS = 100_000_000
GAP_PERIODS = 3
"""Samples of a link further apart than both have a gap between them."""
_INTERVALS = 64


@dataclass
class Link:
    """A frame below another one.

    Attributes:
        parent: the frame above it.
        is_static: it does not move: its last pose is that of all times.
        stamps: of its samples, in order [ns].
        poses: its samples.
        longest_gap_ns: longest time between two samples in a row [ns].
    """

    parent: str
    is_static: bool
    stamps: list[int] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)
    longest_gap_ns: int = 0
    _intervals: deque[int] = field(default_factory=lambda: deque(maxlen=_INTERVALS))

    def add(self, stamp_ns: int, pose: Pose) -> bool:
        """Take in a sample; return False if there is one of that stamp."""
        if self.is_static:
            self.stamps, self.poses = [stamp_ns], [pose]
            return True
        at = bisect_left(self.stamps, stamp_ns)
        if at < len(self.stamps) and self.stamps[at] == stamp_ns:
            return False
        if self.stamps and at == len(self.stamps):
            self._intervals.append(stamp_ns - self.stamps[-1])
            self.longest_gap_ns = max(self.longest_gap_ns, self._intervals[-1])
        self.stamps.insert(at, stamp_ns)
        self.poses.insert(at, pose)
        return True

    def gap_ns(self) -> int:
        """Return how far apart samples may lie that have no gap between them [ns]."""
        period_ns = median_low(self._intervals) if self._intervals else 0
        return max(GAP_NS, GAP_PERIODS * period_ns)

    def at(self, time_ns: int, gap_ns: int) -> Pose | None:
        """Return its pose at a time [ns], None where it has a gap, or no samples yet.

        Args:
            time_ns: the time.
            gap_ns: samples further apart than this have a gap between them.
        """
        if self.is_static:
            return self.poses[0]
        before = bisect_right(self.stamps, time_ns) - 1
        if before < 0:
            return None
        start_ns = self.stamps[before]
        if start_ns == time_ns:
            return self.poses[before]
        if before + 1 == len(self.stamps) or self.stamps[before + 1] - start_ns > gap_ns:
            return None
        share = (time_ns - start_ns) / (self.stamps[before + 1] - start_ns)
        return _between(self.poses[before], self.poses[before + 1], share)

    def begin(self) -> None:
        """Know no samples any more, but where it is if it does not move."""
        self.longest_gap_ns = 0
        if not self.is_static:
            self.stamps, self.poses = [], []

    def forget(self, time_ns: int) -> None:
        """Drop the samples before the last one at or before a time [ns]."""
        keep = bisect_right(self.stamps, time_ns) - 1
        if keep > 0 and not self.is_static:
            del self.stamps[:keep], self.poses[:keep]


@dataclass(frozen=True)
class Chain:
    """The way between two frames.

    Attributes:
        up: frames from the parent up to where both ways meet, the meeting frame left out.
        down: frames from the child up to there.
    """

    up: tuple[str, ...]
    down: tuple[str, ...]

    @property
    def frames(self) -> tuple[str, ...]:
        """Every frame whose link is a part of it."""
        return (*self.up, *self.down)


def find_chain(links: Mapping[str, Link], parent: str, child: str) -> Chain | None:
    """Return the way from one frame to another, None while links are missing.

    Args:
        links: frame -> its link to the frame above it.
        parent: where the way begins.
        child: where it ends.
    """
    ups, downs = _ancestors(links, parent), _ancestors(links, child)
    for number, frame in enumerate(downs):
        if frame in ups:
            return Chain(tuple(ups[: ups.index(frame)]), tuple(downs[:number]))
    return None


def compose(outer: Pose, inner: Pose) -> Pose:
    """Return a pose told in a frame that has a pose itself."""
    turned = _rotate(outer[3:], inner[:3])
    return np.concatenate([outer[:3] + turned, _multiply(outer[3:], inner[3:])])


def inverse(pose: Pose) -> Pose:
    """Return where the outer frame is, seen from the inner one."""
    back = pose[3:] * (-1.0, -1.0, -1.0, 1.0)
    return np.concatenate([-_rotate(back, pose[:3]), back])


def _ancestors(links: Mapping[str, Link], frame: str) -> list[str]:
    found = [frame]
    while found[-1] in links and links[found[-1]].parent not in found:
        found.append(links[found[-1]].parent)
    return found


def _between(start: Pose, end: Pose, share: float) -> Pose:
    moved = start[:3] + share * (end[:3] - start[:3])
    return np.concatenate([moved, slerp(start[3:], end[3:], share)])


def _multiply(one: Pose, other: Pose) -> Pose:
    x, y, z, w = one
    a, b, c, d = other
    return np.array(
        [
            w * a + x * d + y * c - z * b,
            w * b - x * c + y * d + z * a,
            w * c + x * b - y * a + z * d,
            w * d - x * a - y * b - z * c,
        ]
    )


def _rotate(rotation: Pose, vector: Pose) -> Pose:
    axis, w = rotation[:3], rotation[3]
    twice = 2 * np.cross(axis, vector)
    return np.asarray(vector + w * twice + np.cross(axis, twice))
