"""Marks in, parts of the bag out: what an operator would have kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lerobot_recorder.conversion.config import Word
from lerobot_recorder.conversion.marks import Mark
from lerobot_recorder.conversion.span import EpisodeSpan, Skipped, Spans

_OUTCOMES = {Word.SUCCESS: 'success', Word.FAILURE: 'failure'}
DISCARDED = 'a marker says discard'


class _Operator:
    """Obeys marks one after the other, as the recorder obeys words."""

    def __init__(self) -> None:
        self.kept: list[EpisodeSpan] = []
        self.skipped: list[Skipped] = []
        self.notices: list[str] = []
        self.running: EpisodeSpan | None = None

    def obey(self, mark: Mark) -> None:
        """Do what a mark says."""
        if mark.word is None:
            self._end(mark.at_ns)
            if mark.task:
                self._begin(mark)
            return
        word = mark.word
        if word is Word.TOGGLE:
            word = Word.STOP if self.running else Word.START
        if word is Word.START:
            self._end(mark.at_ns)
            self._begin(mark)
        elif word is Word.DISCARD:
            self._discard(mark.at_ns)
        else:
            self._finish(mark.at_ns, _OUTCOMES.get(word))

    def finish(self, last_ns: int) -> None:
        """End what is running where the bag ends [ns]."""
        if self.running is not None:
            self.notices.append(f'the bag ends before the episode begun by {self.running.where}')
            self._end(last_ns)

    def _begin(self, mark: Mark) -> None:
        self.running = EpisodeSpan(mark.at_ns, mark.at_ns, mark.task, None, mark.topic)

    def _end(self, at_ns: int, outcome: str | None = None) -> None:
        if self.running is not None:
            self.kept.append(replace(self.running, end_ns=at_ns, outcome=outcome))
        self.running = None

    def _finish(self, at_ns: int, outcome: str | None) -> None:
        """End what is running; an outcome may also be said of the last one, after its end."""
        if self.running is not None:
            self._end(at_ns, outcome)
        elif outcome is not None and self.kept:
            self.kept[-1] = replace(self.kept[-1], outcome=outcome)

    def _discard(self, at_ns: int) -> None:
        """Drop what is running, or the last one."""
        if self.running is not None:
            self.skipped.append(Skipped(replace(self.running, end_ns=at_ns), DISCARDED))
            self.running = None
        elif self.kept:
            self.skipped.append(Skipped(self.kept.pop(), DISCARDED))


def marked_spans(marks: Iterable[Mark], last_ns: int) -> Spans:
    """Return the parts of a bag that marks tell.

    Args:
        marks: in any order.
        last_ns: where the bag ends [ns].
    """
    operator = _Operator()
    for mark in sorted(marks, key=lambda mark: mark.at_ns):
        operator.obey(mark)
    operator.finish(last_ns)
    return Spans(tuple(operator.kept), tuple(operator.skipped), tuple(operator.notices))
