"""Writing LeRobot v3.0 datasets, one episode after the other, so that none is ever lost."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError
from lerobot_recorder.dataset import commit, compatible, folder_swap, layout, repair, schema
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig, new_document
from lerobot_recorder.dataset.picture import Picture
from lerobot_recorder.dataset.picture_thread import EncodingError
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.running_episode import EpisodePlan, RunningEpisode
from lerobot_recorder.dataset.state import DatasetState
from lerobot_recorder.dataset.work_folder import WorkFolder

__all__ = ['DatasetInfo', 'DatasetWriter', 'EpisodeRecord', 'SavedEpisode', 'VideoConfig']


@dataclass(frozen=True)
class SavedEpisode:
    """An episode that is on the disk for good.

    Attributes:
        index: Its number in the dataset.
        length: Number of its rows.
        uuid: Its name for good, under which `meta/ros/episodes` keeps what is known of it.
    """

    index: int
    length: int
    uuid: str


class DatasetWriter:
    """Writes episodes into one dataset; a context manager.

    Leaving it with an exception discards the running episode and keeps every saved one. A dataset
    without any saved episode leaves nothing behind.

    Attributes:
        root: The dataset's folder.
        notices: What was found and mended when the dataset was opened, for the user.
    """

    def __init__(self, work: WorkFolder, root: Path, info: DatasetInfo) -> None:
        self._work, self.root, self._info = work, root, info
        self._state = self._load()
        self._plan = EpisodePlan(
            schema.user_features(self._state.features), self._state.fps, info.video
        )
        self._episode: RunningEpisode | None = None
        self._failure: DatasetError | None = None
        self._keep = self._closed = False
        self.notices: tuple[str, ...] = ()
        work.write_session(self._state.document, info.video)

    @classmethod
    def create(cls, root: Path, info: DatasetInfo) -> DatasetWriter:
        """Start a new dataset.

        Args:
            root: A folder that does not exist or is empty.
            info: What the dataset is to be.

        Raises:
            DatasetExistsError: something lies there already.
        """
        refuse_existing(root)
        return cls(WorkFolder(root), root, info)

    @classmethod
    def resume(cls, root: Path, info: DatasetInfo) -> DatasetWriter:
        """Open a dataset, ours or LeRobot's, to append episodes.

        What an interrupted recording left is mended first; `notices` says what was done.

        Args:
            root: The dataset.
            info: What it is expected to be.

        Raises:
            DatasetFormatError: fps, features or robot type differ, or its episodes are not
                numbered without gaps.
        """
        settled = folder_swap.settle(root)
        compatible.check(root, info)
        work = WorkFolder(root)
        try:
            notices = [*settled, *repair.mend(root, work)]
            writer = cls(work, root, info)
        except BaseException:
            work.close(keep_episode=True)
            raise
        writer.notices = (*notices, *compatible.remarks(root, writer._state.document, info))
        return writer

    @property
    def num_frames(self) -> int:
        """Rows of the running episode."""
        return self._episode.length if self._episode else 0

    @property
    def num_episodes(self) -> int:
        """Episodes saved, with those that were there before."""
        return self._state.num_episodes

    @property
    def total_frames(self) -> int:
        """Rows of all saved episodes."""
        return self._state.total_frames

    def add_frame(
        self, values: Mapping[str, NDArray[Any]], pictures: Mapping[str, Picture], task: str
    ) -> None:
        """Add a row to the running episode; the first one starts it.

        Waits while an encoder's queue is full.

        Args:
            values: Feature -> array of exactly its dtype and shape, for every feature of the user
                that is no camera (of string features: the string). Copied.
            pictures: Camera feature -> picture. Not copied; converted in the encoder's thread.
            task: What the robot is to do.

        Raises:
            DatasetError: the row does not fit, and nothing was added; or encoding failed, and
                every further call fails until discard_episode().
        """
        self._check_usable()
        if self._episode is None:
            self._episode = RunningEpisode(self._work.start_episode(), self._plan)
        try:
            self._episode.add(values, pictures, task)
        except (EncodingError, OSError) as error:
            raise self._fail(error, keep=False) from error

    def save_episode(self, record: EpisodeRecord | None = None) -> SavedEpisode:
        """Make the running episode part of the dataset; it is on the disk when this returns.

        Args:
            record: What else is known of the episode.

        Raises:
            DatasetError: there is no frame, encoding failed, or the disk refused. The episodes
                saved before are intact. discard_episode() gives up this one; closing the writer
                without that leaves what is on the disk for a repair.
        """
        self._check_usable()
        if self._episode is None or not self._episode.length:
            raise DatasetError('there is no episode to save: no frame was added')
        record = self._info.facts.added_to(record or EpisodeRecord(uuid=uuid.uuid4().hex))
        try:
            finished = self._episode.finish()
            row = self._state.save(self._work.episode, finished, record)
        except Exception as error:
            raise self._fail(error, keep=True) from error
        except BaseException as interruption:
            self._fail(interruption, keep=True)
            raise
        self._episode = None
        self._work.drop_episode()
        return SavedEpisode(row.index, row.length, record.uuid)

    def discard_episode(self) -> None:
        """Give up the running episode, if there is one.

        Raises:
            DatasetError: it was being saved when the disk failed and counts already.
        """
        if commit.is_pending(self._work.episode):
            self._check_usable()
        if self._episode is not None:
            self._episode.abort()
        self._episode = self._failure = None
        self._keep = False
        self._work.drop_episode()

    def finalize(self) -> None:
        """Discard what is running and close the dataset; may be called again."""
        if self._closed:
            return
        self._closed = True
        if self._episode is not None:
            self._episode.abort()
        keep = self._keep or commit.is_pending(self._work.episode)
        if not keep:
            self._work.drop_episode()
        self._work.close(keep_episode=keep)
        if not keep and not (self.root / layout.INFO).exists():
            self._work.remove_made()

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finalize()

    def _load(self) -> DatasetState:
        if (self.root / layout.INFO).exists():
            return DatasetState.load(self.root)
        return DatasetState(self.root, new_document(self._info))

    def _check_usable(self) -> None:
        if self._closed:
            raise DatasetError(f'{self.root}: the writer was closed')
        if self._failure is not None:
            raise DatasetError(
                f'{self._failure}; discard_episode() comes first'
            ) from self._failure

    def _fail(self, error: BaseException, keep: bool) -> DatasetError:
        """Stop the episode; what was saved before is read back from the disk."""
        if self._episode is not None:
            self._episode.abort()
        self._keep = keep
        saved = self._load()
        self._failure = DatasetError(
            f'{self.root}: episode {saved.num_episodes} failed: {error or type(error).__name__}; '
            f'the {saved.num_episodes} episodes before it are safe'
        )
        self._state = saved
        return self._failure


def refuse_existing(root: Path) -> None:
    """Check that a new dataset can be made here.

    Raises:
        DatasetExistsError: something lies there already.
    """
    if not root.exists() and folder_swap.old_folder(root).exists():
        raise DatasetExistsError(
            f'{root} is a dataset whose files were being joined; compact or resume it to go on'
        )
    if not root.exists():
        return
    if not root.is_dir():
        raise DatasetExistsError(f'{root} is a file, expected a new folder')
    if (root / layout.RECORDING).exists():
        raise DatasetExistsError(
            f'{root} holds an interrupted or running recording; resume it to go on'
        )
    if any(root.iterdir()):
        raise DatasetExistsError(
            f'{root} exists already and is not empty; resume it or choose another folder'
        )
