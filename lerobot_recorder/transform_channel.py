"""A source of one pose: where a frame is in another, out of a tree of transforms.

What comes on ``tf_static`` beside the topic completes the chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.messages import RawMessage, decode, header_stamp_ns
from lerobot_recorder.numeric_channel import NumericChannel
from lerobot_recorder.rotation import SHORTEST
from lerobot_recorder.source_config import SourceConfig
from lerobot_recorder.stamps import StampChooser
from lerobot_recorder.streams import Take, Window
from lerobot_recorder.transform_tree import TransformTree

TF_TYPES = ('tf2_msgs/msg/TFMessage', 'tf/msg/tfMessage')
ELEMENTS = (
    *(f'translation.{axis}' for axis in 'xyz'),
    *(f'rotation.{axis}' for axis in 'xyzw'),
)


class TransformChannel(NumericChannel):
    """Poses of one frame in another."""

    def __init__(
        self, feature: str, source: SourceConfig, number: int, window: Window | None = None
    ) -> None:
        assert source.transform is not None
        super().__init__(feature, source, number, window)
        tolerance_ms = source.tolerance_ms
        self._tree = TransformTree(
            source.transform.parent.strip('/'),
            source.transform.child.strip('/'),
            None if tolerance_ms is None else round(tolerance_ms * 1e6),
        )
        self._settle(list(source.joints or ELEMENTS))
        self.unseen = []
        unknown = [name for name in self.joints if name not in ELEMENTS]
        if unknown:
            raise StreamError(
                f'{source.topic}: joints {", ".join(unknown)} are no elements of a transform; '
                f'those are {", ".join(ELEMENTS)}'
            )
        self._picks = [ELEMENTS.index(name) for name in self.joints]

    @property
    def is_learned(self) -> bool:
        """Whether the chain between the two frames is known, and something in it moves."""
        return bool(self._tree.moving)

    @property
    def reads_fields(self) -> bool:
        """Whether it needs messages decoded in full."""
        return True

    def topics(self) -> tuple[str, ...]:
        """Return the topic, and that of the links that do not move."""
        return (self.source.topic, self._static_topic)

    def can_use(self, msgtype: str) -> bool:
        """Return whether messages of a type are transforms."""
        return msgtype in TF_TYPES

    def begin(self) -> None:
        """A take begins: samples that came before are not its own."""
        self._tree.begin()

    def begin_take(self) -> None:
        """Count anew."""
        super().begin_take()
        for chooser in self._choosers.values():
            chooser.counts = self.stamps.counts

    def forget_stamps(self) -> None:
        """Know no more what is usual of its stamps."""
        super().forget_stamps()
        self._choosers: dict[str, StampChooser] = {}

    def learn(self, message: Any, raw: RawMessage) -> None:
        """Learn which links there are.

        Raises:
            StreamError: it is no message of transforms.
        """
        is_static = raw.topic == self._static_topic
        for parent, child, one in _transforms(message, raw):
            if is_static:
                self._tree.add_static(parent, child, _pose(one, raw))
            else:
                self._tree.know(parent, child)

    def see(self, message: Any, raw: RawMessage) -> None:
        """Elements are those of a transform."""

    def open_question(self) -> str | None:
        """Return why the chain is not known, None if it is."""
        if self._tree.moving:
            return None
        if self._tree.chain is not None:
            return f'{self.source.topic}: {self._way} never moves: all links between are static'
        frames = ', '.join(self._tree.frames) or 'none'
        return f'{self.source.topic}: no transforms lead from {self._way}; frames there: {frames}'

    def described(self, missing: list[int]) -> str:
        """Return the topic, and the links that no message told of yet."""
        silent = [frame for frame, link in self._tree.moving.items() if not link.stamps]
        of = f', nothing of {", ".join(silent)}' if silent else ''
        return f'{self.source.topic} ({self._way}{of})'

    def details(self) -> dict[str, Any]:
        """Return what is told of the links in an episode's record."""
        links = {
            frame: {
                'parent': link.parent,
                'longest_gap_ns': link.longest_gap_ns,
                'last_ns': link.stamps[-1] if link.stamps else None,
            }
            for frame, link in self._tree.moving.items()
        }
        return {'moving_links': links}

    def samples(
        self, message: Any, header_ns: int | None, raw: RawMessage
    ) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Yield the poses that are known with a message: acquisition stamp [ns], elements.

        Raises:
            StreamError: it is no message of transforms, or a rotation in it is none.
        """
        if raw.topic == self._static_topic:
            return
        if not self._take_in(message, raw):
            return
        self.heard.count += 1
        self.heard.received_ns = raw.received_ns
        for stamp_ns, pose in self._tree.poses():
            self.heard.stamp_ns = stamp_ns
            self.rate.add(stamp_ns)
            self.usual_rate.add(stamp_ns)
            yield stamp_ns, pose[self._picks]

    def observe(self, raw: RawMessage, types: Typestore | None) -> None:
        """Take note of when the links were stamped; a message that is none is left to a take."""
        with suppress(StreamError):
            for _ in self.samples(decode(raw, types), None, raw):
                pass

    def observe_stamp(self, raw: RawMessage, types: Typestore | None) -> None:
        """Learn from a message only what is usual of stamps."""
        with suppress(StreamError):
            for _, child, one in _transforms(decode(raw, types), raw):
                if child in self._tree.moving:
                    self._chooser(child).choose(header_stamp_ns(one), raw)

    def _take_in(self, message: Any, raw: RawMessage) -> bool:
        """Add the samples of the chain's links; return whether there were any."""
        found, moving = False, self._tree.moving
        for parent, child, one in _transforms(message, raw):
            if child in moving:
                found = True
                stamp_ns = self._chooser(child).choose(header_stamp_ns(one), raw)
                if stamp_ns is not None:
                    self._tree.add(parent, child, stamp_ns, _pose(one, raw))
        return found

    def _chooser(self, frame: str) -> StampChooser:
        """Return what chooses the stamps of a link; all count as one."""
        if frame not in self._choosers:
            first = not self._choosers
            may_drop = self.take is Take.INTERPOLATE
            chooser = self.stamps if first else StampChooser(self.source.clock, may_drop)
            chooser.counts = self.stamps.counts
            self._choosers[frame] = chooser
        return self._choosers[frame]

    @property
    def _static_topic(self) -> str:
        return f'{self.source.topic.rpartition("/")[0]}/tf_static'

    @property
    def _way(self) -> str:
        assert self.source.transform is not None
        return f'{self.source.transform.parent} to {self.source.transform.child}'


def _transforms(message: Any, raw: RawMessage) -> Iterator[tuple[str, str, Any]]:
    """Yield parent, child and transform; frames without the slash that old ones begin with."""
    if raw.msgtype not in TF_TYPES:
        raise StreamError(f'{raw.topic} holds {raw.msgtype}, but transforms are {TF_TYPES[0]}')
    for one in message.transforms:
        yield one.header.frame_id.lstrip('/'), one.child_frame_id.lstrip('/'), one


def _pose(one: Any, raw: RawMessage) -> NDArray[np.float64]:
    """Return the seven numbers of a transform, its quaternion of length one."""
    shift, turn = one.transform.translation, one.transform.rotation
    pose = np.array([shift.x, shift.y, shift.z, turn.x, turn.y, turn.z, turn.w], dtype=np.float64)
    length = float(np.linalg.norm(pose[3:]))
    if not np.isfinite(pose).all() or length < SHORTEST:
        raise StreamError(f'{raw.topic}: the transform of {one.child_frame_id} is none: {pose}')
    pose[3:] /= length
    return pose
