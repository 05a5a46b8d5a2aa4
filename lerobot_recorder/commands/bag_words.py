"""What a command line of ``convert`` names: one bag, or many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lerobot_recorder.bulk.find import LIST, is_bag

OWN = ('jobs', 'allow_failed', 'cluster')
"""Flags that only many bags need."""


def names_many(arguments: Sequence[str]) -> bool:
    """Return whether a command line names many bags, or what only those need."""
    words, flags = split_words(arguments)
    if any(flag.removeprefix('--').partition('=')[0].partition('.')[0] in OWN for flag in flags):
        return True
    if len(words) != 1 or words[0].startswith(LIST):
        return bool(words)
    path = Path(words[0]).expanduser()
    if path.is_dir():
        return not is_bag(path)
    return not path.exists() and any(sign in words[0] for sign in '*?[')


def split_words(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before the first flag, and the rest."""
    count = next((n for n, word in enumerate(arguments) if word.startswith('-')), len(arguments))
    return list(arguments[:count]), list(arguments[count:])
