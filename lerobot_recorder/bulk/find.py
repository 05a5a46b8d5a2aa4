"""Which bags are meant: folders are searched, patterns and lists expanded, each bag taken once."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bags.files import METADATA, bag_files

ENDINGS = ('.mcap', '.db3', '.bag')
PACKED = ('.zstd', '.zst', '.lz4')
LIST = '@'
_WILD = re.compile(r'[*?\[]')
_DIGITS = re.compile(r'(\d+)')


def find_bags(words: Sequence[str]) -> list[Path]:
    """Return the bags that words name, as they come; those in a folder by their names.

    Args:
        words: a bag, a folder that is searched for bags, a pattern such as ``day*/run_*``, or
            ``@FILE`` with one of these a line.

    Raises:
        BagError: one of them names no bag.
    """
    found: dict[Path, Path] = {}
    for word in words:
        for bag in _meant(word, Path()):
            found.setdefault(bag.resolve(), bag)
    return list(found.values())


def is_bag(path: Path) -> bool:
    """Return whether something looks like one bag: a file of one, or a folder of its parts.

    A lone file beside other folders is a bag, but what it lies in is not.
    """
    if path.is_file():
        return _is_storage(path)
    if (path / METADATA).is_file():
        return True
    try:
        parts = bag_files(path).paths
    except BagError:
        return False
    return len(parts) > 1 or not any(_is_searched(one) for one in path.iterdir() if one.is_dir())


def natural(path: Path) -> list[tuple[int, int | str]]:
    """Return what sorts names as people do: run_9 before run_10."""
    parts = _DIGITS.split(str(path))
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def _meant(word: str, beside: Path) -> Iterator[Path]:
    if word.startswith(LIST):
        yield from _listed(beside / Path(word[1:]).expanduser())
        return
    path = beside / Path(word).expanduser()
    if path.exists():
        bags = list(_inside(path))
    elif _WILD.search(word):
        matches = [Path(match) for match in glob.glob(str(path), recursive=True)]
        bags = [bag for match in sorted(matches, key=natural) for bag in _inside(match)]
    else:
        raise BagError(f'{path} does not exist')
    if not bags:
        raise BagError(f'there is no bag in {path}: no {METADATA}, no {", ".join(ENDINGS)}')
    yield from bags


def _listed(path: Path) -> Iterator[Path]:
    """Yield the bags of a list; what it names lies beside it unless it says where."""
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BagError(f'the list of bags {path} cannot be read: {error}') from error
    for line in lines:
        if line.strip() and not line.lstrip().startswith('#'):
            yield from _meant(line.strip(), path.parent)


def _inside(path: Path) -> Iterator[Path]:
    """Yield the bags at and below a path; hidden folders are passed over."""
    if path.is_file():
        if _is_storage(path):
            yield path
        return
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        folder = waiting.pop(0)
        if folder.resolve() in seen:
            continue  # a link into itself
        seen.add(folder.resolve())
        if is_bag(folder):
            yield folder
            continue
        entries = sorted(os.scandir(folder), key=lambda entry: natural(Path(entry.name)))
        inner = [Path(entry.path) for entry in entries if _is_searched(Path(entry.name))]
        yield from (one for one in inner if one.is_file() and _is_storage(one))
        waiting[:0] = [one for one in inner if one.is_dir()]


def _is_searched(path: Path) -> bool:
    return not path.name.startswith('.')


def _is_storage(path: Path) -> bool:
    suffixes = [suffix for suffix in path.suffixes[-2:] if suffix not in PACKED]
    return bool(suffixes) and suffixes[-1] in ENDINGS
