"""Second thoughts about episodes that are saved: their outcome, what was noted, their end.

Like an episode itself, a change is written aside first and then counts as a whole, or not at all.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import commit, layout, parquet_writer
from lerobot_recorder.dataset.saver import Saver
from lerobot_recorder.dataset.state import DatasetState
from lerobot_recorder.dataset.work_folder import WorkFolder

_OUTCOME = 'ros/outcome'
_ROW, _RECORD = 'row.parquet', 'record.json'


class PendingChange:
    """A change that was asked for and is on its way to the disk."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._error: DatasetError | None = None

    @property
    def is_done(self) -> bool:
        """Return whether it is durable or has failed."""
        return self._done.is_set()

    def wait(self) -> None:
        """Wait until it is durable.

        Raises:
            DatasetError: it could not be made; all is as it was before.
        """
        self._done.wait()
        if self._error is not None:
            raise self._error

    def resolve(self, error: DatasetError | None) -> None:
        """Say what became of it."""
        self._error = error
        self._done.set()


class Amendments:
    """Changes episodes that this writer saved, in its saver's thread.

    Args:
        state: The dataset.
        work: Its work folder.
        saver: Runs one thing after the other.
        on_stuck: Told why nothing may be saved any more: a change is half in place.
    """

    def __init__(
        self,
        state: DatasetState,
        work: WorkFolder,
        saver: Saver,
        on_stuck: Callable[[str], None],
    ) -> None:
        self._state, self._work, self._saver = state, work, saver
        self._on_stuck = on_stuck

    def amend(
        self, uuid: str, outcome: str | None = None, details: Mapping[str, Any] | None = None
    ) -> PendingChange:
        """Change what is known of an episode of this session, when it is saved.

        Args:
            uuid: Its name.
            outcome: Its new outcome, None to leave it.
            details: Entries of its record that are new or replaced.
        """
        return self._run(lambda folder: self._amend(folder, uuid, outcome, details or {}))

    def drop(self, uuid: str) -> PendingChange:
        """Take the last episode that was accepted out of the dataset, when it is saved."""
        return self._run(lambda folder: self._state.drop_last(folder, uuid))

    def _run(self, change: Callable[[Path], None]) -> PendingChange:
        pending = PendingChange()

        def job() -> None:
            try:
                self._apply(change)
            except DatasetError as error:
                pending.resolve(error)
            except Exception as error:  # noqa: BLE001 - the thread's outermost line
                pending.resolve(DatasetError(f'{self._state.root}: {error}'))
            else:
                pending.resolve(None)

        self._saver.run(job)
        return pending

    def _apply(self, change: Callable[[Path], None]) -> None:
        folder = self._work.start_change()
        try:
            change(folder)
        except BaseException as error:
            if commit.is_pending(folder):
                self._on_stuck(f'a change to an episode is half in place ({error}); resume')
            else:
                self._work.drop(folder)
            raise
        self._work.drop(folder)

    def _amend(
        self, folder: Path, uuid: str, outcome: str | None, details: Mapping[str, Any]
    ) -> None:
        if uuid not in self._state.saved:
            raise DatasetError(f'there is no episode {uuid} of this session')
        root, record = self._state.root, f'{layout.RECORDS}/{uuid}.json'
        document = json.loads((root / record).read_text(encoding='utf-8'))
        document['details'] |= details
        files = {_RECORD: record}
        if outcome is not None:
            document['outcome'] = outcome
            row = layout.episodes_file(self._state.saved[uuid])
            if _write_row(root / row, folder / _ROW, outcome):
                files[_ROW] = row
        text = json.dumps(document, indent=2, ensure_ascii=False)
        (folder / _RECORD).write_text(text, encoding='utf-8')
        commit.commit(folder, root, files)


def _write_row(source: Path, target: Path, outcome: str) -> bool:
    """Write an episode's row with another outcome; return False if the dataset has no column."""
    with pq.ParquetFile(source) as file:
        table = file.read(use_threads=False)
    if _OUTCOME not in table.column_names:
        return False
    column = pa.array([outcome] * len(table), pa.string())
    number = table.column_names.index(_OUTCOME)
    parquet_writer.write_table(table.set_column(number, _OUTCOME, column), target)
    return True
