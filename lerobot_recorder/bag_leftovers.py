"""Bags on their way to the disk, and those that were left there by somebody who was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_mending import mend
from lerobot_recorder.dataset import durable

RUNNING = '.recording'
LEFTOVER = 'leftover-'


def lock(folder: Path) -> int:
    """Mark a bag as being written, as long as the descriptor that is returned is open."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def put_in_place(running: Path, final: Path) -> None:
    """Give a closed bag its name, for good."""
    durable.sync_all([*running.iterdir(), running])
    os.replace(running, final)
    durable.sync_folder(running.parent)
    durable.sync_folder(final.parent)


def mend_bags(folder: Path, notes: Callable[[str], Mapping[str, str] | None]) -> list[str]:
    """Make bags of what was left of those being written; call it when the dataset is mended.

    Args:
        folder: of the bags of a dataset.
        notes: returns what the bag of an episode tells of it, by its uuid, None if the dataset
            has no such episode.

    Returns:
        What was done, a sentence each.
    """
    running = folder / RUNNING
    if not running.is_dir():
        return []
    done = [line for left in sorted(running.iterdir()) if (line := _mend(left, folder, notes))]
    with contextlib.suppress(OSError):  # it is not empty
        running.rmdir()
    return done


def _mend(
    left: Path, folder: Path, notes: Callable[[str], Mapping[str, str] | None]
) -> str | None:
    try:
        descriptor = lock(left)
    except OSError:
        return None  # somebody is writing it
    try:
        if not any(left.iterdir()):
            left.rmdir()
            return None
        return _named(left, folder, notes(left.name))
    except (OSError, BagError) as error:
        return f'the bag {left} of an interrupted episode cannot be recovered: {error}'
    finally:
        os.close(descriptor)


def _named(left: Path, folder: Path, told: Mapping[str, str] | None) -> str:
    mend(left, {'episode_uuid': left.name, 'interrupted': 'true', **(told or {})})
    if told is None:
        final = folder / f'{LEFTOVER}{left.name}'
        put_in_place(left, final)
        return f'a bag was left of an episode that is not in the dataset; it is now {final}'
    final = folder / left.name
    put_in_place(left, final)
    index = told.get('episode_index_when_saved', '?')
    return f'recovered the bag of episode {index}, in {final}'
