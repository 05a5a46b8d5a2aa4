"""Writing LeRobot v3.0 datasets, one episode after the other, so that none is ever lost."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import (
    closing,
    commit,
    compatible,
    durable,
    folder_swap,
    layout,
    repair,
    schema,
    seal,
)
from lerobot_recorder.dataset.amendments import Amendments
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig, new_document
from lerobot_recorder.dataset.picture_thread import EncodingError
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.running_episode import EpisodePlan, Pictures, RunningEpisode
from lerobot_recorder.dataset.saver import PendingEpisode, SavedEpisode, Saver
from lerobot_recorder.dataset.side_tables import SideTable
from lerobot_recorder.dataset.state import DatasetState
from lerobot_recorder.dataset.work_folder import WorkFolder

__all__ = [
    'DatasetInfo', 'DatasetWriter', 'EpisodeRecord', 'PendingEpisode', 'SavedEpisode',
    'VideoConfig',
]  # fmt: skip


class DatasetWriter:
    """Writes episodes into one dataset; a context manager.

    There are two answers. `accept_episode` closes an episode for frames, at once: a crash of the
    process does not lose it any more, and the next one may start. It is durable, and only then
    counts as saved, when a thread in the background has made it part of the dataset.

    Leaving it with an exception discards the running episode and keeps every accepted one. A
    dataset without any saved episode leaves nothing behind.

    Attributes:
        root: The dataset's folder.
        notices: What was found and mended when the dataset was opened, for the user.
        amendments: Second thoughts about the episodes that were accepted.
    """

    def __init__(self, work: WorkFolder, root: Path, info: DatasetInfo) -> None:
        self._work, self.root = work, root
        has_info = (root / layout.INFO).exists()
        self._state = (
            DatasetState.load(root) if has_info else DatasetState(root, new_document(info))
        )
        self._plan = EpisodePlan(
            schema.user_features(self._state.features), self._state.fps, info.video
        )
        self._facts = info.facts
        self._saver = Saver()
        self._episode: RunningEpisode | None = None
        self._failed_folder: Path | None = None
        self._failure: DatasetError | None = None
        self._stuck: str | None = None
        self._was_sealed = self._closed = False
        self.notices: tuple[str, ...] = ()
        self.amendments = Amendments(self._state, work, self._saver, self._get_stuck)
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
        compatible.refuse_existing(root)
        try:
            return cls(WorkFolder(root), root, info)
        except OSError as error:
            raise DatasetError(f'{root} cannot be written: {error}') from error

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
        sealed = seal.is_intact(root)
        compatible.check(root, info, sealed)
        try:
            work = WorkFolder(root)
        except OSError as error:
            raise DatasetError(f'{root} cannot be written: {error}') from error
        try:
            notices = [*settled, *repair.mend(root, work, sealed)]
            writer = cls(work, root, info)
        except OSError as error:
            work.close(clean=False)
            raise DatasetError(f'{root} cannot be mended or written: {error}') from error
        except BaseException:
            work.close(clean=False)
            raise
        writer._was_sealed = sealed and not notices
        remarks = compatible.remarks(root, writer._state.document, info)
        writer.notices = (*notices, *remarks)
        return writer

    @property
    def num_frames(self) -> int:
        """Rows of the running episode."""
        return self._episode.length if self._episode else 0

    @property
    def num_episodes(self) -> int:
        """Episodes that are durable, with those that were there before."""
        return self._state.num_episodes

    @property
    def total_frames(self) -> int:
        """Rows of all durable episodes."""
        return self._state.total_frames

    @property
    def can_accept(self) -> bool:
        """Return whether accepting an episode would not have to wait for earlier ones."""
        return self._saver.has_room

    @property
    def frames_behind(self) -> int:
        """Rows of the running episode of which a picture is not encoded yet."""
        return self._episode.behind if self._episode else 0

    def add_frame(
        self,
        values: Mapping[str, NDArray[Any]],
        pictures: Pictures,
        task: str,
        *,
        wait: bool = True,
    ) -> frozenset[str]:
        """Add a row to the running episode; the first one starts it.

        Args:
            values: Feature -> array of exactly its dtype and shape, for every feature of the user
                that is no camera (of string features: the string). Copied.
            pictures: Camera feature -> picture. Not copied; converted in the encoder's thread.
            task: What the robot is to do.
            wait: Wait for an encoder that is a second behind; else the row repeats the last
                picture of its camera, so that neither the caller nor the memory suffers.

        Returns:
            The cameras whose last picture the row repeats.

        Raises:
            DatasetError: the row does not fit, and nothing was added; or encoding failed, and
                every further call fails until discard_episode().
        """
        try:
            return self._running().add(values, pictures, task, wait)
        except (EncodingError, OSError) as error:
            raise self._fail(error) from error

    def accept_episode(self, record: EpisodeRecord | None = None) -> PendingEpisode:
        """Close the running episode for frames; the next one may start when this returns.

        Waits if too many episodes are accepted and not durable yet; see `can_accept`.

        Args:
            record: What else is known of the episode.

        Returns:
            What becomes of it: it counts when it is durable. If saving it fails, what there is
            of it stays on the disk for a repair, and the episodes after it go on.

        Raises:
            DatasetError: there is no frame, encoding failed, or the disk refused; see
                `save_episode`.
        """
        self._check_usable()
        if self._episode is None or not self._episode.length:
            raise DatasetError('there is no episode to save: no frame was added')
        episode = self._episode
        record = self._facts.added_to(record or EpisodeRecord(uuid=uuid.uuid4().hex))
        had_to_wait = self._saver.wait_for_room()
        try:
            episode.accept(record)
        except (EncodingError, OSError, TypeError, ValueError) as error:
            raise self._fail(error) from error
        pending = PendingEpisode(record.uuid, episode.length, had_to_wait)
        self._saver.save(pending, lambda: self._save(episode, record))
        self._episode = None
        return pending

    def side_table(self, name: str, schema: pa.Schema) -> SideTable:
        """Start a table beside the rows of the running episode; it shares the episode's fate.

        Args:
            name: Its name in `meta/ros/episodes/<uuid>.<name>.parquet`.
            schema: Its columns; those called `frame_index` and `stamp_ns` tell a recovery
                which rows belong to the frames that are left.

        Raises:
            DatasetError: the name is taken or no name of a file; or the disk refused, as it may
                when the table grows: then the episode has failed.
        """
        try:
            table = self._running().side_tables.add(name, schema)
        except OSError as error:
            raise self._fail(error) from error
        table.on_error = self._fail
        return table

    def sketch_record(self, record: EpisodeRecord) -> None:
        """Keep what is known of the running episode so far, in case it has to be recovered.

        Raises:
            DatasetError: the disk refused; the episode has failed.
        """
        try:
            self._facts.added_to(record).sketch(self._running().folder)
        except OSError as error:
            raise self._fail(error) from error

    def save_episode(self, record: EpisodeRecord | None = None) -> SavedEpisode:
        """Make the running episode part of the dataset; it is on the disk when this returns.

        Args:
            record: What else is known of the episode.

        Raises:
            DatasetError: there is no frame, encoding failed, or the disk refused. The episodes
                saved before are intact. discard_episode() gives up this one; closing the writer
                without that leaves what is on the disk for a repair.
        """
        folder = self._episode.folder if self._episode else None
        pending = self.accept_episode(record)
        try:
            return pending.wait()
        except DatasetError as error:
            self._failure, self._failed_folder = error, folder
            raise

    def discard_episode(self) -> None:
        """Give up the running episode, if there is one; takes no time, whatever is under way.

        Raises:
            DatasetError: it was being saved when the disk failed and counts already, or its
                folder cannot be moved.
        """
        episode = self._episode
        folder = episode.folder if episode else self._failed_folder
        if folder is not None and commit.is_pending(folder):
            self._check_usable()
        if episode is not None:
            episode.abandon()
        if folder is not None:
            try:
                retired = self._work.retire(folder)
            except OSError as error:
                raise DatasetError(f'{folder} cannot be discarded: {error}') from error
            self._saver.run(lambda: _clear(episode, retired))
        self._episode = self._failed_folder = self._failure = None

    def finalize(self) -> None:
        """Discard what is running, wait for what was accepted, close the dataset.

        May be called again.

        Raises:
            DatasetError: an accepted episode could not be saved and nobody was told, or the
                disk refused the last files.
        """
        if self._closed:
            return
        if self._failure is None:
            with contextlib.suppress(DatasetError):
                self.discard_episode()
        self._closed = True
        if self._episode is not None:
            self._episode.end()
        self._saver.close()
        try:
            self._close_dataset()
        finally:
            self._work.close(clean=False)
        untold = [self._outcome_of(pending) for pending in self._saver.untold_failures()]
        if untold:
            raise DatasetError('; '.join(untold))

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finalize()

    def _running(self) -> RunningEpisode:
        self._check_usable()
        if self._episode is None:
            self._episode = RunningEpisode(self._work.start_episode(), self._plan)
        return self._episode

    def _check_usable(self) -> None:
        if self._closed:
            raise DatasetError(f'{self.root}: the writer was closed')
        if self._failure is not None:
            raise DatasetError(
                f'{self._failure}; discard_episode() comes first'
            ) from self._failure

    def _fail(self, error: BaseException) -> DatasetError:
        """Take no more frames; what there is of the episode stays on the disk."""
        self._failure = self._told(error)
        return self._failure

    def _get_stuck(self, reason: str) -> None:
        self._stuck = reason

    def _told(self, error: BaseException) -> DatasetError:
        saved = self._state.num_episodes
        return DatasetError(
            f'{self.root}: episode {saved} failed: {error or type(error).__name__}; '
            f'the {saved} episodes before it are safe'
        )

    def _save(self, episode: RunningEpisode, record: EpisodeRecord) -> SavedEpisode | DatasetError:
        """Make an accepted episode durable; called in the saver's thread, one after the other."""
        try:
            if self._stuck is not None:
                raise DatasetError(self._stuck)
            row = self._state.save(episode.folder, episode.finish(), record)
            self._work.drop(episode.folder)
        except Exception as error:  # noqa: BLE001 - the thread's outermost line
            episode.end()
            if commit.is_pending(episode.folder):
                self._stuck = f'an episode before it is half in place ({error}); resume to mend it'
            return self._told(error)
        return SavedEpisode(row.index, row.length, record.uuid)

    def _close_dataset(self) -> None:
        """Leave the dataset as whoever opens it next likes to find it."""
        saved = self._state.num_episodes > self._state.base
        if self._stuck is not None:
            return
        if saved or (self._work.was_left and self._state.num_episodes):
            try:
                closing.close(self._state, self._was_sealed)
            except (OSError, DatasetError) as error:
                raise DatasetError(
                    f'{self.root}: all {self._state.num_episodes} episodes are saved, but the '
                    f'statistics are not exact yet: {error}; resume or repair the dataset'
                ) from error
        self._work.close(clean=True)
        if not (self.root / layout.INFO).exists():
            self._work.remove_made()

    @staticmethod
    def _outcome_of(pending: PendingEpisode) -> str:
        try:
            return str(pending.wait())
        except DatasetError as error:
            return str(error)


def _clear(episode: RunningEpisode | None, folder: Path) -> None:
    """Remove a discarded episode; what cannot be removed goes when the dataset is opened next."""
    if episode is not None:
        episode.join()
    with contextlib.suppress(OSError):
        durable.remove_tree(folder)
