"""One sqlite3 file of a rosbag2, in the order of its index; a damaged one row by row.

Nothing is written into the file. Beside it sqlite may put the shared memory that it needs to read
a write-ahead log which a killed recorder left.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bags.losses import Losses
from lerobot_recorder.bags.storage import CDR, NEWEST_NS, Channel, Definition

MAGIC = b'SQLite format 3\0'
_COUNTS = (
    'SELECT topic_id, COUNT(*), MIN(timestamp), MAX(timestamp) FROM messages GROUP BY topic_id'
)
_IN_ORDER = (
    'SELECT id, topic_id, timestamp, data FROM messages WHERE topic_id IN ({}) '
    'ORDER BY timestamp, id'
)
_ROWS = 'SELECT id, topic_id, timestamp FROM messages WHERE id > ? ORDER BY id'
_ONE = 'SELECT data FROM messages WHERE id = ?'
_FARTHEST = 1 << 40
"""So far behind a damaged row, at distances that double, another is looked for."""
_FAULTS = (sqlite3.Error, UnicodeError)
"""What sqlite says of a damaged file; it may quote from it what is no text."""
_STEP, _STEPS, _BYTES_PER_STEP = 1000, 1000, 50
"""sqlite may take so many instructions at a time, so many times, and once more for so many bytes
of the file; a damaged one could lead it round in a circle."""


class SqliteStorage:
    """A sqlite3 file.

    Attributes:
        path: the file.
        channels: id -> channel.
        losses: what could not be read up to now.

    Raises:
        BagError: it is no database of a bag.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.losses = path, Losses(name)
        self._options = 'immutable=1'
        log = path.with_name(f'{path.name}-wal')
        try:
            if log.exists() and log.stat().st_size:
                self._use_log()
            self.channels = self._read_channels()
        except _FAULTS as error:
            raise BagError(f'{name} cannot be read as a bag: {_line(error)}') from error

    @cached_property
    def counts(self) -> dict[int, int]:
        """Channel id -> number of messages."""
        return {topic: count for topic, (count, _, _) in self._figures.items()}

    @cached_property
    def span_ns(self) -> tuple[int, int] | None:
        """Times of the first and the last message [ns], None if there is none."""
        figures = self._figures.values()
        if not figures:
            return None
        return min(first for _, first, _ in figures), max(last for _, _, last in figures)

    def messages(self, wanted: Collection[int]) -> Iterator[tuple[int, tuple[int, bytes]]]:
        """Yield (log time [ns], (channel, bytes)) of some channels, in the order of log times."""
        done = (-1, -1)
        with self._connected() as database:
            query = _IN_ORDER.format(', '.join(str(int(number)) for number in wanted))
            try:
                if self._is_indexed(database, query):
                    for number, topic, log_ns, data in database.execute(query):
                        if self._is_sound(number, topic, log_ns) and self._is_data(number, data):
                            yield log_ns, (topic, data)
                            done = log_ns, number
                    return
            except _FAULTS as error:
                self._tell_damage(error)
            yield from self._row_by_row(database, wanted, done)

    @cached_property
    def _figures(self) -> dict[int, tuple[int, int, int]]:
        """Topic -> messages, first and last time [ns]."""
        with self._connected() as database:
            try:
                rows = database.execute(_COUNTS).fetchall()
                if all(self._is_sound(0, *row[::2]) and _is_time(row[3]) for row in rows):
                    return {topic: tuple(figures) for topic, *figures in rows}
            except _FAULTS as error:
                self._tell_damage(error)
            found: dict[int, tuple[int, int, int]] = {}
            for log_ns, _, topic in self._survivors(database):
                count, first, last = found.get(topic, (0, log_ns, log_ns))
                found[topic] = count + 1, min(first, log_ns), max(last, log_ns)
            return found

    def _row_by_row(
        self, database: sqlite3.Connection, wanted: Collection[int], done: tuple[int, int]
    ) -> Iterator[tuple[int, tuple[int, bytes]]]:
        for log_ns, number, topic in sorted(self._survivors(database)):
            if topic not in wanted or (log_ns, number) <= done:
                continue
            try:
                row = database.execute(_ONE, (number,)).fetchone()
            except _FAULTS:
                row = None
            if row is None:
                self.losses.add('a damaged row', number)
            elif self._is_data(number, row[0]):
                yield log_ns, (topic, row[0])

    def _survivors(self, database: sqlite3.Connection) -> list[tuple[int, int, int]]:
        """Return (log time [ns], id, topic) of the rows that can be read, in the order of ids."""
        found: list[tuple[int, int, int]] = []
        after, step = -1, 1
        while step < _FARTHEST:
            try:
                for number, topic, log_ns in database.execute(_ROWS, (after,)):
                    if number <= after:
                        raise sqlite3.DatabaseError('rows that go round in a circle')
                    after, step = number, 1
                    if self._is_sound(number, topic, log_ns):
                        found.append((log_ns, number, topic))
                break
            except _FAULTS as error:
                self._tell_damage(error)
                after, step = after + step, step * 2
        return found

    def _is_sound(self, number: Any, topic: Any, log_ns: Any) -> bool:
        if isinstance(topic, int) and _is_time(log_ns):
            return True
        self.losses.add('a damaged row', number)
        return False

    def _is_data(self, number: int, data: Any) -> bool:
        if isinstance(data, bytes):
            return True
        self.losses.add('a row without data', number)
        return False

    def _tell_damage(self, error: Exception) -> None:
        self.losses.tell(f'is damaged ({_line(error)}); the rows that can be reached are read')

    @staticmethod
    def _is_indexed(database: sqlite3.Connection, query: str) -> bool:
        plan = database.execute(f'EXPLAIN QUERY PLAN {query}').fetchall()
        return not any('TEMP B-TREE' in str(step) for step in plan)

    def _use_log(self) -> None:
        """Read what is in the write-ahead log too, if its folder lets sqlite do that."""
        self._options = 'mode=ro'
        try:
            with self._connected() as database:
                database.execute('SELECT COUNT(*) FROM topics').fetchall()
        except _FAULTS as error:
            self._options = 'immutable=1'
            self.losses.tell(f'its write-ahead log cannot be read and is left out: {_line(error)}')

    def _read_channels(self) -> dict[int, Channel]:
        with self._connected() as database:
            definitions = self._read_definitions(database)
            rows = database.execute('SELECT id, name, type, serialization_format FROM topics')
            return {
                number: Channel(str(topic), str(kind), str(form) or CDR, definitions.get(kind))
                for number, topic, kind, form in rows
                if isinstance(number, int)
            }

    @staticmethod
    def _read_definitions(database: sqlite3.Connection) -> dict[Any, Definition]:
        """Return type -> definition; bags have had them since Iron."""
        try:
            rows = database.execute(
                'SELECT topic_type, encoding, encoded_message_definition FROM message_definitions'
            ).fetchall()
        except _FAULTS:
            return {}
        return {kind: Definition(str(language), str(text)) for kind, language, text in rows}

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        place = quote(str(self.path.absolute()))
        database = sqlite3.connect(f'file:{place}?{self._options}', uri=True)
        database.text_factory = lambda data: data.decode(errors='replace')
        effort = iter(range(self.path.stat().st_size // _BYTES_PER_STEP + _STEPS))
        database.set_progress_handler(lambda: next(effort, None) is None, _STEP)
        try:
            yield database
        finally:
            database.close()


def _is_time(log_ns: Any) -> bool:
    return isinstance(log_ns, int) and 0 <= log_ns <= NEWEST_NS


def _line(error: Exception) -> str:
    return ' '.join(str(error).split())
