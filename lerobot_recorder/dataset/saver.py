"""Saving episodes in the background: one thread, one episode after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from lerobot_drivers.common.errors import DatasetError

#: Episodes that may be accepted and not durable yet; one more has to wait.
MAX_PENDING = 2


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


class PendingEpisode:
    """An episode that was accepted: it survives a crash of the process, and is being saved.

    Attributes:
        uuid: Its name for good.
        length: Number of its rows.
        had_to_wait: Whether accepting it had to wait for earlier ones to be saved.
        is_told: Whether someone has heard what became of it.
    """

    def __init__(self, uuid: str, length: int, had_to_wait: bool) -> None:
        self.uuid, self.length, self.had_to_wait = uuid, length, had_to_wait
        self.is_told = False
        self._done = threading.Event()
        self._saved: SavedEpisode | None = None
        self._error: DatasetError | None = None

    @property
    def is_done(self) -> bool:
        """Return whether it was saved or has failed."""
        return self._done.is_set()

    def poll(self) -> SavedEpisode | None:
        """Return the durable episode, None as long as it is being saved.

        Raises:
            DatasetError: it could not be saved; says where what is left of it lies.
        """
        return self.wait() if self.is_done else None

    def wait(self) -> SavedEpisode:
        """Return the durable episode, as soon as it is one.

        Raises:
            DatasetError: it could not be saved; says where what is left of it lies.
        """
        self._done.wait()
        self.is_told = True
        if self._error is not None:
            raise self._error
        assert self._saved is not None
        return self._saved

    def resolve(self, outcome: SavedEpisode | DatasetError) -> None:
        """Say what became of it."""
        if isinstance(outcome, DatasetError):
            self._error = outcome
        else:
            self._saved = outcome
        self._done.set()


class Saver:
    """Runs jobs in order, in a thread that starts with the first one."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._room = threading.Condition()
        self._pending: list[PendingEpisode] = []
        self._failures: list[PendingEpisode] = []

    @property
    def has_room(self) -> bool:
        """Return whether another episode would not have to wait."""
        with self._room:
            return len(self._pending) < MAX_PENDING

    def wait_for_room(self) -> bool:
        """Wait until another episode may be accepted; return whether that took any time."""
        with self._room:
            if len(self._pending) < MAX_PENDING:
                return False
            self._room.wait_for(lambda: len(self._pending) < MAX_PENDING)
            return True

    def save(
        self, pending: PendingEpisode, save: Callable[[], SavedEpisode | DatasetError]
    ) -> None:
        """Save an episode when those before it are done.

        Args:
            pending: Is told what became of it.
            save: Saves it; must not raise.
        """

        def job() -> None:
            outcome = save()
            with self._room:
                self._pending.remove(pending)
                if isinstance(outcome, DatasetError):
                    self._failures.append(pending)
                self._room.notify_all()
            pending.resolve(outcome)

        with self._room:
            self._pending.append(pending)
        self.run(job)

    def run(self, job: Callable[[], None]) -> None:
        """Do something, which must not raise, after all that was asked for before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name='save episodes', daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def close(self) -> None:
        """Wait until everything is done, and end the thread."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def untold_failures(self) -> list[PendingEpisode]:
        """Return the episodes that failed and that nobody has asked about."""
        return [pending for pending in self._failures if not pending.is_told]

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
