"""A dataset that episodes are taken from; it is only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import (
    compact_plan,
    episodes,
    folder_links,
    folder_swap,
    info,
    layout,
    prefix,
    schema,
    tasks,
)
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.reading import guarded
from lerobot_recorder.dataset.statistics import NAMES


@dataclass(frozen=True)
class Source:
    """One dataset, and what it was when it was looked at.

    Attributes:
        root: Its folder.
        document: info.json.
        rows: Its episodes, without their statistics.
        table: All of meta/episodes.
        tasks: Sentences in the order of their index.
        before: What lay in the folder.
    """

    root: Path
    document: Mapping[str, Any]
    rows: Sequence[EpisodeRow]
    table: pa.Table = field(repr=False)
    tasks: Sequence[str]
    before: folder_links.Snapshot = field(repr=False)

    @property
    def fps(self) -> int:
        """Rows per second."""
        return int(self.document['fps'])

    @property
    def features(self) -> dict[str, Any]:
        """Feature entries, the five defaults included."""
        features: dict[str, Any] = self.document['features']
        return features

    def check_unchanged(self) -> None:
        """Check that nobody changed it since it was looked at.

        Raises:
            DatasetError: somebody did, or is recording into it.
        """
        if folder_links.snapshot(self.root, ()) != self.before:
            raise DatasetError(
                f'{self.root} was changed while its episodes were read; nothing was made of it: '
                'try again when nobody records into it'
            )


@dataclass(frozen=True)
class Selection:
    """Episodes of one dataset, for a new one.

    Attributes:
        source: The dataset.
        episodes: Their numbers, rising.
    """

    source: Source
    episodes: Sequence[int]

    @property
    def rows(self) -> list[EpisodeRow]:
        """Where these episodes lie."""
        return [self.source.rows[number] for number in self.episodes]


def read_source(root: Path, is_open: bool = False, needs_statistics: bool = True) -> Source:
    """Look at a dataset.

    Args:
        root: Its folder.
        is_open: The caller has locked it, so nobody records into it.
        needs_statistics: Refuse it if episodes lack statistics of their pictures.

    Raises:
        DatasetFormatError: it is no v3.0 dataset, or not whole.
        DatasetError: it is being recorded into, or was interrupted.
    """
    folder_swap.settle(root)
    document = info.read(root)
    if not is_open and (root / layout.RECORDING).exists():
        raise DatasetError(
            f'{root} is being recorded into, or was interrupted; wait until that has ended, or '
            'resume it with lerobot-ros record --resume=true'
        )
    before = folder_links.snapshot(root, {layout.RECORDING} if is_open else ())
    with guarded(root):
        found = prefix.find(root, document)
        if found.problem:
            raise DatasetFormatError(f'{root} is not whole: {found.problem}; repair it first')
        compact_plan.check_totals(root, document, found.rows)
        table = episodes.read_table(root)
        if needs_statistics:
            _check_statistics(root, document, table)
        return Source(root, document, found.rows, table, tasks.read(root), before)


def _check_statistics(root: Path, document: Mapping[str, Any], table: pa.Table) -> None:
    """Refuse what only pictures could tell: they are not decoded here."""
    for key in schema.picture_keys(document['features']):
        names = [f'stats/{key}/{name}' for name in NAMES]
        if any(n not in table.column_names or table[n].null_count for n in names):
            raise DatasetFormatError(
                f'{root}: meta/episodes lacks statistics of {key}; '
                f'lerobot-ros stats {root} --write=true computes them'
            )
