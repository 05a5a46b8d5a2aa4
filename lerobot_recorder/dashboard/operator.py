"""Words to the recorder, and what comes of them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What came of a word to the recorder.

    Attributes:
        success: it was taken in.
        message: what the recorder says to it.
    """

    success: bool
    message: str


class Operator(Protocol):
    """Who carries words to the recorder; called from the server's thread."""

    def call(self, verb: str) -> Future[Answer]:
        """Tell one of ``verbs.VERBS``."""
        ...

    def say(self, what: str, text: str) -> Future[Answer]:
        """Tell a text: ``task``, of the episodes to come, or ``note``, to the running one."""
        ...
