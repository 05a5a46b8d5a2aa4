"""When the disk of the dataset, or of its bags, has too little room for another take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lerobot_recorder.disk_room import free_bytes
from lerobot_recorder.resource_guard import Shortage

MB = 1 << 20


class DiskGuard:
    """Tells of a shortage of disk; a check of a ``ResourceGuard``.

    Args:
        folders: where the recording goes.
        floor_bytes: what has to be left, so that a take can be saved.
        free: tells the room on the disk of a folder [bytes].
    """

    def __init__(
        self,
        folders: Sequence[Path],
        floor_bytes: int,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folders, self._floor, self._free = tuple(folders), floor_bytes, free

    def __call__(self) -> Shortage | None:
        """Return the shortage if there is one."""
        found = []
        for folder in self._folders:
            try:
                found.append((self._free(folder), folder))
            except OSError:  # what writes there says so better
                continue
        if not found:
            return None
        free, folder = min(found, key=lambda each: each[0])
        if free >= 2 * self._floor:
            return None
        line = (
            f'disk: {free // MB} MB are left for {folder}, at least {self._floor // MB} are kept '
            'free (--recorder.min_free_disk_mb): make room'
        )
        return Shortage(line, free < self._floor)
