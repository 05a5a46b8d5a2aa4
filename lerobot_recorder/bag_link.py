"""What ties a bag to its episode: one uuid, and the configuration's hash on both sides."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_recorder.bag_config import BagConfig
from lerobot_recorder.bag_session import custom_data
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.record import read_document
from lerobot_recorder.dataset.side_tables import FRAMES
from lerobot_recorder.verbs import OUTCOMES

START, END, CONFIGURATION = 'start_ns', 'end_ns', 'configuration'
EPISODES = 'episodes'
"""JSON list of what a bag of several episodes tells of each."""


@dataclass(frozen=True)
class BagPlace:
    """Where the bags of a dataset are, and what they tell of it.

    Attributes:
        root: the dataset's folder.
        repo_id: the dataset's name.
        configuration: name of the configuration's file in ``meta/ros/files``, by its hash.
        config: how the bags are to be.
    """

    root: Path
    repo_id: str
    configuration: str
    config: BagConfig

    @property
    def folder(self) -> Path:
        """The folder of the bags."""
        return self.config.folder(self.root)

    def relative(self, uuid: str) -> str:
        """Return where a bag is, seen from the dataset."""
        return os.path.relpath(self.folder / uuid, self.root)

    def notes(self, uuid: str) -> dict[str, str] | None:
        """Return what a bag tells of its episode, None if the dataset has no such episode."""
        told = episode_notes(self.root, uuid)
        if told is None:
            return None
        named = {'dataset_repo_id': self.repo_id, 'dataset_root': str(self.root.resolve())}
        return {**named, CONFIGURATION: self.configuration, **told}


def episode_notes(root: Path, uuid: str) -> dict[str, str] | None:
    """Return what the record of a durable episode tells, as ``custom_data`` holds it.

    ``start_ns`` and ``end_ns`` are the first moment of its rows and its last row [ns]: what a
    bag has before and after belongs to the episode, but makes no row.
    """
    record = read_document(root / layout.RECORDS / f'{uuid}.json')
    if record is None:
        return None
    details = record.get('details') or {}
    found = {
        'episode_uuid': uuid,
        'episode_index_when_saved': record.get('episode_index_when_saved'),
        'frames': record.get('frames'),
        'task': details.get('task'),
        'outcome': record.get('outcome'),
        'defects': json.dumps(record.get('defects') or {}, sort_keys=True),
        CONFIGURATION: _configuration(details),
        START: details.get(START),
        END: _last_row_ns(root, uuid),
    }
    return {key: str(value) for key, value in found.items() if value is not None}


@dataclass(frozen=True)
class OwnEpisode:
    """The episode that a bag of ours is of.

    Attributes:
        start_ns: first moment of its rows [ns].
        end_ns: its last row [ns].
        task: what the robot was told, None if the bag does not say.
        outcome: success, failure, None if nobody said.
    """

    start_ns: int
    end_ns: int
    task: str | None = None
    outcome: str | None = None

    def between(self, start_ns: int | None, end_ns: int | None) -> OwnEpisode:
        """Return it with another begin or end, where one is asked for [ns]."""
        start_ns = self.start_ns if start_ns is None else start_ns
        return replace(self, start_ns=start_ns, end_ns=self.end_ns if end_ns is None else end_ns)


def own_episodes(bag: Path) -> tuple[OwnEpisode, ...]:
    """Return the episodes that a bag is of, in order; none if it is no bag of ours."""
    told = custom_data(bag)
    try:
        each = json.loads(told[EPISODES]) if EPISODES in told else [told]
        return tuple(_own(one) for one in each)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _own(told: Mapping[str, Any]) -> OwnEpisode:
    outcome = told.get('outcome')
    return OwnEpisode(
        int(told[START]),
        int(told[END]),
        told.get('task') or None,
        outcome if outcome in OUTCOMES else None,
    )


def _configuration(details: Mapping[str, Any]) -> str | None:
    files = (details.get('kept') or {}).get('files') or {}
    return files.get(CONFIGURATION)


def _last_row_ns(root: Path, uuid: str) -> int | None:
    path = root / layout.RECORDS / f'{uuid}.{FRAMES}.parquet'
    try:
        ticks = pq.read_table(path, columns=['tick_ns'])['tick_ns']
    except (OSError, pa.ArrowException, KeyError):
        return None
    return int(ticks[-1].as_py()) if len(ticks) else None
