"""What a person sees of the player, and which of its keys he may press."""

from __future__ import annotations

from typing import Protocol

from lerobot_recorder.play.player import Player


class PlayView(Protocol):
    """Shows where a player is."""

    def say(self, line: str) -> None:
        """Tell something."""
        ...

    def show(self, player: Player) -> None:
        """Show where it is."""
        ...

    def obey(self, player: Player) -> bool:
        """Do what the keys say that were pressed; return whether they say to end."""
        ...

    def close(self, line: str) -> None:
        """Show nothing more but a last line."""
        ...


class SilentView:
    """For a node that nobody looks at: what is to be told goes to its log."""

    def say(self, line: str) -> None:
        """Tell nobody."""

    def show(self, player: Player) -> None:
        """Show nothing."""

    def obey(self, player: Player) -> bool:
        """Hear no keys."""
        return False

    def close(self, line: str) -> None:
        """Tell nobody."""
