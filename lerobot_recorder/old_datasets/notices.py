"""What was found and is told, each thing once, with the episodes it was found in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_SHOWN = 8


class Notices:
    """Collects remarks on a dataset and its episodes, in the order of their first appearance."""

    def __init__(self) -> None:
        self._found: dict[str, list[int]] = {}

    def add(self, text: str, episode: int | None = None) -> None:
        """Add a remark, of the whole dataset or of one episode."""
        episodes = self._found.setdefault(text, [])
        if episode is not None:
            episodes.append(episode)

    def extend(self, texts: Iterable[str], episode: int | None = None) -> None:
        """Add several remarks of the same episode."""
        for text in texts:
            self.add(text, episode)

    def lines(self, total: int) -> tuple[str, ...]:
        """Return a line for each remark; `total` is the number of all episodes."""
        return tuple(
            f'{text} ({numbered(episodes, total)})' if episodes else text
            for text, episodes in self._found.items()
        )


def numbered(episodes: Sequence[int], total: int | None = None) -> str:
    """Return episodes in a few words: ``episodes 1, 2, 4``, or ``all episodes``."""
    if total is not None and total > 1 and len(set(episodes)) == total:
        return 'all episodes'
    shown = ', '.join(map(str, sorted(episodes)[:_SHOWN]))
    more = f' and {len(episodes) - _SHOWN} more' if len(episodes) > _SHOWN else ''
    return f'episode{"s" * (len(episodes) != 1)} {shown}{more}'
