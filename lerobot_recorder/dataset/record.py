"""What is known of an episode beyond its rows: `meta/ros/episodes/<uuid>.*`."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import layout, parquet_writer

_NAME = re.compile(r'[A-Za-z0-9_-]+')
_SKETCH = 'record.json'


def read_document(path: Path) -> dict[str, Any] | None:
    """Return what the JSON file of an episode's record holds, None if it cannot be read."""
    try:
        document = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


@dataclass(frozen=True)
class EpisodeRecord:
    """Facts of one episode, kept beside the dataset under a name that survives renumbering.

    Attributes:
        uuid: Name of the episode for good; letters, digits, `-` and `_`.
        outcome: `success`, `failure`, `incomplete` ..., None if nobody said.
        defects: Kind of defect -> number of rows or events it touches.
        details: Anything JSON can hold: operator, versions, configuration.
        tables: Name -> table; those that grow while recording are side tables of the writer.
        files: Path below `meta/ros/files` -> content, kept once however many episodes name it.
    """

    uuid: str
    outcome: str | None = None
    defects: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stems = [name.partition('.')[0] for name in self.files]
        for name in (self.uuid, *self.tables, *stems):
            if not _NAME.fullmatch(name):
                raise DatasetError(
                    f'episode record: {name!r} becomes a file name and may hold only '
                    'letters, digits, "-" and "_"'
                )

    def extra_columns(self) -> dict[str, str | None]:
        """Return what `meta/episodes` mirrors in datasets that we created."""
        return {
            'ros/uuid': self.uuid,
            'ros/outcome': self.outcome,
            'ros/defects': json.dumps(dict(self.defects), sort_keys=True),
        }

    def sketch(self, folder: Path) -> None:
        """Keep what is known so far in the running episode's folder, for a recovery."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        known = {'uuid': self.uuid, 'details': dict(self.details), 'files': list(self.files)}
        temporary = folder / f'.{_SKETCH}'
        temporary.write_text(json.dumps(known, ensure_ascii=False), encoding='utf-8')
        os.replace(temporary, folder / _SKETCH)

    @classmethod
    def recovered(cls, folder: Path, outcome: str, defects: Mapping[str, int]) -> EpisodeRecord:
        """Return what an interrupted episode's folder tells of it."""
        try:
            known = json.loads((folder / _SKETCH).read_text(encoding='utf-8'))
            files = {name: (folder / name).read_bytes() for name in known['files']}
            return cls(known['uuid'], outcome, defects, known['details'], files=files)
        except (OSError, ValueError, KeyError, TypeError):
            return cls(uuid.uuid4().hex, outcome, defects)

    def write(
        self, folder: Path, episode_index: int, frames: int, root: Path | None = None
    ) -> dict[str, str]:
        """Write the JSON file, the tables and the files into a folder, for a commit.

        Args:
            folder: Where to; the names there are flat.
            episode_index: The episode's number when it is saved.
            frames: Number of its rows.
            root: The dataset, files of which are not written again.

        Returns:
            Name in the folder -> path in the dataset.
        """
        files = {}
        for name, table in self.tables.items():
            file = f'{self.uuid}.{name}.parquet'
            parquet_writer.write_table(table, folder / file)
            files[file] = f'{layout.RECORDS}/{file}'
        document = {
            'uuid': self.uuid,
            'outcome': self.outcome,
            'defects': dict(self.defects),
            'episode_index_when_saved': episode_index,
            'frames': frames,
            'details': dict(self.details),
        }
        for name, content in self.files.items():
            path = f'{layout.SHARED_FILES}/{name}'
            if root is None or not (root / path).exists():
                (folder / name).write_bytes(content)
                files[name] = path
        file = f'{self.uuid}.json'
        text = json.dumps(document, indent=2, ensure_ascii=False)
        (folder / file).write_text(text, encoding='utf-8')
        files[file] = f'{layout.RECORDS}/{file}'
        return files
