"""Who looks at the recorder beside the user: a person or a referee of a world with physics."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from lerobot_drivers.common.errors import LerobotRosError
from lerobot_recorder.findings import Finding
from lerobot_recorder.recorder_status import Phase, RecorderStatus
from lerobot_recorder.view import View

_LOOK_S = 0.1


class Attendant(ABC):
    """A view that passes on what it shows, and says a word itself.

    Args:
        view: what the user sees.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._status: RecorderStatus | None = None
        self._words: list[str] = []
        self._frames = 0
        self._was_recording = False

    def show(self, status: RecorderStatus) -> None:
        """Show what the recorder is doing."""
        self._status = status
        self._view.show(status)

    def report(self, findings: Sequence[Finding]) -> None:
        """Show what was found out before the first episode."""
        self._view.report(findings)

    def words(self) -> list[str]:
        """Return what was said since: by keys, and by the attendant."""
        said, self._words = self._words, []
        return [*self._view.words(), *said]

    def look(self) -> None:
        """Look what the recorder does, and do one's part.

        Raises:
            LerobotRosError: the world, or whoever is to do something, is not there.
        """
        status = self._status
        if status is None or status.phase == Phase.WAITING:
            return
        if status.phase != Phase.RECORDING:
            self.on_pause()
            self._was_recording = False
            return
        if not self._was_recording or status.frames < self._frames:
            self.on_begin()
        else:
            self.on_recording()
        self._was_recording, self._frames = True, status.frames

    @abstractmethod
    def on_pause(self) -> None:
        """Nothing is recorded; called again and again."""

    @abstractmethod
    def on_begin(self) -> None:
        """An episode has begun; called again if it raises."""

    @abstractmethod
    def on_recording(self) -> None:
        """The episode goes on; called again and again."""

    def say(self, word: str) -> None:
        """Say one of the recorder's verbs."""
        self._words = [word]


@contextmanager
def attending(attendant: Attendant) -> Iterator[View]:
    """Let somebody look at the recorder, in a thread of his own: the recorder waits for nobody."""
    ended = threading.Event()

    def attend() -> None:
        while not ended.wait(_LOOK_S):
            with suppress(LerobotRosError):  # nobody is there yet, or not any more
                attendant.look()

    thread = threading.Thread(target=attend, name='attendant', daemon=True)
    thread.start()
    try:
        yield attendant
    finally:
        ended.set()
        thread.join()
