"""Rows as messages: the numbers of all features that came from one topic, message by message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.messages import RawMessage
from lerobot_recorder.rotation import find_rotations
from lerobot_recorder.synchronizer import SyncMode
from lerobot_recorder.to_bag.blank_messages import serialized
from lerobot_recorder.to_bag.inverse import topic_values, unit_rotations
from lerobot_recorder.to_bag.number_messages import build
from lerobot_recorder.to_bag.outline import NumberPart, Stamps, Times
from lerobot_recorder.to_bag.row_samples import Sample, samples_of

Rows = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class RowTimes:
    """When rows are and when they look for numbers; see ``row_samples``."""

    times: Times
    targets: Stamps
    mode: SyncMode


class TopicRows:
    """What rows hold of one topic.

    Args:
        parts: the features' parts that are of it, all of one type.
        rows: column -> values of the episode.
        times: of the rows.

    Attributes:
        conflicts: elements that two features hold at different times: only one of them can
            be told by the topic.
    """

    def __init__(self, parts: Sequence[NumberPart], rows: Rows, times: RowTimes) -> None:
        self._first, self._parts = parts[0], list(parts)
        self._values = [_values(part, rows) for part in parts]
        self._samples: list[dict[int, Sample]] = []
        for part in parts:
            own = samples_of(
                part, _dataset_values(part, rows), times.times, times.targets, times.mode
            )
            self._samples.append({sample.stamp_ns: sample for sample in own})
        self.conflicts = self._find_conflicts()

    def messages(
        self, besides: tuple[int, int] | None = None, late_ns: int = 0
    ) -> Iterator[RawMessage]:
        """Yield its messages in the order of their arrival.

        Args:
            besides: nothing with a header stamp from the first to the second of these [ns]:
                what came then is known better.
            late_ns: how long after its stamp a message arrives [ns].
        """
        first = self._first
        for lead in self._leads():
            header_ns = lead.stamp_ns + first.offset_ns
            if besides is not None and besides[0] <= header_ns <= besides[1]:
                continue
            fields = self._fields(lead)
            data = serialized(build(first.msgtype, fields, header_ns, first.frame_id))
            log_ns = lead.log_ns + first.offset_ns + late_ns
            yield RawMessage(first.topic, first.msgtype, data, 0, log_ns)

    def _leads(self) -> list[Sample]:
        """Return one sample for each message, in the order of their arrival."""
        leads = {stamp: sample for own in reversed(self._samples) for stamp, sample in own.items()}
        return sorted(leads.values(), key=lambda sample: (sample.log_ns, sample.stamp_ns))

    def _fields(self, lead: Sample) -> dict[str, dict[str, float]]:
        """Return the numbers of a message: of whoever has a sample then, and beside him others."""
        fields: dict[str, dict[str, float]] = {}
        for takes_part in (True, False):
            for part, values, own in zip(self._parts, self._values, self._samples, strict=True):
                sample = own.get(lead.stamp_ns)
                if (sample is not None) is not takes_part:
                    continue
                vector = _vector(values, sample or lead)
                elements = fields.setdefault(part.field, {})
                for element, value in zip(part.elements, vector.tolist(), strict=True):
                    elements.setdefault(element, value)
        return fields

    def _find_conflicts(self) -> list[str]:
        holders: dict[tuple[str, str], int] = {}
        found: dict[str, None] = {}
        for number, part in enumerate(self._parts):
            for element in part.elements:
                other = holders.setdefault((part.field, element), number)
                if self._samples[other].keys() != self._samples[number].keys():
                    found[element] = None
        return list(found)


def _dataset_values(part: NumberPart, rows: Rows) -> NDArray[np.float32]:
    """Return a part's columns in dataset units, shape (rows, ..., elements)."""
    values = np.asarray(rows[part.feature])
    count = len(part.elements)
    slots = () if part.window is None else (part.window.samples,)
    shaped = values.reshape(len(values), *slots, -1)
    return np.asarray(shaped[..., part.first : part.first + count])


def _values(part: NumberPart, rows: Rows) -> NDArray[np.float64]:
    """Return a part's columns as they were on its topic."""
    found = _dataset_values(part, rows)
    units = part.units or ()
    if found.dtype == np.float32 and units:
        topical = topic_values(found, units)
    else:
        topical = found.astype(np.float64)
    rotations, _ = find_rotations(part.elements)
    return unit_rotations(topical, rotations)


def _vector(values: NDArray[np.float64], sample: Sample) -> NDArray[np.float64]:
    row = values[sample.row]
    if row.ndim == 1:
        return np.asarray(row)
    return np.asarray(row[-1 if sample.slot is None else sample.slot])
