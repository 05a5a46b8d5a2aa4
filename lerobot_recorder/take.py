"""A take: one episode from its first message to the writer.

It synchronises, hands rows to the dataset writer as they become complete, and keeps
what is true of them beside the dataset: the stamps of what was taken, and the report.
"""

from __future__ import annotations

import platform
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pyarrow as pa

from lerobot_drivers.common.clock import FOREVER_NS
from lerobot_drivers.common.config import dump
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord, SavedEpisode
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.streams import Flag
from lerobot_recorder.synchronizer import AlignedSet, Synchronizer

VERSIONED = ('lerobot_ros', 'numpy', 'av', 'pyarrow', 'rosbags', 'opencv-python-headless')


class Take:
    """One episode being recorded.

    Args:
        plan: the learnt plan of its rows.
        writer: where the rows go.
        task: what the robot is told to do.
        start_ns: no row lies before this acquisition time [ns].

    Attributes:
        uuid: name of the episode for good.
        task: what the robot is told to do.
        max_frames: most rows it may have, None for any number.
        until_ns: no row lies after this acquisition time [ns].
    """

    def __init__(self, plan: RowPlan, writer: DatasetWriter, task: str, start_ns: int = 0) -> None:
        self.uuid = str(uuid.uuid4())
        self.task = task
        self.max_frames: int | None = None
        self.until_ns = FOREVER_NS
        self._plan = plan
        self._writer = writer
        self._start_ns = start_ns
        self._synchronizer = Synchronizer(plan.sync_config(), start_ns)
        self._sets: list[dict[str, Any]] = []
        self.seed(())

    @property
    def num_frames(self) -> int:
        """Rows written so far."""
        return len(self._sets)

    @property
    def lost(self) -> str | None:
        """The stream whose silence ended the take, if one did."""
        return self._synchronizer.lost

    @property
    def is_full(self) -> bool:
        """Return whether the take has all the rows it may have."""
        return self.max_frames is not None and self.num_frames >= self.max_frames

    def waiting_for(self) -> list[str]:
        """Return the topics that have given no value yet, with the joints they lack."""
        missing = self._synchronizer.missing()
        return [
            c.described(missing[c.stream])
            for c in self._plan.all_channels()
            if c.stream in missing
        ]

    def seed(self, messages: Iterable[RawMessage]) -> None:
        """Take in what came before the take; it is not counted among what came during it."""
        for raw in messages:
            self.add(raw)
        for channel in self._plan.all_channels():
            channel.begin_take()

    def add(self, raw: RawMessage) -> None:
        """Take in a message.

        Raises:
            StreamError: a topic gives nothing but unusable messages.
        """
        for sample in self._plan.samples(raw):
            self._synchronizer.add(sample.stream, sample.stamp_ns, sample.value, raw.received_ns)

    def poll(self, now_ns: int) -> None:
        """Write the rows that are complete by now [ns]."""
        self._write(self._synchronizer.poll(now_ns, self.until_ns, self._left()))

    def finish(self) -> None:
        """Write the rows that are left, as far as every sensor has values of its own."""
        self._write(self._synchronizer.flush(self.until_ns, self._left()))

    def save(self, outcome: str | None = None) -> SavedEpisode:
        """Save the episode; it is durable when this returns.

        Args:
            outcome: success, failure, incomplete or None.
        """
        return self._writer.save_episode(self.record(outcome))

    def record(self, outcome: str | None = None) -> EpisodeRecord:
        """Return what is true of the episode and is kept beside the dataset."""
        details = {
            'task': self.task,
            'start_ns': self._start_ns,
            'origin_ns': self._synchronizer.origin_ns,
            'lost': self.lost,
            'streams': self.report(),
            'mapping': dump(self._plan.mapping),
            'versions': versions(),
        }
        return EpisodeRecord(
            uuid=self.uuid,
            outcome=outcome,
            defects=self.defects(),
            details=details,
            tables={'frames': self._frames_table()},
        )

    def defects(self) -> dict[str, int]:
        """Return what was not as it should be, by kind, none of it zero."""
        total = {
            'repeats': 0,
            'slips': 0,
            'held': 0,
            'late': 0,
            'unusable': 0,
            'doubtful_stamps': 0,
            'lost': 0,
        }
        counts = self._synchronizer.counts
        lost: dict[str, int] = {}
        for channel in self._plan.all_channels():
            stream = counts[channel.stream]
            silent = channel.stream_config().may_be_silent
            total['repeats'] += stream.repeats
            total['slips'] += stream.slips
            total['held'] += 0 if silent else stream.held
            total['late'] += stream.late
            total['unusable'] += channel.errors
            total['doubtful_stamps'] += channel.stamps.absurd
            lost[channel.source.topic] = channel.lost
        total['lost'] = sum(lost.values())
        return {kind: number for kind, number in total.items() if number}

    def report(self) -> dict[str, dict[str, Any]]:
        """Return the figures of each stream."""
        counts = self._synchronizer.counts
        return {
            channel.stream: {
                'topic': channel.source.topic,
                **asdict(counts[channel.stream]),
                'clock': dict(channel.stamps.used),
                'missing_stamps': channel.stamps.missing,
                'absurd_stamps': channel.stamps.absurd,
                'unusable': channel.errors,
                'lost': channel.lost,
            }
            for channel in self._plan.all_channels()
        }

    def _left(self) -> int | None:
        return None if self.max_frames is None else self.max_frames - self.num_frames

    def _write(self, sets: list[AlignedSet]) -> None:
        for aligned in sets:
            row = self._plan.row(aligned)
            self._writer.add_frame(row.values, row.pictures, self.task)
            self._sets.append(_true_times(aligned))

    def _frames_table(self) -> pa.Table:
        flags = {flag.value: number for number, flag in enumerate(Flag)}
        if not self._sets:
            return pa.table({'frame_index': pa.array([], pa.int64())})
        columns: dict[str, pa.Array] = {'frame_index': pa.array(np.arange(len(self._sets)))}
        for key, value in self._sets[0].items():
            values = [row[key] for row in self._sets]
            if isinstance(value, str):
                codes = pa.array([flags[text] for text in values], pa.int8())
                columns[key] = pa.DictionaryArray.from_arrays(codes, pa.array(list(flags)))
            else:
                columns[key] = pa.array(values, pa.int64())
        return pa.table(columns)


def _true_times(aligned: AlignedSet) -> dict[str, Any]:
    times: dict[str, Any] = {'tick_ns': aligned.tick_ns, 'target_ns': aligned.target_ns}
    for name, taken in aligned.taken.items():
        times[f'{name}.stamp_ns'] = taken.stamp_ns
        times[f'{name}.flag'] = taken.flag.value
    return times


def versions() -> Mapping[str, str]:
    """Return the versions of what made a recording."""
    found = {'python': platform.python_version(), 'platform': platform.platform()}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
