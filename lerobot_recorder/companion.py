"""What goes along with a session: a bag beside the dataset, an upload."""

from __future__ import annotations

from typing import Any

from lerobot_recorder.dataset.saver import SavedEpisode
from lerobot_recorder.findings import Finding
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.row_plan import RowPlan


class Companion:
    """Is told what happens in a session; by itself it does nothing.

    All calls come from the recorder's thread and must return at once: what takes time, or may
    fail for a reason that must not end the session, belongs into a thread of its own.
    """

    def findings(self) -> list[Finding]:
        """Return what the operator should know before the first episode, such as a login."""
        return []

    def check(self, plan: RowPlan) -> None:
        """Look at the streams before the first take; may take a moment.

        Raises:
            StreamError: nothing should be recorded.
        """

    def begin_episode(self, uuid: str, task: str) -> None:
        """Hear that a take begins; what was kept for its start follows as messages."""

    def on_message(self, raw: RawMessage) -> None:
        """Take in a message of the running take, or a fact at any time."""

    def details(self) -> dict[str, Any]:
        """Return what the record of the episode that now closes tells of this companion."""
        return {}

    def end_episode(self, keep: bool) -> None:
        """Hear that the running take is over, and whether it is kept."""

    def on_durable(self, saved: SavedEpisode) -> None:
        """Hear that an episode that was kept is on the disk for good."""

    def told(self) -> list[str]:
        """Return what the operator should hear since the last time, one line each."""
        return []

    def close(self) -> None:
        """End with the session; the dataset has been finalised. May take as long as it needs."""
