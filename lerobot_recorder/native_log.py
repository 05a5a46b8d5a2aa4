"""A topic kept message by message beside the rows of one episode.

Messages wait until the rows have come as far as their stamps; then they are written in
portions, in the order of their stamps. So the table never runs ahead of the rows, and ends
where they end, live, in a bag and after a crash.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.dataset.side_tables import SideTable
from lerobot_recorder.fixed_messages import header_ns
from lerobot_recorder.mapping import NativeConfig
from lerobot_recorder.message_fields import begins_with_header
from lerobot_recorder.messages import RawMessage, decode, header_stamp_ns, standard_types
from lerobot_recorder.native_columns import TIMES, NativeColumns, is_kept
from lerobot_recorder.native_table import DEFINITION, TOPIC, TYPE
from lerobot_recorder.stamps import StampChooser

MAX_WAITING_NS = 2 * NS_PER_S
"""Before an episode begins, messages older than this are forgotten [ns]."""

HEAVY = 1 << 22
"""Messages of so many bytes are written at once; a point cloud may be one alone."""

StartTable = Callable[[str, pa.Schema], SideTable]


@dataclass
class NativeCounts:
    """What happened on a topic, for the episode's report.

    Attributes:
        rows: messages kept.
        unusable: messages that could not be read.
        lost: messages that the middleware lost on the way.
        late: messages that arrived after later ones had been written; they are kept too.
        duplicates: messages with the stamp of another one beside it.
        longest_gap_ns: longest time between two stamps [ns].
        first_ns, last_ns: first and last stamp, None if there is none [ns].
    """

    rows: int = 0
    unusable: int = 0
    lost: int = 0
    late: int = 0
    duplicates: int = 0
    longest_gap_ns: int = 0
    first_ns: int | None = None
    last_ns: int | None = None

    def add(self, stamps: list[int]) -> None:
        """Count messages by their stamps, which are in order [ns]."""
        for stamp_ns in stamps:
            last_ns = self.last_ns
            if last_ns is not None:
                self.late += stamp_ns < last_ns
                self.duplicates += stamp_ns == last_ns
                self.longest_gap_ns = max(self.longest_gap_ns, stamp_ns - last_ns)
            self.last_ns = stamp_ns if last_ns is None else max(stamp_ns, last_ns)
            self.first_ns = stamp_ns if self.first_ns is None else min(stamp_ns, self.first_ns)
        self.rows += len(stamps)


@dataclass(frozen=True)
class _Waiting:
    stamp_ns: int
    header_ns: int | None
    raw: RawMessage


class NativeLog:
    """One topic in one episode.

    Args:
        name: of its table.
        source: the topic.
        types: definitions to read it with; the standard ones by default.

    Attributes:
        counts: what happened so far.
    """

    def __init__(self, name: str, source: NativeConfig, types: Typestore | None = None) -> None:
        self.name = name
        self.source = source
        self.counts = NativeCounts()
        self.last_error: str | None = None
        self._types = types
        self._stamps = StampChooser(source.clock)
        self._columns: NativeColumns | None = None
        self._schema: pa.Schema | None = None
        self._msgtype: str | None = None
        self._has_header = False
        self._has_begun = False
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._table: SideTable | None = None
        self._newest_ns: int | None = None
        self._latency_ns = 0

    def begin_take(self) -> None:
        """Count anew: what came before the take is not counted among what came during it."""
        self.counts = NativeCounts()
        self._stamps.begin_take()

    def add(self, raw: RawMessage) -> None:
        """Take in a message.

        Raises:
            StreamError: messages of its type cannot be kept at their native rate.
        """
        if self._columns is None:
            self._begin(raw)
        self.counts.lost += raw.lost_before
        stamp_ns, header = self._stamp(raw)
        if stamp_ns is None:
            return
        self._waiting.append(_Waiting(stamp_ns, header, raw))
        self._waiting_bytes += len(raw.data)
        self._latency_ns = max(self._latency_ns, raw.received_ns - stamp_ns)
        if self._newest_ns is None or stamp_ns > self._newest_ns:
            self._newest_ns = stamp_ns
        while not self._has_begun and self._newest_ns - self._waiting[0].stamp_ns > MAX_WAITING_NS:
            self._waiting_bytes -= len(self._waiting.popleft().raw.data)

    def is_settled(self, end_ns: int, now_ns: int, watermark_ns: int) -> bool:
        """Return whether what belongs before a moment has come, or its deadline is over."""
        if self._newest_ns is None or self._newest_ns > end_ns:
            return True
        return now_ns > end_ns + self._latency_ns + watermark_ns

    def write(self, start_ns: int, end_ns: int, start_table: StartTable) -> None:
        """Write the messages up to a moment, and forget those before the episode.

        Args:
            start_ns: stamps before this are not the episode's [ns].
            end_ns: stamps after this have to wait [ns].
            start_table: makes the table.

        Raises:
            OSError: the disk refuses.
        """
        self._has_begun = True
        due = [entry for entry in self._waiting if start_ns <= entry.stamp_ns <= end_ns]
        self._waiting = deque(entry for entry in self._waiting if entry.stamp_ns > end_ns)
        self._waiting_bytes = sum(len(entry.raw.data) for entry in self._waiting)
        if not due or self._columns is None:
            return
        due.sort(key=lambda entry: (entry.stamp_ns, entry.raw.received_ns))
        for portion in _portions(due):
            self._append(portion, start_table)

    @property
    def is_heavy(self) -> bool:
        """Return whether what waits takes so much memory that it should be written soon."""
        return self._waiting_bytes > HEAVY

    def _append(self, due: list[_Waiting], start_table: StartTable) -> None:
        assert self._columns is not None
        read, columns = self._columns.read([entry.raw for entry in due], self._count_error)
        kept = [due[number] for number in read]
        self.counts.add([entry.stamp_ns for entry in kept])
        if self._table is None:
            self._table = start_table(self.name, self._schema)
        times = [
            [entry.stamp_ns for entry in kept],
            [entry.header_ns for entry in kept],
            [entry.raw.source_ns or None for entry in kept],
            [entry.raw.received_ns for entry in kept],
        ]
        arrays = [pa.array(column, pa.int64()) for column in times]
        self._table.append(pa.record_batch([*arrays, *columns], schema=self._schema))

    def report(self) -> dict[str, Any]:
        """Return what is told of it in the episode's record."""
        return {
            'topic': self.source.topic,
            'type': self._msgtype,
            **asdict(self.counts),
            **self._stamps.counts.report(),
            'last_error': self.last_error,
        }

    def _begin(self, raw: RawMessage) -> None:
        if not is_kept(raw.msgtype, self._types):
            raise StreamError(
                f'{raw.topic}: {raw.msgtype} cannot be kept at its native rate '
                f'(native.{self.name}): its definition is not known; leave it out of the mapping'
            )
        self._columns = NativeColumns(raw.msgtype, self._types)
        self._msgtype = raw.msgtype
        self._has_header = begins_with_header(raw.msgtype, self._types or standard_types())
        times = (pa.field(name, pa.int64()) for name in TIMES)
        told = {TOPIC: raw.topic, TYPE: raw.msgtype, DEFINITION: self._columns.definition}
        self._schema = pa.schema([*times, *self._columns.fields], told)

    def _stamp(self, raw: RawMessage) -> tuple[int | None, int | None]:
        """Return the stamp used and the header's, both None if the message is not whole."""
        if not self._has_header:
            return self._stamps.choose(None, raw), None
        stamp_ns = header_ns(raw.data)
        try:
            if stamp_ns is None:
                stamp_ns = header_stamp_ns(decode(raw, self._types))
        except StreamError as error:
            self._count_error(error)
            return None, None
        return self._stamps.choose(stamp_ns, raw), stamp_ns

    def _count_error(self, error: StreamError) -> None:
        self.counts.unusable += 1
        self.last_error = str(error)


def _portions(due: list[_Waiting]) -> Iterator[list[_Waiting]]:
    """Yield messages in their order, so many at a time as are not heavy together."""
    portion: list[_Waiting] = []
    size = 0
    for entry in due:
        portion.append(entry)
        size += len(entry.raw.data)
        if size > HEAVY:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
