"""What is found out before the first episode, for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.health import Level


@dataclass(frozen=True)
class Finding:
    """One line of the pre-flight check.

    Attributes:
        level: OK, WARN, or ERROR, which stands against recording.
        subject: what it is about: a topic, the disk, the encoder.
        text: what was found.
        advice: what to do, empty where nothing is to be done.
        facts: what else is good to know of it.
    """

    level: Level
    subject: str
    text: str
    advice: str = ''
    facts: str = ''

    @property
    def all_text(self) -> str:
        """What is known of it, in words."""
        return ', '.join(filter(None, [self.facts, self.text]))

    def __str__(self) -> str:
        return f'{self.subject}: {self.text}' + (f'; {self.advice}' if self.advice else '')


def joined(subject: str, facts: Sequence[str], problems: Sequence[Finding]) -> Finding:
    """Return all that is known of one subject as one line, at the level of the worst of it."""
    text = ', '.join(problem.text for problem in problems)
    advice = dict.fromkeys(problem.advice for problem in problems if problem.advice)
    level = max((problem.level for problem in problems), default=Level.OK)
    return Finding(level, subject, text, '; '.join(advice), ', '.join(facts))


def errors_of(findings: Sequence[Finding]) -> StreamError | None:
    """Return what stands against recording as one error, None if nothing does."""
    errors = [str(finding) for finding in findings if finding.level >= Level.ERROR]
    if not errors:
        return None
    count = f'{len(errors)} things stand against recording: ' if len(errors) > 1 else ''
    return StreamError(count + ' | '.join(errors))
