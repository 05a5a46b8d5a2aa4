"""Where one frame is, seen from another: samples of a chain of links as samples of one pose.

Links come at rates of their own, some once for all. Wherever one of the moving links of a chain
has a sample, and all others are known around it, the chain has one: the others are interpolated
there, translation along the line and rotation along the sphere. Where one is silent the chain is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from lerobot_recorder.transform_links import Chain, Link, Pose, compose, find_chain, inverse

MAX_SAMPLES = 4096
"""Samples of a link that wait for the others; of more, the oldest are forgotten."""


class TransformTree:
    """The pose of one frame in another.

    Args:
        parent: frame in whose axes the pose is told.
        child: frame whose pose it is.
        tolerance_ns: samples of a link further apart have a gap between them [ns]; None
            takes three of its periods, and at least 100 ms.

    Attributes:
        chain: the links between the two, None while some are missing.
    """

    def __init__(self, parent: str, child: str, tolerance_ns: int | None = None) -> None:
        self._parent, self._child = parent, child
        self._tolerance_ns = tolerance_ns
        self._links: dict[str, Link] = {}
        self._done_ns: int | None = None
        self.chain: Chain | None = None

    @property
    def frames(self) -> list[str]:
        """All frames that were heard of."""
        above = (link.parent for link in self._links.values())
        return sorted({*self._links, *above})

    @property
    def moving(self) -> Mapping[str, Link]:
        """The links of the chain that move, by their frames."""
        frames = self.chain.frames if self.chain else ()
        return {frame: self._links[frame] for frame in frames if not self._links[frame].is_static}

    def begin(self) -> None:
        """Forget all samples; which links there are stays known."""
        self._done_ns = None
        for link in self._links.values():
            link.begin()

    def know(self, parent: str, child: str) -> None:
        """Take note of a link that moves."""
        self._link(parent, child, False)

    def add_static(self, parent: str, child: str, pose: Pose) -> None:
        """Take in a link that does not move."""
        link = self._link(parent, child, True)
        link.add(0, pose)

    def add(self, parent: str, child: str, stamp_ns: int, pose: Pose) -> bool:
        """Take in a sample of a link; return whether it says something new.

        Args:
            parent: the frame above.
            child: the frame.
            stamp_ns: its acquisition stamp [ns].
            pose: its quaternion of length one.
        """
        link = self._link(parent, child, False)
        if link.is_static:
            return False
        is_late = self._done_ns is not None and stamp_ns <= self._done_ns
        if is_late or not link.add(stamp_ns, pose):
            return False
        if len(link.stamps) > MAX_SAMPLES:
            link.forget(link.stamps[1])
        return True

    def poses(self) -> Iterator[tuple[int, Pose]]:
        """Yield the samples that the chain has and did not have before: stamp [ns], pose."""
        moving = self.moving
        if not moving or any(not link.stamps for link in moving.values()):
            return
        until_ns = min(link.stamps[-1] for link in moving.values())
        since_ns = -1 if self._done_ns is None else self._done_ns
        due = {s for link in moving.values() for s in link.stamps if since_ns < s <= until_ns}
        gaps = {f: self._tolerance_ns or link.gap_ns() for f, link in moving.items()}
        for stamp_ns in sorted(due):
            pose = self._pose(stamp_ns, gaps)
            if pose is not None:
                yield stamp_ns, pose
        if due:
            self._done_ns = until_ns
            for link in moving.values():
                link.forget(until_ns)

    def _link(self, parent: str, child: str, is_static: bool) -> Link:
        """Return a link; a frame that comes below another one from now on begins anew."""
        link = self._links.get(child)
        if link is None or link.parent != parent or is_static > link.is_static:
            link = self._links[child] = Link(parent, is_static)
            self.chain = find_chain(self._links, self._parent, self._child)
        return link

    def _pose(self, time_ns: int, gaps: Mapping[str, int]) -> Pose | None:
        assert self.chain is not None
        ways = []
        for frames in (self.chain.up, self.chain.down):
            pose = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
            for frame in frames:
                found = self._links[frame].at(time_ns, gaps.get(frame, 0))
                if found is None:
                    return None
                pose = compose(found, pose)
            ways.append(pose)
        return compose(inverse(ways[0]), ways[1])
