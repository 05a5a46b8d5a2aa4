"""Episodes whose files are there already become part of a dataset: nothing is recorded.

`DatasetWriter` takes frames; this takes whole episodes, and saves them the same way: all or
nothing, each durable when `add` returns. An episode that was being made when the process was
killed leaves no trace, so whoever makes them goes on with the first that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import closing, episodes, layout, repair, seal
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.running_episode import FinishedEpisode
from lerobot_recorder.dataset.state import DatasetState
from lerobot_recorder.dataset.work_folder import WorkFolder


class EpisodeImporter:
    """Adds whole episodes to one dataset, new or interrupted; a context manager.

    Left with an exception, the dataset stays marked as interrupted, and what was added is safe.

    Args:
        root: The dataset's folder.
        document: info.json of a new dataset.
        sentences: Tasks in the order of the index they are to have.

    Raises:
        DatasetError: someone else has it open, or the disk refuses.
        DatasetFormatError: what lies there cannot be read.
    """

    def __init__(
        self, root: Path, document: Mapping[str, Any], sentences: Sequence[str] = ()
    ) -> None:
        self._root = root
        try:
            self._work = WorkFolder(root)
        except OSError as error:
            raise DatasetError(f'{root} cannot be written: {error}') from error
        try:
            repair.mend(root, self._work, seal.is_intact(root))
            has_info = (root / layout.INFO).exists()
            self._state = (
                DatasetState.load(root) if has_info else DatasetState(root, document, sentences)
            )
            self._work.write_session(document, VideoConfig())
        except BaseException:
            self._work.close(clean=False)
            raise

    @property
    def num_episodes(self) -> int:
        """Episodes that are durable, with those that were there before."""
        return self._state.num_episodes

    @property
    def total_frames(self) -> int:
        """Rows of all durable episodes."""
        return self._state.total_frames

    def uuids(self) -> list[str | None]:
        """Return the names of the episodes that were there when it was opened, in order."""
        if not self._state.base:
            return []
        rows = episodes.rows_of(
            self._root, self._state.fps, self._state.features, statistics=False
        )
        return [row.extra.get('ros/uuid') for row in rows]

    def start(self) -> Path:
        """Return an empty folder in which an episode's videos are made; from any thread."""
        return self._work.start_change()

    def add(self, folder: Path, episode: FinishedEpisode, record: EpisodeRecord) -> EpisodeRow:
        """Append an episode; it is on the disk for good when this returns.

        Args:
            folder: The one from `start` that holds its videos.
            episode: Its rows and pictures.
            record: What else is known of it.
        """
        row = self._state.save(folder, episode, record)
        self._work.drop(folder)
        return row

    def discard(self, folder: Path) -> None:
        """Give up an episode that was started."""
        self._work.drop(folder)

    def finish(self) -> None:
        """Make the statistics exact and close the dataset."""
        if self._state.num_episodes:
            closing.close(self._state, was_sealed=False)
        self._work.close(clean=True)

    def __enter__(self) -> EpisodeImporter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        self._work.close(clean=False)
