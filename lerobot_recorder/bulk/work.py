"""Where the bags of a conversion become datasets, one each, before all are joined.

::

    <beside the target>/.<name>.convert/
        lock                            held by the one call that is at work
        workers                         held, shared, by each of its processes
        <bag>-<key>/look.json           what the bag can give, once it was looked into
        <bag>-<key>/dataset             the dataset made of it
        <bag>-<key>/report.json         what became of it; says that the dataset is whole
        <bag>-<key>/failed.json         or why nothing did
        logs-1, logs-2 ...              what a cluster's tasks had to say, by call

The key is made of what tells the bag from others and of the settings: where one of these changes,
the bag is converted anew. Nothing else says what is done, so a kill needs no repair.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import durable
from lerobot_recorder.dataset.record import read_document

LOCK, WORKERS, LOGS = 'lock', 'workers', 'logs-'
WAIT_S = 30.0
"""So long it is waited for the processes of a call that was killed to end [s]."""
_ODD = re.compile(r'[^A-Za-z0-9_.-]+')
_SHOWN = 48


@dataclass(frozen=True)
class BagPlace:
    """Where one bag is worked on.

    Attributes:
        bag: the bag.
        folder: what belongs to it.
        mark: what tells the bag from others.
    """

    bag: Path
    folder: Path
    mark: str

    @property
    def dataset(self) -> Path:
        """The dataset that is made of it."""
        return self.folder / 'dataset'

    def look(self) -> dict[str, Any] | None:
        """Return what the bag can give, None if nobody has looked."""
        return read_document(self.folder / 'look.json')

    def report(self) -> dict[str, Any] | None:
        """Return what became of the bag, None if it is not converted."""
        return read_document(self.folder / 'report.json')

    def failure(self) -> str:
        """Return why nothing became of the bag, empty if nobody said so."""
        return str((read_document(self.folder / 'failed.json') or {}).get('why', ''))

    def fail(self, why: str) -> None:
        """Keep why nothing became of the bag."""
        self.keep('failed', {'bag': str(self.bag), 'why': why})

    def keep(self, name: str, document: Mapping[str, Any]) -> None:
        """Write one of its documents.

        Args:
            name: ``look``, ``report`` or ``failed``.
            document: what JSON can hold.
        """
        durable.make_folders(self.folder)
        text = json.dumps(document, indent=1, ensure_ascii=False, default=str)
        durable.write_bytes(self.folder / f'{name}.json', text.encode())

    def forget_failure(self) -> None:
        """Remove why nothing became of the bag: it is tried again."""
        (self.folder / 'failed.json').unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove all there is of it."""
        durable.remove_tree(self.folder)


class WorkPlace:
    """The folder of a conversion.

    Args:
        target: the dataset that all become.
        settings: what is to be made; part of every key.
    """

    def __init__(self, target: Path, settings: Mapping[str, Any]) -> None:
        target = target.absolute()
        self.folder = target.with_name(f'.{target.name}.convert')
        self._settings = json.dumps(settings, sort_keys=True, default=str)

    def place(self, bag: Path, mark: str) -> BagPlace:
        """Return where a bag is worked on.

        Args:
            bag: the bag.
            mark: what tells it from others.
        """
        digest = hashlib.sha256(f'{mark}\n{self._settings}'.encode()).hexdigest()[:16]
        name = _ODD.sub('_', bag.name)[:_SHOWN].strip('.')
        return BagPlace(bag, self.folder / f'{name}-{digest}', mark)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Work here alone; waits for the processes of a killed call to end.

        Raises:
            DatasetError: another call is at work, or processes of one do not end.
        """
        durable.make_folders(self.folder)
        with _lock(self.folder / LOCK, fcntl.LOCK_EX, 0.0) as held:
            if not held:
                raise DatasetError(
                    f'another process is converting into {self.folder}; wait until it has ended'
                )
            with _lock(self.folder / WORKERS, fcntl.LOCK_EX, WAIT_S) as ended:
                if not ended:
                    raise DatasetError(
                        f'processes of an earlier conversion into {self.folder} still run; '
                        'end them'
                    )
            yield

    def tidy(self, joined: Mapping[Path, str]) -> list[str]:
        """Remove what is joined, and the folder if nothing else is left in it.

        Args:
            joined: bags that are in the dataset, and what tells each from others.

        Returns:
            The bags that are left, by folder.
        """
        for bag, mark in joined.items():
            self.place(bag, mark).forget()
        inside = [path for path in self.folder.iterdir() if path.is_dir()]
        left = sorted(path.name for path in inside if not path.name.startswith(LOGS))
        if not left:
            durable.remove_tree(self.folder)
        return left


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Tell that a process is at work in a conversion's folder."""
    with _lock(folder / WORKERS, fcntl.LOCK_SH, WAIT_S):
        yield


def size_of(bag: Path) -> int:
    """Return how large a bag is [bytes]."""
    files = [bag] if bag.is_file() else [path for path in bag.iterdir() if path.is_file()]
    return sum(path.stat().st_size for path in files)


@contextmanager
def _lock(path: Path, how: int, wait_s: float) -> Iterator[bool]:
    """Yield whether a file could be locked within some time."""
    until = time.monotonic() + wait_s
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        while not (held := _try_lock(descriptor, how)) and time.monotonic() < until:
            time.sleep(0.05)
        yield held
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
