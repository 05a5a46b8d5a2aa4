"""A new dataset, or a folder of them, that gets its name when all of it is on the disk."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError
from lerobot_recorder.dataset import durable, layout
from lerobot_recorder.dataset.reading import ODD_CONTENT, told
from lerobot_recorder.dataset.work_folder import WorkFolder

_SETTINGS = '.edit.json'
_VIDEOS = 'videos'
_MIB = 2**20
SPARE_BYTES = 16 * _MIB


@contextmanager
def new_folder(target: Path, settings: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a folder beside the target, which takes the target's name if all goes well.

    What a kill left of a call with the same settings is still in it; of any other it is not. An
    error leaves nothing.

    Args:
        target: Where nothing may be.
        settings: What is made there; anything JSON can hold.

    Raises:
        DatasetExistsError: there is something at the target.
        DatasetError: the disk refused, or what is read is odd; nothing is left.
    """
    check_free(target)
    work = target.with_name(f'.{target.name}.lerobot-edit')
    lock = _locked(work, target)
    try:
        _start(work, json.dumps(settings, sort_keys=True))
        yield work
        (work / _SETTINGS).unlink()
        lock.close(clean=True)
        durable.sync_folder(work)
        os.rename(work, target)
        durable.sync_folder(target.parent)
    except BaseException as error:
        shutil.rmtree(work, ignore_errors=True)
        if isinstance(error, ODD_CONTENT):
            raise DatasetError(f'{target} could not be made: {told(error)}') from error
        raise
    finally:
        lock.close(clean=False)


def check_free(target: Path) -> None:
    """Check that something new can be made.

    Raises:
        DatasetExistsError: there is something already.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DatasetExistsError(f'{target} exists already; choose another folder')


def check_room(folder: Path, needed: int) -> None:
    """Check that the disk has room.

    Args:
        folder: Where something is to be written.
        needed: How much [bytes].

    Raises:
        DatasetError: it has not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise DatasetError(
            f'{folder.parent}: {(needed + SPARE_BYTES) / _MIB:.0f} MiB are needed, '
            f'{free / _MIB:.0f} MiB are free; nothing was made'
        )


def _locked(work: Path, target: Path) -> WorkFolder:
    try:
        return WorkFolder(work)
    except DatasetError:
        raise DatasetError(
            f'another process is making {target}; wait until it has ended'
        ) from None
    except OSError as error:
        for folder in (work / layout.RECORDING, work):
            with contextlib.suppress(OSError):  # there is something of somebody else's in it
                folder.rmdir()
        raise DatasetError(f'{target} cannot be made: {error}') from error


def _start(work: Path, settings: str) -> None:
    """Keep the videos of an interrupted call of the same settings; begin anew with the rest."""
    known = work / _SETTINGS
    is_same = known.exists() and known.read_text(encoding='utf-8') == settings
    kept = {layout.RECORDING, *([_VIDEOS] if is_same else [])}
    for path in work.iterdir():
        if path.name not in kept and path.is_dir():
            durable.remove_tree(path)
        elif path.name not in kept:
            path.unlink()
    for path in work.glob(f'{_VIDEOS}/*/*/.*'):
        path.unlink()
    durable.write_bytes(known, settings.encode())
