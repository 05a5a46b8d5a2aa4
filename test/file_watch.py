"""Watching what changes files, step by step, to break off or fail at any of them."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

import av
import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_recorder.dataset import durable, folder_swap

CHANGES = {
    'os.rename', 'os.link', 'os.symlink', 'os.mkdir', 'os.rmdir', 'os.remove', 'os.chmod',
    'os.utime', 'shutil.copyfile', 'shutil.rmtree',
}  # fmt: skip


class Watch:
    """Calls back before every step that changes files."""

    def __init__(self):
        self.before = None
        sys.addaudithook(self._hook)

    def _hook(self, event, arguments):
        if self.before is None:
            return
        writes = event == 'open' and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        if event in CHANGES or writes:
            self.step(event)

    def step(self, event):
        before, self.before = self.before, None
        if before is not None:
            try:
                before(event)
            finally:
                self.before = before

    def wrap(self, function, name):
        def wrapped(*arguments, **options):
            self.step(name)
            return function(*arguments, **options)

        return wrapped


WATCH = Watch()


@contextmanager
def watched(monkeypatch, before):
    """Watch what Python tells of, and the libraries that write without it."""
    with monkeypatch.context() as patch:
        patch.setattr(av, 'open', WATCH.wrap(av.open, 'av.open'))
        patch.setattr(pq, 'write_table', WATCH.wrap(pq.write_table, 'write_table'))
        patch.setattr(pq, 'ParquetWriter', WATCH.wrap(pq.ParquetWriter, 'ParquetWriter'))
        patch.setattr(pa, 'OSFile', WATCH.wrap(pa.OSFile, 'OSFile'))
        patch.setattr(durable, '_sync', WATCH.wrap(durable._sync, 'sync'))
        patch.setattr(folder_swap, 'exchange', WATCH.wrap(folder_swap.exchange, 'exchange'))
        WATCH.before = before
        try:
            yield
        finally:
            WATCH.before = None


def state(folder):
    return [(path, path.lstat().st_size) for path in sorted(folder.rglob('*'))]
