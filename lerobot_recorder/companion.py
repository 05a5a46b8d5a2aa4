"""What goes along with a session: a bag beside the dataset, an upload."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from rosbags.interfaces import Qos

from lerobot_recorder.dataset.saver import SavedEpisode
from lerobot_recorder.findings import Finding
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.row_plan import RowPlan

Offered = Callable[[str], Sequence[Qos]]
"""Topic -> the qualities of service that its publishers offer."""


class Companion:
    """Is told what happens in a session; by itself it does nothing.

    All calls come from the recorder's thread and must return at once: what takes time, or may
    fail for a reason that must not end the session, belongs into a thread of its own.
    """

    def look(self, topics: Mapping[str, str], offered: Offered) -> Collection[str]:
        """Hear which topics there are, each time that is looked up.

        Args:
            topics: topic -> type.
            offered: tells what the publishers of a topic offer.

        Returns:
            Topics to be heard for companions only, if they are not recorded anyway.
        """
        return ()

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
        """Take in a message of the running take; at any time a fact, or one asked for."""

    def details(self) -> dict[str, Any]:
        """Return what the record of the episode that now closes tells of this companion."""
        return {}

    def end_episode(self, keep: bool) -> None:
        """Hear that the running take is over, and whether it is kept."""

    def on_durable(self, saved: SavedEpisode) -> None:
        """Hear that an episode that was kept is on the disk for good."""

    def on_amended(self, uuid: str) -> None:
        """Hear that outcome or notes of a durable episode have changed."""

    def on_dropped(self, uuid: str) -> None:
        """Hear that a durable episode was taken out again."""

    def told(self) -> list[str]:
        """Return what the operator should hear since the last time, one line each."""
        return []

    def close(self) -> None:
        """End with the session; the dataset has been finalised. May take as long as it needs."""


class Companions(Companion):
    """Several of them, as one."""

    def __init__(self, members: Iterable[Companion] = ()) -> None:
        self._members = tuple(members)

    def findings(self) -> list[Finding]:
        """Return what all of them know."""
        return [finding for member in self._members for finding in member.findings()]

    def check(self, plan: RowPlan) -> None:
        """Let all of them look."""
        for member in self._members:
            member.check(plan)

    def begin_episode(self, uuid: str, task: str) -> None:
        """Tell all."""
        for member in self._members:
            member.begin_episode(uuid, task)

    def on_message(self, raw: RawMessage) -> None:
        """Tell all."""
        for member in self._members:
            member.on_message(raw)

    def details(self) -> dict[str, Any]:
        """Return what all of them tell."""
        return {key: value for member in self._members for key, value in member.details().items()}

    def end_episode(self, keep: bool) -> None:
        """Tell all."""
        for member in self._members:
            member.end_episode(keep)

    def on_durable(self, saved: SavedEpisode) -> None:
        """Tell all."""
        for member in self._members:
            member.on_durable(saved)

    def on_amended(self, uuid: str) -> None:
        """Tell all."""
        for member in self._members:
            member.on_amended(uuid)

    def on_dropped(self, uuid: str) -> None:
        """Tell all."""
        for member in self._members:
            member.on_dropped(uuid)

    def told(self) -> list[str]:
        """Return what all of them have to say."""
        return [line for member in self._members for line in member.told()]

    def close(self) -> None:
        """End all of them, whatever one of them may raise."""
        with contextlib.ExitStack() as closing:
            for member in self._members:
                closing.callback(member.close)
