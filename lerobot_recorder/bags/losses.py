"""What a bag could not give, gathered so that each loss is told once."""

from __future__ import annotations

from lerobot_drivers.common.errors import BagError


class DamageError(BagError):
    """Bytes that are not what they should be; costs what they are in, not the bag.

    Attributes:
        messages: how many are lost with them, None if nobody knows.
    """

    def __init__(self, found: str, messages: int | None = None) -> None:
        super().__init__(found)
        self.messages = messages


class Losses:
    """Places in a file that could not be read; one that is met again counts once.

    Args:
        name: of the file.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._places: dict[str, dict[int, int | None]] = {}
        self._told: dict[str, None] = {}

    def tell(self, line: str) -> None:
        """Keep a line about the file as a whole."""
        self._told[f'{self._name}: {line}'] = None

    def add(self, why: str, place: int, messages: int | None = 1) -> None:
        """Keep a loss.

        Args:
            why: what was found there; losses of one kind share a line.
            place: where in the file.
            messages: how many went with it, None if nobody knows.
        """
        self._places.setdefault(why, {})[place] = messages

    def told(self) -> list[str]:
        """Return one line for each kind of loss."""
        return [*self._told, *(self._line(*item) for item in self._places.items())]

    def _line(self, why: str, places: dict[int, int | None]) -> str:
        messages = sum(count or 0 for count in places.values())
        at = f'{len(places)} times, first ' if len(places) > 1 else ''
        what = f'{messages} messages are' if messages else 'what is behind it in its chunk is'
        return f'{self._name}: {why} ({at}at {min(places)}); {what} left out'
