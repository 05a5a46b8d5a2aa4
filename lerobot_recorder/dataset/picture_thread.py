"""A thread that takes pictures one by one, behind a queue that blocks when it is full."""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod
from typing import Any

from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
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


class PictureThread:
    """Hands pictures to a sink in a thread of its own.

    Args:
        key: The camera's feature, for messages.
        sink: Where the pictures go.
        queue_size: Pictures that may wait.
        histogram: An empty one for their pixels' values.

    Attributes:
        histogram: Counts of the pixels' values; complete after `finish`.
        fed: Pictures handed over.
    """

    def __init__(
        self, key: str, sink: Sink, queue_size: int, histogram: PictureHistogram | None = None
    ) -> None:
        self._key, self._sink = key, sink
        self._queue: queue.Queue[Picture | DepthPicture | None] = queue.Queue(queue_size)
        self._error: Exception | None = None
        self._aborted = threading.Event()
        self._done = 0
        self.histogram = histogram or PictureHistogram()
        self.fed = 0
        self._thread = threading.Thread(target=self._run, name=f'encode {key}', daemon=True)
        self._thread.start()

    @property
    def reencoded(self) -> int:
        """Pictures that could not be kept as they came, where that was wanted."""
        return self._sink.reencoded

    def add(self, picture: Picture | DepthPicture) -> None:
        """Hand over the next picture; waits while the queue is full.

        Raises:
            EncodingError: an earlier picture has failed; nothing more can be added.
        """
        self._raise_failure()
        self._queue.put(picture)
        self.fed += 1

    def finish(self) -> int:
        """Take what waits, close the file; return the number of pictures written.

        Raises:
            EncodingError: a picture has failed.
        """
        self._stop()
        self._raise_failure()
        return self._done

    def abort(self) -> None:
        """Stop without writing what waits."""
        self._aborted.set()
        self._stop()

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _raise_failure(self) -> None:
        if self._error is not None:
            raise EncodingError(
                f'{self._key}: encoding failed after {self._done} pictures: {self._error}'
            ) from self._error

    def _run(self) -> None:
        try:
            self._write_all()
        except Exception as error:  # noqa: BLE001
            self._error = error
            while self._queue.get() is not None:
                pass

    def _write_all(self) -> None:
        self._sink.open()
        try:
            while (picture := self._queue.get()) is not None:
                if not self._aborted.is_set():
                    self._write(picture)
        finally:
            self._sink.close()

    def _write(self, picture: Picture | DepthPicture) -> None:
        sampled = self.histogram.wants_next()
        pixels = self._sink.write(picture, sampled)
        if sampled and pixels is not None:
            self.histogram.add(pixels)
        else:
            self.histogram.skip()
        self._done += 1
