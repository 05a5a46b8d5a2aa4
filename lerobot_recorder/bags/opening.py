"""A part of a bag, opened by what it begins with."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bags.chunked import ChunkedStorage
from lerobot_recorder.bags.codecs import PIECE, unpacked
from lerobot_recorder.bags.files import kind_of
from lerobot_recorder.bags.losses import DamageError
from lerobot_recorder.bags.mcap_format import McapFormat
from lerobot_recorder.bags.ros1_format import Ros1Format
from lerobot_recorder.bags.sqlite_storage import SqliteStorage
from lerobot_recorder.bags.storage import Storage


def open_part(path: Path, room: Path) -> Storage:
    """Return a part of a bag.

    Args:
        path: its file.
        room: a folder to unpack it into, if it is compressed as a whole.

    Raises:
        BagError: it is no part of a bag, or cannot be read at all.
        OSError: a disk refuses.
    """
    place, kind = path, kind_of(path)
    cut = ''
    if kind in ('zstd', 'lz4'):
        place = room / path.name
        cut = unpack_file(path, place, kind)
        kind = kind_of(place)
    if kind == 'sqlite3':
        storage: Storage = SqliteStorage(place, path.name)
    elif kind in ('mcap', 'ros1'):
        storage = ChunkedStorage(
            place, path.name, McapFormat() if kind == 'mcap' else Ros1Format()
        )
    else:
        raise BagError(f'{path} is compressed twice; unpack it first')
    if cut:
        storage.losses.tell(cut)
    return storage


def unpack_file(path: Path, place: Path, kind: str) -> str:
    """Unpack a file, a little at a time.

    Returns:
        What is wrong with it, empty if nothing is; what is whole of it is then at the place.

    Raises:
        OSError: a disk refuses, or has no room.
    """
    with path.open('rb') as packed, place.open('wb') as file:
        try:
            for piece in unpacked(iter(partial(packed.read, PIECE), b''), kind):
                file.write(piece)
        except DamageError as damage:
            return f'holds {damage}: the first {file.tell()} bytes are read'
    return ''
