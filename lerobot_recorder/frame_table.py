"""The table of true stamps: for every row, when and how each stream was really taken."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lerobot_recorder.dataset.side_tables import FRAME, TICK
from lerobot_recorder.streams import Flag
from lerobot_recorder.synchronizer import AlignedSet

_FLAGS = {flag: number for number, flag in enumerate(Flag)}
_FLAG_TYPE = pa.dictionary(pa.int8(), pa.string())
_WORDS = pa.array([flag.value for flag in Flag])
TARGET = 'target_ns'
_STAMP = '.stamp_ns'


class FrameTable:
    """Rows that were not written yet; columns follow from the first row.

    Attributes:
        frames: rows so far, those written too.
    """

    def __init__(self) -> None:
        self.frames = 0
        self._columns: dict[str, list[int]] = {FRAME: [], TICK: [], TARGET: []}
        self._fields = [pa.field(name, pa.int64()) for name in self._columns]
        self._skews: dict[str, list[NDArray[np.float32]]] = {}

    @property
    def schema(self) -> pa.Schema:
        """The columns; there was a row."""
        return pa.schema(self._fields)

    @property
    def waiting(self) -> int:
        """Rows not written yet."""
        return len(self._columns[FRAME])

    def add(self, aligned: AlignedSet) -> None:
        """Add the row of an aligned set; the values in it are not kept."""
        if not self.frames:
            self._begin(aligned)
        columns = self._columns
        columns[FRAME].append(self.frames)
        columns[TICK].append(aligned.tick_ns)
        columns[TARGET].append(aligned.target_ns)
        for name, taken in aligned.taken.items():
            columns[f'{name}{_STAMP}'].append(taken.stamp_ns)
            columns[f'{name}.flag'].append(_FLAGS[taken.flag])
            if taken.fresh is not None:
                columns[f'{name}.fresh'].append(taken.fresh)
        self.frames += 1

    def pop(self) -> pa.RecordBatch:
        """Return the rows not written yet; from now on they are."""
        self._keep_skews()
        columns = []
        for field in self._fields:
            values = self._columns[field.name]
            if field.type == _FLAG_TYPE:
                codes = pa.array(values, pa.int8())
                columns.append(pa.DictionaryArray.from_arrays(codes, _WORDS))
            else:
                columns.append(pa.array(values, field.type))
            values.clear()
        return pa.record_batch(columns, schema=self.schema)

    def skew(self, name: str) -> dict[str, float | None]:
        """Return how far a stream's values lay from where they were wanted, of the rows written.

        That is the stamp of the reference picture, where there is one [ms].
        """
        written = self._skews.get(f'{name}{_STAMP}')
        if not written:
            return {'skew_p50_ms': None, 'skew_p95_ms': None}
        half, most = np.percentile(np.concatenate(written), [50, 95]) / 1e6
        return {'skew_p50_ms': round(float(half), 3), 'skew_p95_ms': round(float(most), 3)}

    def _keep_skews(self) -> None:
        targets = np.array(self._columns[TARGET], np.int64)
        for name, stamps in self._columns.items():
            if name.endswith(_STAMP):
                skews = np.abs(np.array(stamps, np.int64) - targets)
                self._skews.setdefault(name, []).append(skews.astype(np.float32))

    def _begin(self, aligned: AlignedSet) -> None:
        for name, taken in aligned.taken.items():
            self._fields.append(pa.field(f'{name}{_STAMP}', pa.int64()))
            self._fields.append(pa.field(f'{name}.flag', _FLAG_TYPE))
            if taken.fresh is not None:
                self._fields.append(pa.field(f'{name}.fresh', pa.int32()))
        self._columns = {field.name: [] for field in self._fields}
