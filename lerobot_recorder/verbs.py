"""The operator's words, however they are said: keys, buttons, services."""

from __future__ import annotations

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
    """What becomes of a word: known at once, or only when an episode is on the disk.

    Attributes:
        is_given: whether it is known.
        success: whether it was done.
        text: what happened, for people.
    """

    def __init__(self) -> None:
        self.is_given = self.success = False
        self.text = ''

    def give(self, success: bool, text: str) -> Answer:
        """Say what became of it; the first time counts."""
        if not self.is_given:
            self.is_given, self.success, self.text = True, success, text
        return self


def done(text: str) -> Answer:
    """Return the answer that something was done."""
    return Answer().give(True, text)


def refused(text: str) -> Answer:
    """Return the answer that something cannot be done now."""
    return Answer().give(False, text)
