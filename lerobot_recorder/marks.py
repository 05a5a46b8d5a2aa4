"""What people say about the running episode: notes, moments, its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.verbs import Answer, done


@dataclass(frozen=True)
class Mark:
    """A moment worth knowing.

    Attributes:
        kind: ``event``, or ``subtask`` that begins.
        text: what it is.
        stamp_ns: when it was [ns].
    """

    kind: str
    text: str
    stamp_ns: int


class Marks:
    """Gathers what is said about one episode.

    Args:
        tell: has the episode's record tell it; a recovery after a crash knows it too.

    Attributes:
        outcome: success or failure, None if nobody said.
        ended_by: the word that ended it, None if none did.
        notes: what was noted.
        answers: those who want to hear when the episode is durable.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], None] = lambda details: None) -> None:
        self._tell = tell
        self.outcome: str | None = None
        self.ended_by: str | None = None
        self.notes: list[str] = []
        self.answers: list[Answer] = []
        self._marks: list[Mark] = []

    def note(self, text: str) -> Answer:
        """Note something."""
        self.notes.append(text)
        self._tell(self.details())
        return done(f'noted: {text}')

    def mark(self, kind: str, text: str, stamp_ns: int) -> Answer:
        """Mark a moment [ns]."""
        self._marks.append(Mark(kind, text, stamp_ns))
        self._tell(self.details())
        return done(f'{kind}: {text}')

    def give(self, success: bool, text: str) -> None:
        """Answer all who wait."""
        for answer in self.answers:
            answer.give(success, text)

    def details(
        self, origin_ns: int | None = None, fps: int = 1, frames: int = 1
    ) -> dict[str, Any]:
        """Return what the episode's record tells; nothing that nobody said.

        Args:
            origin_ns: acquisition time of its first row, where that is known [ns].
            fps: rows per second.
            frames: its rows, where it is over.
        """
        told: dict[str, Any] = {}
        if self.notes:
            told['notes'] = list(self.notes)
        if self.ended_by is not None:
            told['ended_by'] = self.ended_by
        if self._marks:
            told['marks'] = [_told(mark, origin_ns, fps, frames) for mark in self._marks]
        return told


def _told(mark: Mark, origin_ns: int | None, fps: int, frames: int) -> dict[str, Any]:
    told: dict[str, Any] = {'kind': mark.kind, 'text': mark.text, 'stamp_ns': mark.stamp_ns}
    if origin_ns is not None:
        frame = round((mark.stamp_ns - origin_ns) * fps / NS_PER_S)
        told['frame_index'] = min(max(frame, 0), frames - 1)
    return told
