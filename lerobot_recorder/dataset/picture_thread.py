"""A thread that takes pictures one by one, behind a queue that blocks when it is full."""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.picture import Picture
from lerobot_recorder.dataset.statistics import PictureHistogram


class EncodingError(DatasetError):
    """A camera's pictures cannot be encoded any more."""


class Sink(ABC):
    """Where the thread puts the pictures; all three are called in that thread."""

    @abstractmethod
    def open(self) -> None:
        """Start the file."""

    @abstractmethod
    def write(self, rgb: NDArray[np.uint8]) -> None:
        """Add a picture, RGB, shape (height, width, 3)."""

    @abstractmethod
    def close(self) -> None:
        """End the file."""


class PictureThread:
    """Hands pictures to a sink in a thread of its own.

    Args:
        key: The camera's feature, for messages.
        sink: Where the pictures go.
        queue_size: Pictures that may wait.

    Attributes:
        histogram: Counts of the pixels' values; complete after `finish`.
        fed: Pictures handed over.
    """

    def __init__(self, key: str, sink: Sink, queue_size: int) -> None:
        self._key, self._sink = key, sink
        self._queue: queue.Queue[Picture | None] = queue.Queue(queue_size)
        self._error: Exception | None = None
        self._aborted = threading.Event()
        self._done = 0
        self.histogram = PictureHistogram()
        self.fed = 0
        self._thread = threading.Thread(target=self._run, name=f'encode {key}', daemon=True)
        self._thread.start()

    def add(self, picture: Picture) -> None:
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
                    rgb = picture.rgb()
                    self._sink.write(rgb)
                    self.histogram.add(rgb)
                    self._done += 1
        finally:
            self._sink.close()
