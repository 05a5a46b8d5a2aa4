"""The files that a bag consists of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bags import mcap_records, ros1_records, sqlite_storage
from lerobot_recorder.bags.codecs import compression_of

METADATA = 'metadata.yaml'
_HEAD = 16
_SUFFIXES = ('.mcap', '.db3', '.bag', '.active', '.zstd', '.zst', '.lz4')
_MAGIC = {
    mcap_records.MAGIC: 'mcap',
    sqlite_storage.MAGIC: 'sqlite3',
    ros1_records.MAGIC: 'ros1',
}
_NUMBER = re.compile(r'_(\d+)(?=\.)')
_LOADER: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_SHOWN = 3


@dataclass(frozen=True)
class BagFiles:
    """What to read of a bag.

    Attributes:
        paths: its parts, in their order.
        notices: what is not as it should be, one line each.
    """

    paths: tuple[Path, ...]
    notices: tuple[str, ...] = ()


def bag_files(path: Path, allow_missing: bool = False) -> BagFiles:
    """Return the files of a bag.

    Args:
        path: its folder, or one of its files.
        allow_missing: whether parts that ``metadata.yaml`` names may be absent.

    Raises:
        BagError: there is none, or parts are absent.
    """
    if not path.exists():
        raise BagError(f'bag {path} does not exist')
    if not path.is_dir():
        return BagFiles((path,))
    if not (path / METADATA).is_file():
        return BagFiles(
            _found(path), (f'{METADATA} is missing: all parts that are there are read',)
        )
    try:
        named = _named_parts(path / METADATA)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        told = ' '.join(str(error).split())[:120]
        notice = f'{METADATA} cannot be used ({told}): all parts that are there are read'
        return BagFiles(_found(path), (notice,))
    return _those_there(path, named, allow_missing)


def kind_of(path: Path) -> str:
    """Return ``mcap``, ``sqlite3``, ``ros1``, or with what the file is compressed.

    Raises:
        BagError: it is none of them.
        OSError: the disk refuses.
    """
    with path.open('rb') as file:
        head = file.read(_HEAD)
    if not head:
        raise BagError(f'{path} is empty: nothing was written into it')
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head.startswith(b'#ROSBAG V'):
        version = head[9:12].decode(errors='replace')
        raise BagError(f'{path} is a ROS 1 bag of version {version}; bring it to 2.0: rosbag fix')
    packed = compression_of(head)
    if not packed:
        raise BagError(
            f'{path} is no bag: it begins neither as mcap nor as sqlite3 nor as a ROS 1 bag'
        )
    return packed


def _named_parts(path: Path) -> list[str]:
    """Return the parts that ``metadata.yaml`` names.

    Raises:
        ValueError, yaml.YAMLError: it is something else.
    """
    document = yaml.load(path.read_text(encoding='utf-8'), Loader=_LOADER)
    told = document.get('rosbag2_bagfile_information') if isinstance(document, dict) else None
    named = told.get('relative_file_paths') if isinstance(told, dict) else None
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise ValueError('it names no files')
    return named


def _those_there(folder: Path, named: list[str], allow_missing: bool) -> BagFiles:
    places = {name: _place(folder, name) for name in named}
    there = [place for place in places.values() if place is not None]
    missing = [name for name, place in places.items() if place is None]
    if not missing:
        return BagFiles(tuple(there))
    some = ', '.join(missing[:_SHOWN]) + (', ...' if len(missing) > _SHOWN else '')
    told = f'{len(missing)} of the {len(places)} parts that {METADATA} names are missing ({some})'
    if not there:
        raise BagError(f'bag {folder} cannot be read: {told}')
    if not allow_missing:
        raise BagError(
            f'bag {folder} is incomplete: {told}; bring them there, or read what is there with '
            f'--allow_missing_parts=true, or one part by its name: {there[0]}'
        )
    return BagFiles(tuple(there), (told,))


def _place(folder: Path, name: str) -> Path | None:
    """Return where a part is; before version 4 the names began with the bag's folder."""
    candidates = (folder / name, folder / Path(name).name)
    return next((path for path in candidates if path.is_file()), None)


def _found(folder: Path) -> tuple[Path, ...]:
    """Return the parts of one bag in a folder.

    Raises:
        BagError: there is none, or more than one.
    """
    there = [path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file()]
    if not there:
        raise BagError(f'{folder} is no bag: it holds no {METADATA} and no .mcap, .db3 or .bag')
    if len({_NUMBER.sub('', path.name) for path in there}) > 1:
        raise BagError(
            f'{folder} holds no {METADATA}, and {len(there)} files that are no parts of one bag; '
            f'name one of them: {_shown(sorted(there))}'
        )
    return tuple(sorted(there, key=_part_number))


def _part_number(path: Path) -> tuple[int, str]:
    number = _NUMBER.search(path.name)
    return int(number[1]) if number else -1, path.name


def _shown(paths: Iterable[Path]) -> str:
    names = [path.name for path in paths]
    return ', '.join(names[:_SHOWN]) + (', ...' if len(names) > _SHOWN else '')
