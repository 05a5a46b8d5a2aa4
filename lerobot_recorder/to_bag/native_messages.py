"""Topics of which every message was kept, beside those of which only rows tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.bag_types import Definition
from lerobot_recorder.dataset.side_tables import STAMP
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.native_table import NativeTable

RECEIVED = 'received_ns'


@dataclass(frozen=True, eq=False)
class TableMessages:
    """The messages of one table.

    Attributes:
        table: the table.
        span_ns: first and last stamp in it [ns].
        late_ns: how long after their stamps its messages arrived, as a rule [ns].
        order: numbers of its rows, in the order of arrival.
    """

    table: NativeTable
    span_ns: tuple[int, int]
    late_ns: int
    order: NDArray[np.intp]

    @classmethod
    def of(cls, table: NativeTable) -> TableMessages:
        """Return the messages of a table.

        Raises:
            DatasetFormatError: it cannot be read.
        """
        try:
            times = pq.read_table(table.path, columns=[STAMP, RECEIVED])
            stamps, received = (times[name].to_numpy() for name in (STAMP, RECEIVED))
        except (OSError, pa.ArrowException, KeyError) as error:
            raise DatasetFormatError(f'{table.path} cannot be read: {error}') from None
        order = np.argsort(received, kind='stable')
        if not len(stamps):
            return cls(table, (0, -1), 0, order)
        span_ns = int(stamps.min()), int(stamps.max())
        return cls(table, span_ns, int(np.median(received - stamps)), order)

    @property
    def definition(self) -> Definition:
        """The definition of its messages, for the bag."""
        table = self.table
        return Definition(table.definition, table.types.hash_rihs01(table.msgtype))

    def messages(self) -> Iterator[RawMessage]:
        """Yield the messages in the order of their arrival; they lie in that of their stamps.

        Raises:
            DatasetError: it cannot be read.
        """
        early: dict[int, RawMessage] = {}
        due = iter(self.order.tolist())
        wanted = next(due, None)
        for row, entry in enumerate(self.table.messages()):
            early[row] = entry.raw
            while wanted is not None and wanted in early:
                yield early.pop(wanted)
                wanted = next(due, None)
