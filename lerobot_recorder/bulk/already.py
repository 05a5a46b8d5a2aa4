"""Which bags there are to convert: each once, and none that the dataset holds already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.conversion.source import SOURCE, fingerprint
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.record import read_document


@dataclass(frozen=True)
class Sorted:
    """Bags, told apart.

    Attributes:
        new: those to be converted, and what tells each from others.
        twice: those that are the same as an earlier one -> that one.
        there: those that are in the dataset already, and what tells each from others.
        unreadable: those that cannot be read -> why.
    """

    new: Mapping[Path, str]
    twice: Mapping[Path, Path]
    there: Mapping[Path, str]
    unreadable: Mapping[Path, str]

    def told(self) -> list[str]:
        """Return what is worth telling, one line each."""
        lines = [f'{bag} is the same as {first}: left out' for bag, first in self.twice.items()]
        if self.there:
            lines.append(f'{len(self.there)} bags are in the dataset already')
        return lines


def sort_out(bags: Sequence[Path], root: Path) -> Sorted:
    """Return which bags are to be converted.

    Args:
        bags: in the order in which they become episodes.
        root: the dataset, which need not be there.
    """
    known = marks_in(root)
    first: dict[str, Path] = {}
    twice: dict[Path, Path] = {}
    there: dict[Path, str] = {}
    unreadable: dict[Path, str] = {}
    for bag in bags:
        try:
            mark = fingerprint(bag)
        except (OSError, BagError) as error:
            unreadable[bag] = f'cannot be read: {error}'
            continue
        if mark in known:
            there[bag] = mark
        elif mark in first:
            twice[bag] = first[mark]
        else:
            first[mark] = bag
    return Sorted({bag: mark for mark, bag in first.items()}, twice, there, unreadable)


def marks_in(root: Path) -> set[str]:
    """Return what tells the bags from others that a dataset holds."""
    found = set()
    for path in (root / layout.RECORDS).glob('*.json'):
        source = ((read_document(path) or {}).get('details') or {}).get(SOURCE)
        if isinstance(source, Mapping):
            found.add(str(source.get('fingerprint')))
    return found
