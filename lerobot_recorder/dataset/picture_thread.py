"""A thread that takes pictures one by one, behind a queue of limited room."""

from __future__ import annotations

import contextlib
import queue
import threading
from abc import ABC, abstractmethod
from enum import Enum
from typing import Any

from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_drivers.common.scheduling import stay_in_background
from lerobot_recorder.dataset.picture import DepthPicture, Picture
from lerobot_recorder.dataset.statistics import PictureHistogram


class EncodingError(DatasetError):
    """A camera's pictures cannot be encoded any more."""


class Sink(ABC):
    """Where the thread puts the pictures; all three are called in that thread.

    Attributes:
        reencoded: Pictures that could not be kept as they came, where that was wanted.
    """

    reencoded = 0

    @abstractmethod
    def open(self) -> None:
        """Start the file."""

    @abstractmethod
    def write(self, picture: Any, sampled: bool) -> NDArray[Any] | None:
        """Add a picture.

        Args:
            picture: A `Picture`, or what the sink takes instead.
            sampled: Whether its pixels are wanted for the statistics.

        Returns:
            The pixels, as the histogram takes them; may be None if they were not wanted.
        """

    @abstractmethod
    def close(self) -> None:
        """End the file."""

    def abandon(self) -> None:
        """End a file that nobody wants any more, as quickly as possible."""
        self.close()


class _Word(Enum):
    """What a queue may hold beside pictures."""

    REPEAT = 'repeat'
    END = 'end'


class PictureThread:
    """Hands pictures to a sink in a thread of its own.

    Args:
        key: The camera's feature, for messages.
        sink: Where the pictures go.
        queue_size: Pictures that may wait.
        histogram: An empty one for their pixels' values.

    Attributes:
        histogram: Counts of the pixels' values; complete after `finish`.
        fed: Pictures handed over, repeated ones too.
    """

    def __init__(
        self, key: str, sink: Sink, queue_size: int, histogram: PictureHistogram | None = None
    ) -> None:
        self._key, self._sink = key, sink
        self._queue: queue.SimpleQueue[Picture | DepthPicture | _Word] = queue.SimpleQueue()
        self._room = threading.Semaphore(queue_size)
        self._last: Picture | DepthPicture | None = None
        self._error: Exception | None = None
        self._aborted = threading.Event()
        self._done = 0
        self._ended = False
        self.histogram = histogram or PictureHistogram()
        self.fed = 0
        self._thread = threading.Thread(target=self._run, name=f'encode {key}', daemon=True)
        self._thread.start()

    @property
    def reencoded(self) -> int:
        """Pictures that could not be kept as they came, where that was wanted."""
        return self._sink.reencoded

    @property
    def behind(self) -> int:
        """Pictures that wait, repeated ones too."""
        return self._queue.qsize()

    def add(self, picture: Picture | DepthPicture) -> None:
        """Hand over the next picture; waits while there is no room.

        Raises:
            EncodingError: an earlier picture has failed; nothing more can be added.
        """
        self._raise_failure()
        self._room.acquire()
        self._queue.put(picture)
        self.fed += 1

    def add_or_repeat(self, picture: Picture | DepthPicture) -> bool:
        """Hand over the next picture, or while there is no room the one before it once more.

        Returns:
            Whether it was the picture.

        Raises:
            EncodingError: an earlier picture has failed; nothing more can be added.
        """
        self._raise_failure()
        has_room = self._room.acquire(blocking=False)
        self._queue.put(picture if has_room else _Word.REPEAT)
        self.fed += 1
        return has_room

    def finish(self) -> int:
        """Take what waits, close the file; return the number of pictures written.

        Raises:
            EncodingError: a picture has failed.
        """
        self.end()
        self._raise_failure()
        return self._done

    def abort(self) -> None:
        """Stop without writing what waits, and wait for the thread."""
        self.abandon()
        self.join()

    def abandon(self) -> None:
        """Stop without writing what waits; the thread ends by itself, see `join`.

        Takes no time, whatever waits: an encoder may need seconds to give up what is inside.
        """
        self._aborted.set()
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
                self._room.release()
        self._queue.put(_Word.END)

    def finish_soon(self) -> None:
        """Let the thread end when it has taken what waits, without waiting for it."""
        self._queue.put(_Word.END)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until the thread has ended, or for some time [s]; return whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def end(self) -> None:
        """Take what waits, close the file; of a failure nothing is said."""
        self._queue.put(_Word.END)
        self._thread.join()

    def _raise_failure(self) -> None:
        if self._error is not None:
            raise EncodingError(
                f'{self._key}: encoding failed after {self._done} pictures: {self._error}'
            ) from self._error

    def _run(self) -> None:
        stay_in_background()
        try:
            self._write_all()
        except Exception as error:  # noqa: BLE001
            self._error = error
            while not self._ended:
                self._ended = self._next() is None

    def _next(self) -> Picture | DepthPicture | None:
        """Return the next picture, None at the end; there is room for another one then."""
        taken = self._queue.get()
        if taken is _Word.END:
            return None
        if not isinstance(taken, _Word):
            self._last = taken
            self._room.release()
        return self._last

    def _write_all(self) -> None:
        self._sink.open()
        try:
            while (picture := self._next()) is not None:
                if not self._aborted.is_set():
                    self._write(picture)
            self._ended = True
        finally:
            if self._aborted.is_set():
                self._sink.abandon()
            else:
                self._sink.close()

    def _write(self, picture: Picture | DepthPicture) -> None:
        sampled = self.histogram.wants_next()
        pixels = self._sink.write(picture, sampled)
        if sampled and pixels is not None:
            self.histogram.add(pixels)
        else:
            self.histogram.skip()
        self._done += 1
