"""The table of true stamps: for every row, when and how each stream was really taken."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lerobot_recorder.dataset.side_tables import FRAME, TICK
from lerobot_recorder.streams import Flag
from lerobot_recorder.synchronizer import AlignedSet

_FLAGS = {flag: number for number, flag in enumerate(Flag)}
_FLAG_TYPE = pa.dictionary(pa.int8(), pa.string())
TARGET = 'target_ns'


class FrameTable:
    """Rows that were not written yet; columns follow from the first row.

    Attributes:
        frames: rows so far, those written too.
    """

    def __init__(self) -> None:
        self.frames = 0
        self._waiting: list[AlignedSet] = []
        self._fields: list[pa.Field] = []

    @property
    def schema(self) -> pa.Schema:
        """The columns; there was a row."""
        return pa.schema(self._fields)

    @property
    def waiting(self) -> int:
        """Rows not written yet."""
        return len(self._waiting)

    def add(self, aligned: AlignedSet) -> None:
        """Add the row of an aligned set."""
        if not self._fields:
            self._fields = [pa.field(name, pa.int64()) for name in (FRAME, TICK, TARGET)]
            for name, taken in aligned.taken.items():
                self._fields.append(pa.field(f'{name}.stamp_ns', pa.int64()))
                self._fields.append(pa.field(f'{name}.flag', _FLAG_TYPE))
                if taken.fresh is not None:
                    self._fields.append(pa.field(f'{name}.fresh', pa.int32()))
        self._waiting.append(aligned)
        self.frames += 1

    def pop(self) -> pa.RecordBatch:
        """Return the rows not written yet; from now on they are."""
        sets, self._waiting = self._waiting, []
        first = self.frames - len(sets)
        columns = [
            pa.array(np.arange(first, self.frames, dtype=np.int64)),
            pa.array([aligned.tick_ns for aligned in sets], pa.int64()),
            pa.array([aligned.target_ns for aligned in sets], pa.int64()),
        ]
        for name, example in sets[0].taken.items():
            taken = [aligned.taken[name] for aligned in sets]
            columns.append(pa.array([part.stamp_ns for part in taken], pa.int64()))
            codes = pa.array([_FLAGS[part.flag] for part in taken], pa.int8())
            words = pa.array([flag.value for flag in Flag])
            columns.append(pa.DictionaryArray.from_arrays(codes, words))
            if example.fresh is not None:
                columns.append(pa.array([part.fresh for part in taken], pa.int32()))
        return pa.record_batch(columns, schema=self.schema)
