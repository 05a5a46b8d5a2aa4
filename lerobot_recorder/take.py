"""A take: one episode from its first message to the writer.

It synchronises, hands rows to the dataset writer as they become complete, and keeps
what is true of them beside the dataset: the stamps of what was taken, and the report.
"""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from typing import Any

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_drivers.common.config import dump
from lerobot_drivers.common.errors import ProcessorError
from lerobot_recorder.capture import Capture
from lerobot_recorder.channels import NumericChannel
from lerobot_recorder.dataset.dataset_writer import (
    DatasetWriter,
    EpisodeRecord,
    PendingEpisode,
    SavedEpisode,
)
from lerobot_recorder.dataset.side_tables import FRAMES, SideTable
from lerobot_recorder.defects import defects_of
from lerobot_recorder.frame_table import FrameTable
from lerobot_recorder.mapping import is_image_feature
from lerobot_recorder.messages import RawMessage, origin
from lerobot_recorder.provenance import versions
from lerobot_recorder.row_plan import Row, RowPlan
from lerobot_recorder.streams import Flag, StreamCounts, Taken
from lerobot_recorder.synchronizer import AlignedSet, Synchronizer
from lerobot_recorder.verdict import Verdict, judge

MAX_BEHIND_S = 10.0
"""An encoder that is so far behind does not catch up: pictures would be repeated for ever [s]."""

BAG_PORTION_S = 2
"""What lies beside the rows of a bag is written for so many of them at once [s]."""


