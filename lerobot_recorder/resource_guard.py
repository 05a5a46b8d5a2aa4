"""Ends a take while it can still be saved: before memory or disk run out.

What would be lost otherwise is the running episode, and with the process killed by the kernel
the robot's recording session. A shortage is told, then the take ends as incomplete and is kept,
and no other one begins until there is room again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lerobot_recorder.take import Take

LOOKS_APART = 25
"""The recorder polls 50 times a second: look twice a second."""


@dataclass(frozen=True)
class Shortage:
    """What there is too little of.

    Attributes:
        line: what, how much is left, and what to do, for the operator.
        is_critical: a take must end; else it is a warning.
    """

    line: str
    is_critical: bool


Check = Callable[[], Shortage | None]


class ResourceGuard:
    """Asks its checks now and then.

    Args:
        checks: each tells of a shortage while there is one.

    Attributes:
        problem: why no take may go on or begin, None if it may.
    """

    def __init__(self, checks: Sequence[Check] = ()) -> None:
        self.problem: str | None = None
        self._checks = tuple(checks)
        self._looks = 0
        self._warned: dict[Check, bool] = {}
        self._lines: list[str] = []

    def look(self) -> str | None:
        """Look if it is time to; return the problem."""
        if self._looks % LOOKS_APART == 0:
            self._ask()
        self._looks += 1
        return self.problem

    def heed(self, take: Take | None) -> str:
        """End a take while it can still be saved; return what is worth telling, if anything."""
        if self.look() and take is not None:
            take.ended = take.ended or self.problem
        return '; '.join(self.told())

    def told(self) -> list[str]:
        """Return the warnings since the last time."""
        lines, self._lines = self._lines, []
        return lines

    def _ask(self) -> None:
        critical: list[str] = []
        for check in self._checks:
            shortage = check()
            if shortage is None:
                self._warned.pop(check, None)
            elif shortage.is_critical:
                critical.append(shortage.line)
            elif not self._warned.setdefault(check, False):
                self._warned[check] = True
                self._lines.append(shortage.line)
        # The same words while it lasts: the operator's line does not flicker with the figures.
        self.problem = (self.problem or '; '.join(critical)) if critical else None
