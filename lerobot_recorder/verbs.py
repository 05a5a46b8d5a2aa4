"""The operator's words, however they are said: keys, buttons, services."""

from __future__ import annotations

from collections.abc import Mapping

VERBS = {
    'start': 'begin the next episode now',
    'save': 'end the running episode and keep it',
    'discard': 'drop the running episode, or after its end the last one',
    'end_episode': 'end the running episode and keep it, or the reset',
    'rerecord': 'the same as discard: the episode is recorded again',
    'success': 'keep the running episode, or the last one, as a success',
    'failure': 'keep the running episode, or the last one, as a failure',
    'pause': 'end and keep the running episode; the next one waits for resume',
    'resume': 'go on after a pause',
    'stop': 'end the session; the running episode is kept up to now',
}
OUTCOMES = ('success', 'failure')


class Answer:
    """What becomes of a word: known at once, or only when an episode is on the disk."""

    def __init__(self) -> None:
        self._given: tuple[bool, str] | None = None

    @property
    def is_given(self) -> bool:
        """Whether it is known."""
        return self._given is not None

    @property
    def success(self) -> bool:
        """Whether it was done."""
        return self._given is not None and self._given[0]

    @property
    def text(self) -> str:
        """What happened, for people."""
        return self._given[1] if self._given else ''

    def give(self, success: bool, text: str) -> Answer:
        """Say what became of it; the first time counts."""
        self._given = self._given or (success, text)
        return self


class JointAnswer(Answer):
    """What becomes of a word that several obey: known when all of theirs are.

    Args:
        answers: by name of who was told.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__()
        self._answers = dict(answers)

    @property
    def is_given(self) -> bool:
        """Whether all are known."""
        return all(answer.is_given for answer in self._answers.values())

    @property
    def success(self) -> bool:
        """Whether all have done it."""
        return all(answer.success for answer in self._answers.values())

    @property
    def text(self) -> str:
        """What happened to each, for people."""
        return '; '.join(f'{name}: {answer.text}' for name, answer in self._answers.items())


def done(text: str) -> Answer:
    """Return the answer that something was done."""
    return Answer().give(True, text)


def refused(text: str) -> Answer:
    """Return the answer that something cannot be done now."""
    return Answer().give(False, text)