class Take:
    """One episode being recorded.

    Args:
        plan: the learnt plan of its rows.
        writer: where the rows go.
        task: what the robot is told to do.
        start_ns: no row lies before this acquisition time [ns].
        capture: what is kept beside the rows.

    Attributes:
        uuid: name of the episode for good.
        task: what the robot is told to do.
        max_frames: most rows it may have, None for any number.
        until_ns: no row lies after this acquisition time [ns].
        is_live: messages do not wait: where an encoder is behind, pictures are repeated.
        preroll_rows: rows that come all at once as it begins, and wait for the encoders.
        ended: why it ended before its time, if not for a silent stream.
    """

    def __init__(
        self,
        plan: RowPlan,
        writer: DatasetWriter,
        task: str,
        start_ns: int = 0,
        capture: Capture | None = None,
    ) -> None:
        self.uuid = str(uuid.uuid4())
        self.task = task
        self.max_frames: int | None = None
        self.until_ns = FOREVER_NS
        self.is_live = False
        self.preroll_rows = 0
        self.ended: str | None = None
        self._has_failed = False
        self._plan = plan
        self._writer = writer
        self._start_ns = start_ns
        self._synchronizer = Synchronizer(plan.sync_config(), start_ns)
        self._behind: Counter[str] = Counter()
        self._shown: dict[str, Taken] = {}
        self._due: deque[AlignedSet] = deque()
        self._target_ns = 0
        self._period_ns = round(NS_PER_S / plan.mapping.fps)
        self._quarter = plan.mapping.fps // 4
        self._end_ns = 0
        self._frames = FrameTable()
        self._table: SideTable | None = None
        self._told: dict[str, Any] = {}
        self._origins: dict[str, dict[str, Any]] = {}
        self._capture = capture or Capture(plan.mapping)
        self._capture.facts.begin_episode()
        self._logs = self._capture.logs()
        if plan.processor is not None:
            plan.processor.begin_take()
        plan.begin()
        self.seed(())

    @property
    def num_frames(self) -> int:
        """Rows written so far."""
        return self._frames.frames

    @property
    def lost(self) -> str | None:
        """The stream whose silence ended the take, if one did."""
        return self._synchronizer.lost

    @property
    def encoders_behind(self) -> list[str]:
        """The cameras of which pictures were repeated, their encoders being behind."""
        return sorted(self._behind)

    @property
    def is_full(self) -> bool:
        """Return whether the take has all the rows it may have."""
        return self.max_frames is not None and self.num_frames >= self.max_frames

    def is_complete(self, now_ns: int) -> bool:
        """Return whether it is full, and what belongs beside its rows has come, or is overdue."""
        return self.is_full and self._has_all_beside(now_ns)

    @property
    def is_past_end(self) -> bool:
        """Return whether it has all rows up to `until_ns`."""
        return self._synchronizer.is_past(self.until_ns)

    def is_over(self, now_ns: int) -> bool:
        """Return whether it is past its end, and what belongs beside its rows has come too."""
        return self.is_past_end and self._has_all_beside(now_ns)

    @property
    def free_from_ns(self) -> int:
        """From when on another episode shares neither a row nor a picture with it [ns]."""
        pictures = [t.stamp_ns for key, t in self._shown.items() if is_image_feature(key)]
        half_ns = self._period_ns // 2 if pictures else 0
        return max([self._end_ns, *pictures]) + half_ns + 1

    def waiting_for(self) -> list[str]:
        """Return the topics that have given no value yet, with the joints they lack."""
        missing = self._synchronizer.missing()
        return [
            c.described(missing[c.stream])
            for c in self._plan.all_channels()
            if c.stream in missing
        ]

    @property
    def origin_ns(self) -> int | None:
        """Acquisition time of its first row [ns], None before there is one."""
        return self._synchronizer.origin_ns

    def seed(self, messages: Iterable[RawMessage]) -> None:
        """Take in what came before the take; it is not counted among what came during it."""
        for raw in messages:
            self.add(raw)
        for channel in self._plan.all_channels():
            channel.begin_take()
        for log in self._logs:
            log.begin_take()

    def heard_before(self) -> AbstractContextManager[None]:
        """Return a context in which it takes in what was heard, and counted, already."""
        return self._plan.heard_before()

    def add(self, raw: RawMessage) -> None:
        """Take in a message.

        Raises:
            StreamError: a topic gives nothing but unusable messages.
        """
        if raw.topic not in self._origins:
            self._origins[raw.topic] = origin(raw)
        for sample in self._plan.samples(raw):
            self._synchronizer.add(sample.stream, sample.stamp_ns, sample.value, raw.received_ns)
        for log in self._logs:
            if log.source.topic == raw.topic:
                log.add(raw)

    def poll(self, now_ns: int) -> None:
        """Write the rows that are complete by now [ns]; end it if no encoder will catch up."""
        if self.ended:
            return
        self._due.extend(self._synchronizer.poll(now_ns, self.until_ns, self._left()))
        self._write()
        if not self.is_live:
            return
        behind_s = self.seconds(self._writer.frames_behind)
        if behind_s > MAX_BEHIND_S:
            cameras = ', '.join(self.encoders_behind)
            self.ended = f'{cameras}: the encoder was {behind_s:.0f} s behind'

    def finish(self) -> None:
        """Write the rows that are left, as far as every sensor has values of its own."""
        self._due.extend(self._synchronizer.flush(self.until_ns, self._left()))
        self.write_due()

    def write_due(self) -> None:
        """Write the rows that still wait for the encoders."""
        self._write(all_due=True)
        self._write_tables()

    def save(self, outcome: str | None = None) -> SavedEpisode:
        """Save the episode; it is durable when this returns.

        Args:
            outcome: success, failure, incomplete or None.
        """
        self._write_tables()
        return self._writer.save_episode(self.record(outcome))

    def accept(self, outcome: str | None = None) -> PendingEpisode:
        """Close the episode; the next one may start when this returns, this one is being saved.

        Args:
            outcome: success, failure, incomplete or None.
        """
        self._write_tables()
        return self._writer.accept_episode(self.record(outcome))

    def tell(self, details: Mapping[str, Any]) -> None:
        """Have the episode's record tell something more; a recovery after a crash knows it too."""
        self._told.update(details)
        if self._table is not None:
            self._sketch()

    def tell_at_end(self, details: Mapping[str, Any]) -> None:
        """Have the record tell something that is true only once the episode is accepted."""
        self._told.update(details)

    def record(self, outcome: str | None = None) -> EpisodeRecord:
        """Return what is true of the episode and is kept beside the dataset."""
        told = {
            'lost': self.lost,
            'ended': self.ended,
            'streams': self.report(),
            'kept': self._capture.details(self._logs),
            'verdict': self.verdict().details(),
        }
        return EpisodeRecord(
            uuid=self.uuid,
            outcome=outcome,
            defects=self.defects(),
            details={**self._known(), **told},
            files=self._capture.files(),
        )

    def _known(self) -> dict[str, Any]:
        """Return what is true of the episode from its first row on."""
        return {
            'task': self.task,
            'start_ns': self._start_ns,
            'origin_ns': self._synchronizer.origin_ns,
            'mapping': dump(self._plan.mapping),
            'versions': dict(versions()),
            'kept': self._capture.details([]),
            **self._processed(),
            **self._told,
        }

    def defects(self) -> dict[str, int]:
        """Return what was not as it should be, by kind, none of it zero."""
        return defects_of(self._plan, self._synchronizer.counts, self._behind.total())

    @property
    def counts(self) -> Mapping[str, StreamCounts]:
        """What happened on each stream so far."""
        return self._synchronizer.counts

    def skew_ns(self, stream: str) -> int | None:
        """Return how far the newest row's value lies from where it was wanted, if known [ns]."""
        taken = self._shown.get(stream)
        return None if taken is None else taken.stamp_ns - self._target_ns

    def rows_behind(self, now_ns: int) -> int:
        """Return how many rows are due by now [ns] and not written yet."""
        return max(0, now_ns - self._end_ns) // self._period_ns if self.num_frames else 0

    def seconds(self, rows: int) -> float:
        """Return how long so many rows last [s]."""
        return rows / self._plan.mapping.fps

    def rows(self, duration_ns: int) -> int:
        """Return how many rows so much time has at most [ns]."""
        return max(0, duration_ns) // self._period_ns + 1

    def report(self) -> dict[str, dict[str, Any]]:
        """Return the figures of each stream."""
        counts = self._synchronizer.counts
        return {
            channel.stream: {
                'topic': channel.source.topic,
                **self._origins.get(channel.source.topic, {}),
                **({'joints': channel.joints} if isinstance(channel, NumericChannel) else {}),
                **asdict(counts[channel.stream]),
                **channel.rate.report(),
                **channel.stamps.counts.report(),
                **self._frames.skew(channel.stream),
                'unusable': channel.errors,
                'encoder_repeats': self._behind[channel.stream],
                'lost': channel.lost,
                'slow_seconds': self._plan.slow_seconds(channel),
                'is_sensor': not channel.may_be_silent,
                **channel.details(),
            }
            for channel in self._plan.all_channels()
        }

    def verdict(self) -> Verdict:
        """Return what the episode is worth."""
        silent = f'{self.lost} fell silent' if self.lost else None
        fps = self._plan.mapping.fps
        return judge(self.report(), self.num_frames, fps, self.ended or silent)

    def _has_all_beside(self, now_ns: int) -> bool:
        watermark_ns = round(self._plan.mapping.watermark_ms * 1e6)
        return all(log.is_settled(self._end_ns, now_ns, watermark_ns) for log in self._logs)

    def _left(self) -> int | None:
        taken = self.num_frames + len(self._due)
        return None if self.max_frames is None else self.max_frames - taken

    @property
    def _portion(self) -> int:
        """Rows that may be lost of what lies beside the rows; a bag can be read again."""
        return max(1, self._quarter if self.is_live else BAG_PORTION_S * self._plan.mapping.fps)

    def _processed(self) -> dict[str, Any]:
        """Return what the steps on its rows do in this episode alone, if they do."""
        told = self._plan.processor.episode_info() if self._plan.processor is not None else {}
        return {'processors': told} if told else {}

    def _row(self, aligned: AlignedSet) -> Row | None:
        """Return a row, None where a step on it fails: the take ends with the row before.

        Raises:
            ProcessorError: it is the first row.
        """
        try:
            return None if self._has_failed else self._plan.row(aligned)
        except ProcessorError as error:
            if not self.num_frames:
                raise
            self._has_failed, self.ended = True, str(error)
            return None

    def _write(self, all_due: bool = False) -> None:
        while self._due:
            may_wait = 0 < len(self._due) <= self.preroll_rows
            if may_wait and not all_due and self._writer.frames_behind > self._quarter:
                return
            aligned = self._due.popleft()
            row = self._row(aligned)
            if row is None:
                self._due.clear()
                break
            wait = may_wait or not self.is_live
            behind = self._writer.add_frame(row.values, row.pictures, self.task, wait=wait)
            self._frames.add(self._as_shown(aligned, self._plan.streams(behind)))
            self._end_ns, self._target_ns = aligned.tick_ns, aligned.target_ns
            if self._is_time_for_tables:
                self._write_tables()
        self.preroll_rows = 0 if self.num_frames else self.preroll_rows

    def _as_shown(self, aligned: AlignedSet, behind: Collection[str]) -> AlignedSet:
        """Return what a row really shows: of cameras that are behind, the picture before."""
        self._behind.update(behind)
        again = {key: replace(self._shown[key], flag=Flag.REPEAT) for key in behind}
        taken = {**aligned.taken, **again}
        self._shown = taken
        return replace(aligned, taken=taken) if behind else aligned

    def _sketch(self) -> None:
        sketch = EpisodeRecord(self.uuid, details=self._known(), files=self._capture.files())
        self._writer.sketch_record(sketch)

    @property
    def _is_time_for_tables(self) -> bool:
        """Whether enough has come beside the rows; the first row tells a recovery whose it is."""
        enough = self._table is None or self._frames.waiting >= self._portion
        return enough or any(log.is_heavy for log in self._logs)

    def _write_tables(self) -> None:
        """Write what has come beside the rows, as far as the rows have come."""
        origin_ns = self._synchronizer.origin_ns
        if origin_ns is None or not self.num_frames:
            return
        if self._table is None:
            self._table = self._writer.side_table(FRAMES, self._frames.schema)
            self._sketch()
        if self._frames.waiting:
            self._table.append(self._frames.pop())
        for log in self._logs:
            log.write(origin_ns - self._period_ns, self._end_ns, self._writer.side_table)
