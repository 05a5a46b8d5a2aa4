"""What a check of a dataset finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ERROR = 'error'
WARNING = 'warning'


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        severity: `error`: LeRobot refuses the dataset, crashes on it or trains on wrong data;
            `warning`: it does some things less well, or cannot merge the dataset with others.
        where: File, feature or episode.
        found: What is there.
        expected: What should be there, and what it is needed for.
    """

    severity: str
    where: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f'{self.severity}: {self.where}: {self.found}; expected {self.expected}'


class Findings:
    """Collects findings."""

    def __init__(self) -> None:
        self.all: list[Finding] = []

    def error(self, where: Any, found: Any, expected: Any) -> None:
        """Add an error."""
        self.all.append(Finding(ERROR, str(where), str(found), str(expected)))

    def warning(self, where: Any, found: Any, expected: Any) -> None:
        """Add a warning."""
        self.all.append(Finding(WARNING, str(where), str(found), str(expected)))
