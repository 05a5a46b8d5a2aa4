"""The world as it is now, for a policy: the newest moment every stream knows, its age told.

It sees through the recorder's own channels and streams, only without waiting.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.mapping import is_image_feature
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.row_plan import Row, RowPlan
from lerobot_recorder.stream_kinds import make_aligned
from lerobot_recorder.streams import Flag, Taken
from lerobot_recorder.synchronizer import AlignedSet

KEPT_PICTURES = 8
KEPT_NS = 10 * NS_PER_S
"""So long numbers wait for a stream that has fallen behind [ns]."""


@dataclass(frozen=True)
class Observation:
    """What the world was at one moment.

    Attributes:
        stamp_ns: when the oldest part of it was taken, on acquisition time [ns].
        row: the observation features, as a dataset holds them.
    """

    stamp_ns: int
    row: Row

    def age_ns(self, now_ns: int) -> int:
        """Return how long ago that was; below 0 if its stamps lie in the future [ns]."""
        return now_ns - self.stamp_ns


class _Pictures:
    """The last pictures of one camera, in order of their stamps."""

    def __init__(self, offset_ns: int) -> None:
        self._offset_ns = offset_ns
        self.stamps: deque[int] = deque(maxlen=KEPT_PICTURES)
        self.values: deque[Any] = deque(maxlen=KEPT_PICTURES)

    def add(self, stamp_ns: int, value: Any) -> None:
        stamp_ns -= self._offset_ns
        if not self.stamps or stamp_ns > self.stamps[-1]:
            self.stamps.append(stamp_ns)
            self.values.append(value)

    def nearest(self, stamp_ns: int) -> Taken:
        at = bisect_left(self.stamps, stamp_ns)
        near = [index for index in (at - 1, at) if 0 <= index < len(self.stamps)]
        best = min(near, key=lambda index: abs(self.stamps[index] - stamp_ns))
        return Taken(self.values[best], self.stamps[best], Flag.FRESH)


class LiveView:
    """Observes one robot.

    Args:
        plan: the plan of the observation features, nothing else.
    """

    def __init__(self, plan: RowPlan) -> None:
        self._plan = plan
        period_ns = NS_PER_S // plan.mapping.fps
        channels = plan.all_channels()
        self._pictures = {
            c.stream: _Pictures(c.stream_config().offset_ns)
            for c in channels
            if is_image_feature(c.feature)
        }
        self._numbers = {
            c.stream: make_aligned(c.stream_config(), period_ns)
            for c in channels
            if not is_image_feature(c.feature)
        }

    def features(self) -> dict[str, dict[str, Any]]:
        """Return what a row holds, as info.json describes it."""
        return self._plan.features()

    def add(self, raw: RawMessage) -> None:
        """Take in a message.

        Raises:
            StreamError: a topic gives nothing that can be observed.
        """
        if not self._plan.is_learned:
            self._plan.learn(raw)
            return
        for sample in self._plan.samples(raw):
            if sample.stream in self._pictures:
                self._pictures[sample.stream].add(sample.stamp_ns, sample.value)
            else:
                numbers = self._numbers[sample.stream]
                numbers.add(sample.stamp_ns, sample.value, raw.received_ns)
                numbers.drop_before(sample.stamp_ns - KEPT_NS)

    def observe(self) -> Observation | None:
        """Return the newest moment that every stream knows, None before there is one."""
        newest = self._newest_ns()
        if newest is None:
            return None
        taken: dict[str, Taken] = {}
        for name, numbers in self._numbers.items():
            value = numbers.take(newest)
            if value is None:
                return None
            taken[name] = value
        for name, pictures in self._pictures.items():
            taken[name] = pictures.nearest(newest)
        row = self._plan.row(AlignedSet(0, newest, newest, taken))
        # After a gap a value taken can be far older than the moment it is taken for.
        return Observation(min(newest, *(part.stamp_ns for part in taken.values())), row)

    def _newest_ns(self) -> int | None:
        lasts = [numbers.last_ns() for numbers in self._numbers.values()]
        lasts += [p.stamps[-1] if p.stamps else None for p in self._pictures.values()]
        known = [last for last in lasts if last is not None]
        return min(known) if known and len(known) == len(lasts) else None
