"""A dataset made of episodes chosen from others, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import (
    closing,
    compact_plan,
    compact_tables,
    durable,
    folder_links,
    info,
    layout,
    prefix,
    schema,
    tasks,
)
from lerobot_recorder.dataset.edits import data_files, episode_table, records, video_files
from lerobot_recorder.dataset.edits.data_files import DataWriter, with_column
from lerobot_recorder.dataset.edits.source import Selection, Source
from lerobot_recorder.dataset.edits.video_files import Place, VideoFiles
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.state import DatasetState

Progress = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Recipe:
    """What a new dataset is made of.

    Attributes:
        selections: The episodes, in their order.
        features: Its feature entries.
        place: Where it will be.
        link: Share videos as hard links where the file system has no reflinks.
    """

    selections: Sequence[Selection]
    features: Mapping[str, Any]
    place: Path
    link: bool = False

    @property
    def first(self) -> Source:
        """The dataset whose fps, limits and robot the new one has."""
        return self.selections[0].source


@dataclass
class _Made:
    """What is there so far."""

    rows: list[EpisodeRow] = field(default_factory=list)
    tasks: dict[str, int] = field(default_factory=dict)
    parts: list[pa.Table] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def assemble(recipe: Recipe, root: Path, progress: Progress = no_progress) -> list[str]:
    """Make a dataset; it is whole and on the disk when this returns.

    Args:
        recipe: What of.
        root: Its folder, which may hold nothing but videos and records of an earlier try.
        progress: Told of every step.

    Returns:
        What is worth telling, a sentence each.

    Raises:
        DatasetFormatError: what was read or written is not what it should be.
        OSError: the disk refused.
    """
    limits = compact_plan.file_limits(recipe.first.root, recipe.first.document)
    cameras = schema.video_keys(recipe.features)
    videos = [VideoFiles(key, root, limits['chunk'], recipe.link) for key in cameras]
    writer = DataWriter(root, limits['data'], limits['chunk'])
    steps = _Steps(progress, len(recipe.selections) * (len(videos) + 2) + 1)
    made = _Made()
    try:
        for selection in recipe.selections:
            _take_rows(selection, made, writer, recipe)
            steps.done()
            _take_videos(selection, made, videos, steps)
            records.carry(selection, root, recipe.place, recipe.link)
            steps.done()
    finally:
        writer.close()
    _write_meta(recipe, made, root, limits)
    steps.done()
    return made.notices + [line for video in videos for line in video.notices]


def needed_bytes(recipe: Recipe, folder: Path) -> int:
    """Return what a new dataset takes on the disk, at most [bytes]."""
    sources = {selection.source.root: selection.source for selection in recipe.selections}
    total = 0
    for source in sources.values():
        shared = folder_links.can_share(source.root / layout.INFO, folder, recipe.link)
        for name, (size, _) in source.before.items():
            if not (shared and name.startswith('videos')):
                total += size
    return total + sum(_cut_bytes(selection) for selection in recipe.selections)


def _cut_bytes(selection: Selection) -> int:
    """Return the size of the videos of which only a part is taken."""
    wanted = set(selection.episodes)
    return sum(
        path.stat().st_size
        for key in schema.video_keys(selection.source.features)
        for path, rows in video_files.files_of(selection, key)
        if not all(row.index in wanted for row in rows)
    )


def _take_rows(selection: Selection, made: _Made, writer: DataWriter, recipe: Recipe) -> None:
    """Write the rows of the chosen episodes, numbered as they are in the new dataset."""
    source = selection.source
    numbered = episode_table.Numbered(source, recipe.features)
    stored = [key for key, feature in recipe.features.items() if not schema.is_video(feature)]
    for row, table in _tables(selection):
        start = made.rows[-1].stop if made.rows else 0
        index = len(made.rows)
        columns = {
            'episode_index': np.full(row.length, index),
            'index': np.arange(start, start + row.length),
            'task_index': _task_numbers(table, source, made),
        }
        for name, values in columns.items():
            table = with_column(table, name, values)
        file = writer.append(table.select(stored))
        sentences = row.tasks or _sentences(columns['task_index'], made)
        made.rows.append(replace(row, index=index, start=start, data=file, tasks=sentences))
        numbered.add(made.rows[-1], row.index, columns, table)
    made.parts.append(numbered.table())


def _tables(selection: Selection) -> Iterator[tuple[EpisodeRow, pa.Table]]:
    source, wanted = selection.source, set(selection.episodes)
    for file, group in groupby(source.rows, key=lambda row: row.data):
        there = list(group)
        chosen = [row for row in there if row.index in wanted]
        if chosen:
            path = source.root / layout.data_file(file)
            yield from data_files.read_episodes(path, there, chosen)


def _task_numbers(table: pa.Table, source: Source, made: _Made) -> Any:
    """Return the new number of each row's task; tasks come in order of appearance."""
    old = schema.to_numpy(table['task_index'], schema.DEFAULT_FEATURES['task_index'])
    seen, first, inverse = np.unique(old, return_index=True, return_inverse=True)
    new = np.zeros(len(seen), dtype=np.int64)
    for at in np.argsort(first):
        new[at] = made.tasks.setdefault(source.tasks[int(seen[at])], len(made.tasks))
    return new[inverse.reshape(-1)]


def _sentences(numbers: Any, made: _Made) -> tuple[str, ...]:
    """Return the tasks of rows, for an episode that does not name them."""
    known = list(made.tasks)
    return tuple(known[number] for number in dict.fromkeys(numbers.tolist()))


def _take_videos(
    selection: Selection, made: _Made, videos: Sequence[VideoFiles], steps: _Steps
) -> None:
    """Bring the videos of the episodes whose rows came last."""
    count = len(selection.episodes)
    places: dict[str, dict[int, Place]] = {}
    for video in videos:
        places[video.key] = video.take(selection)
        steps.done()
    for at, number in enumerate(selection.episodes, len(made.rows) - count):
        found = {key: where[number] for key, where in places.items()}
        made.rows[at] = replace(
            made.rows[at],
            videos={key: file for key, (file, _) in found.items()},
            video_starts={key: start for key, (_, start) in found.items()},
        )


def _write_meta(recipe: Recipe, made: _Made, root: Path, limits: Mapping[str, int]) -> None:
    """Write what tells of all episodes, and check the whole."""
    table = episode_table.joined(made.parts, recipe.features)
    fps = recipe.first.fps
    compact_tables.write_episodes(root, table, made.rows, fps, limits)
    tasks.write(root / layout.TASKS, list(made.tasks))
    document = {**recipe.first.document, 'features': dict(recipe.features)}
    totals = len(made.rows), made.rows[-1].stop, len(made.tasks)
    info.write(root, info.with_totals(document, *totals))
    found = prefix.find(root, document)
    if found.problem or len(found.rows) != len(made.rows):
        raise DatasetFormatError(
            f'{root}: what was written is not whole ({found.problem}); nothing was changed'
        )
    closing.close(DatasetState.load(root), was_sealed=False)
    parts = [path for part in ('data', 'meta', 'videos') for path in (root / part).rglob('*')]
    durable.sync_all([root, *parts])


class _Steps:
    """Counts what is done."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def done(self) -> None:
        """Count a step."""
        self._done += 1
        self._progress(self._done, self._total)
