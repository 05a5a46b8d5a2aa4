"""How a recorder is seen and told what to do from inside its process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lerobot_recorder.findings import Finding
from lerobot_recorder.recorder_status import RecorderStatus


class View(Protocol):
    """Who shows the recorder to an operator and brings his words back."""

    def show(self, status: RecorderStatus) -> None:
        """Show what the recorder is doing."""
        ...

    def report(self, findings: Sequence[Finding]) -> None:
        """Show what was found out before the first episode."""
        ...

    def words(self) -> list[str]:
        """Return what the operator said since, names of the recorder's verbs."""
        ...
