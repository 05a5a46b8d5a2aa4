"""The frames in a bag's transforms, as a tree to choose from."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.draft_entries import Entry, table_name
from lerobot_recorder.messages import decode
from lerobot_recorder.survey import counted
from lerobot_recorder.transform_channel import TF_TYPES

LOOK_NS = 10 * NS_PER_S
MAX_MESSAGES = 2000
MAX_TOLD = 8
STATIC = 'tf_static'
_TIPS = re.compile(r'tool|tcp|(^|_)ee(_|$)|gripper|hand|flange|base_link|base_footprint')
"""Frames that a policy wants to know of, as a rule."""


@dataclass
class Frames:
    """Frames heard of.

    Attributes:
        parents: frame -> the frame above it.
        moving: frame -> topic on which its place comes again and again.
    """

    parents: dict[str, str] = field(default_factory=dict)
    moving: dict[str, str] = field(default_factory=dict)

    def chain(self, frame: str) -> list[str]:
        """Return the way from the uppermost frame to one."""
        found = [frame]
        while (above := self.parents.get(found[0])) is not None and above not in found:
            found.insert(0, above)
        return found

    def chains(self) -> list[list[str]]:
        """Return the ways to all frames that have none below them."""
        above = set(self.parents.values())
        return [self.chain(frame) for frame in sorted(self.parents) if frame not in above]

    def tip(self) -> str | None:
        """Return the frame that is asked for first: of those that move, one named so, or deep."""
        found = [frame for frame in self.parents if set(self.chain(frame)) & set(self.moving)]
        return max(found, key=self._worth, default=None)

    def _worth(self, frame: str) -> tuple[bool, int, str]:
        return bool(_TIPS.search(frame)), len(self.chain(frame)), frame


def find_frames(bag: BagReader) -> Frames:
    """Return the frames that a bag's first transforms tell of.

    Args:
        bag: the bag, open.
    """
    topics = {topic for topic, msgtype in bag.topics.items() if msgtype in TF_TYPES}
    frames = Frames()
    for parent, child, topic in _links(bag, topics):
        frames.parents[child] = parent
        if topic.rpartition('/')[2] != STATIC:
            frames.moving[child] = topic
    return frames


def frame_entries(frames: Frames, counts: Mapping[str, int]) -> tuple[Entry, ...]:
    """Return where one frame is in another as a feature, with all frames to choose from.

    Args:
        frames: the frames.
        counts: topic -> messages.
    """
    tip = frames.tip()
    if tip is None:
        return ()
    chain = frames.chain(tip)
    topic = next(frames.moving[frame] for frame in reversed(chain) if frame in frames.moving)
    told = [' > '.join(some) for some in frames.chains()]
    more = [f'and {len(told) - MAX_TOLD} more'] if len(told) > MAX_TOLD else []
    comments = (
        f'{counted(counts.get(topic, 0))}; assumed: where {tip} is in {chain[0]}; the frames are',
        *told[:MAX_TOLD],
        *more,
    )
    value = {'topic': topic, 'transform': {'parent': chain[0], 'child': tip}}
    return (Entry(f'observation.{table_name(tip)}', value, comments),)


def _links(bag: BagReader, topics: Sequence[str] | set[str]) -> Iterator[tuple[str, str, str]]:
    """Yield parent, child and topic of every link in the first messages."""
    begun_ns: int | None = None
    for number, raw in enumerate(bag.messages(topics)):
        begun_ns = raw.received_ns if begun_ns is None else begun_ns
        if raw.received_ns - begun_ns > LOOK_NS or number >= MAX_MESSAGES:
            return
        with contextlib.suppress(StreamError):
            for one in decode(raw, bag.types).transforms:
                parent, child = one.header.frame_id.strip('/'), one.child_frame_id.strip('/')
                yield parent, child, raw.topic
