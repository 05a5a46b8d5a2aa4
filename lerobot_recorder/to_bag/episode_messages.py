"""An episode of a dataset as messages, in the order in which they were logged."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping, Sequence

from rosbags.interfaces import Qos

from lerobot_drivers.common.naming import RECORDER
from lerobot_recorder.bag_types import Definition
from lerobot_recorder.dataset.dataset_reader import DatasetReader, EpisodeView
from lerobot_recorder.facts import FactKind, camera_info_topics
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.to_bag.fact_messages import (
    CAMERA_INFO,
    FACT_TYPES,
    STRING,
    Lens,
    lasting_messages,
    text_message,
)
from lerobot_recorder.to_bag.native_messages import TableMessages
from lerobot_recorder.to_bag.offers import LATCHED, STREAM
from lerobot_recorder.to_bag.outline import Outline, TextPart
from lerobot_recorder.to_bag.outlines import Wishes, outline_of
from lerobot_recorder.to_bag.picture_messages import CameraMessages
from lerobot_recorder.to_bag.row_messages import RowTimes, TopicRows
from lerobot_recorder.to_bag.row_samples import found_again, pictures_of

TASK_TOPIC = f'/{RECORDER}/task'
"""Where the recorder hears its task: a latched text."""
Messages = Iterator[RawMessage]


class EpisodeMessages:
    """One episode.

    Args:
        reader: its dataset.
        index: its number.
        wishes: how it is to be told.
        is_apart: its end is told too, by an empty task: others follow it in one bag.

    Attributes:
        view: its rows.
        outline: its topics.
        notices: what of it the messages cannot tell as it was, a sentence each.

    Raises:
        DatasetError: there is no such episode.
        DatasetFormatError: it cannot be read.
    """

    def __init__(
        self,
        reader: DatasetReader,
        index: int,
        wishes: Wishes | None = None,
        is_apart: bool = False,
    ) -> None:
        self._is_apart = is_apart
        self._wishes = wishes or Wishes()
        self.view: EpisodeView = reader.episode(index)
        self.outline: Outline = outline_of(reader, self.view, self._wishes)
        self.notices: list[str] = list(self.outline.notices)
        times, mapping = self.outline.times, self.outline.mapping
        self._times = RowTimes(times, found_again(times, mapping), mapping.mode)
        lasting = (f.topic for f in self.outline.facts if f.kind != FactKind.CAMERA_INFO.value)
        self._latched = {TASK_TOPIC, *lasting}
        tables = map(TableMessages.of, self.outline.natives)
        self._tables = {messages.table.topic: messages for messages in tables}

    @property
    def definitions(self) -> Mapping[str, Definition]:
        """Message type -> its definition, of what was kept message by message."""
        return {found.table.msgtype: found.definition for found in self._tables.values()}

    def types(self) -> dict[str, str]:
        """Return topic -> type of all that ``messages`` may yield."""
        outline, kinds = self.outline, {kind.value: kind for kind in FactKind}
        lenses = set(camera_info_topics(outline.mapping).values())
        facts = {fact.topic: FACT_TYPES[kinds[fact.kind]] for fact in outline.facts}
        return {
            TASK_TOPIC: STRING,
            **{topic: kind for topic, kind in facts.items() if kind != CAMERA_INFO},
            **{topic: kind for topic, kind in facts.items() if topic in lenses},
            **{part.topic: part.msgtype for part in outline.numbers},
            **{topic: found.table.msgtype for topic, found in self._tables.items()},
            **{part.topic: part.msgtype for part in outline.cameras},
            **{part.topic: STRING for part in outline.texts},
        }

    def offers(self, topic: str) -> Sequence[Qos]:
        """Return how a topic is offered."""
        return (LATCHED if topic in self._latched else STREAM,)

    def messages(self) -> Messages:
        """Yield all messages in the order in which they were logged.

        Raises:
            DatasetFormatError: something of the episode is missing or damaged.
        """
        flows, firsts = [], []
        for flow in self._flows():
            first = next(flow, None)
            if first is not None:
                firsts.append(first.received_ns)
                flows.append(itertools.chain([first], flow))
        begin_ns = min(firsts, default=int(self._times.times.tick_ns[0]))
        facts = lasting_messages(self.outline.facts, begin_ns)
        lasting = [*self._tasks(begin_ns), *facts]
        # What lasts comes first among what has one time: so a bag that is played begins with it.
        yield from heapq.merge(sorted(lasting, key=_logged), *flows, key=_logged)

    def _flows(self) -> Iterator[Messages]:
        for table in self._tables.values():
            yield table.messages()
        for topic in dict.fromkeys(part.topic for part in self.outline.numbers):
            yield self._numbers(topic)
        lenses = self._lenses()
        for camera in self.outline.cameras:
            samples = pictures_of(camera, self._times.times, self._times.mode)
            lens, kind = lenses[camera.feature], self._wishes.images
            pictures = CameraMessages(camera, self.view, samples, lens, kind)
            kept = camera.topic in self._tables
            yield pictures.lens_messages() if kept else pictures.messages()
        for text in self.outline.texts:
            yield self._texts(text)

    def _numbers(self, topic: str) -> Messages:
        """Return what rows tell of a topic; where its messages were kept, what those lack."""
        parts = [part for part in self.outline.numbers if part.topic == topic]
        rows, table = TopicRows(parts, self.view.rows, self._times), self._tables.get(topic)
        if table is not None:
            return rows.messages(table.span_ns, table.late_ns)
        self._tell_conflicts(topic, rows.conflicts)
        return rows.messages()

    def _tell_conflicts(self, topic: str, conflicts: Sequence[str]) -> None:
        if conflicts:
            features = {p.feature for p in self.outline.numbers if p.topic == topic}
            self.notices.append(
                f'{topic} was taken at different times for {" and ".join(sorted(features))}: '
                'both are in the bag, and a dataset made of it may pick the other one'
            )

    def _lenses(self) -> Mapping[str, Lens]:
        """Return camera -> what it tells of its lens."""
        topics = camera_info_topics(self.outline.mapping)
        kind = FactKind.CAMERA_INFO.value
        facts = [fact for fact in self.outline.facts if fact.kind == kind]
        return {
            camera.feature: Lens([f for f in facts if f.topic == topics.get(camera.feature)])
            for camera in self.outline.cameras
        }

    def _tasks(self, begin_ns: int) -> Messages:
        """Yield the task, and each other one as it begins."""
        ticks, last = self._times.times.tick_ns.tolist(), None
        first_ns = ticks[0] if self._is_apart else begin_ns
        for row, task in enumerate(self.view.row_tasks):
            if task != last:
                yield text_message(TASK_TOPIC, task, ticks[row] if row else first_ns)
            last = task
        if self._is_apart:
            yield text_message(TASK_TOPIC, '', ticks[-1])

    def _texts(self, part: TextPart) -> Messages:
        texts = self.view.rows[part.feature].tolist()
        for at_ns, text in zip(self._times.times.tick_ns.tolist(), texts, strict=True):
            yield text_message(part.topic, '' if text is None else str(text), at_ns)


def _logged(raw: RawMessage) -> int:
    return raw.received_ns
