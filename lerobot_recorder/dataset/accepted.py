"""The record of an episode that was accepted but is not part of the dataset yet.

It lies in the episode's working folder, so that whoever recovers the episode keeps the operator's
word: `accepted.json`, and the tables as Arrow files, whose writing costs no more than a copy.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lerobot_recorder.dataset import durable
from lerobot_recorder.dataset.record import EpisodeRecord

_FILE = 'accepted.json'


def write(folder: Path, record: EpisodeRecord, length: int) -> None:
    """Keep a record; it is on the disk for good when this returns.

    Args:
        folder: The episode's working folder.
        record: What is known of the episode.
        length: Number of its rows.
    """
    for name, table in record.tables.items():
        path = _table_path(folder, name)
        with pa.OSFile(str(path), 'wb') as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    for name, content in record.files.items():
        (folder / name).write_bytes(content)
    document = {
        'uuid': record.uuid,
        'outcome': record.outcome,
        'defects': dict(record.defects),
        'details': dict(record.details),
        'tables': list(record.tables),
        'files': list(record.files),
        'length': length,
    }
    (folder / _FILE).write_bytes(json.dumps(document, ensure_ascii=False).encode())
    # All at once: the operator waits for it. Until then an incomplete record is none.
    tables = [_table_path(folder, name) for name in record.tables]
    files = [folder / name for name in record.files]
    durable.sync_all([folder / _FILE, *tables, *files, folder, folder.parent])


def read(folder: Path) -> tuple[EpisodeRecord, int] | None:
    """Return the record and the number of rows that were accepted, None if it was not accepted."""
    try:
        document = json.loads((folder / _FILE).read_bytes())
        tables = {name: _read_table(_table_path(folder, name)) for name in document['tables']}
        fields = {name: document[name] for name in ('uuid', 'outcome', 'defects', 'details')}
        files = {name: (folder / name).read_bytes() for name in document['files']}
        return EpisodeRecord(**fields, tables=tables, files=files), int(document['length'])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def shortened(record: EpisodeRecord, accepted: int, length: int) -> EpisodeRecord:
    """Return the record of an episode that lost its last rows in a crash.

    Args:
        record: As it was accepted.
        accepted: Number of rows then.
        length: Number of rows left.
    """
    if length == accepted:
        return record
    return dataclasses.replace(
        record,
        defects={**record.defects, 'lost_frames': accepted - length},
        tables={name: _first_frames(table, length) for name, table in record.tables.items()},
    )


def _first_frames(table: pa.Table, length: int) -> pa.Table:
    if 'frame_index' not in table.column_names:
        return table
    return table.filter(pc.less(table['frame_index'], length))


def _table_path(folder: Path, name: str) -> Path:
    return folder / f'{name}.table.arrow'


def _read_table(path: Path) -> pa.Table:
    with pa.OSFile(str(path), 'rb') as file:
        return pa.ipc.open_file(file).read_all()
