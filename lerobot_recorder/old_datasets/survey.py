"""An old dataset as a whole, before anything is written: what of it can become a new one.

Of every file the footer or header is read, no row and no picture but for the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import schema, video_reader
from lerobot_recorder.old_datasets import features, files, meta, old_statistics, stored, tasks
from lerobot_recorder.old_datasets.features import OldFeature
from lerobot_recorder.old_datasets.files import OldFiles
from lerobot_recorder.old_datasets.meta import OldMeta
from lerobot_recorder.old_datasets.notices import Notices, numbered
from lerobot_recorder.old_datasets.stored import OldTable
from lerobot_recorder.old_datasets.tasks import OldTasks

Problems = dict[int, str]


@dataclass(frozen=True)
class Wanted:
    """What is to be made of an old dataset.

    Attributes:
        task: What the robot was to do, where the dataset does not say it.
        fps: Rows per second, where what the dataset says is no whole number.
        episodes: Which ones; None for all.
    """

    task: str | None = None
    fps: int | None = None
    episodes: Sequence[int] | None = None


@dataclass(frozen=True)
class OldEpisode:
    """One episode.

    Attributes:
        index: Its number in the old dataset.
        table: Its Parquet file.
        length: Number of its rows.
        videos: Camera of the new dataset -> its video.
        facts: Its line in episodes.jsonl.
    """

    index: int
    table: Path
    length: int
    videos: Mapping[str, Path]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class OldDataset:
    """What becomes of an old dataset.

    Attributes:
        root: Its folder.
        meta: What it says of itself.
        fps: Rows per second.
        features: Of the new dataset, in order.
        tasks: What the robot was to do.
        statistics: Episode -> camera of the old dataset -> what v2.1 kept of its pictures.
        episodes: Those that are whole, as far as can be seen, in order.
        problems: Episode -> why it is not.
        notices: What was found and mended.
    """

    root: Path
    meta: OldMeta
    fps: int
    features: Mapping[str, OldFeature]
    tasks: OldTasks
    statistics: old_statistics.Known
    episodes: tuple[OldEpisode, ...]
    problems: Mapping[int, str]
    notices: Notices

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """Feature entries of the new dataset."""
        return {key: feature.entry for key, feature in self.features.items()}

    def document(self) -> dict[str, Any]:
        """Return what would become of it, for machines."""
        return {
            'codebase_version': self.meta.version,
            'fps': self.fps,
            'features': self.entries,
            'episodes': [episode.index for episode in self.episodes],
            'frames': sum(episode.length for episode in self.episodes),
            'problems': dict(self.problems),
            'notices': list(self.notices.lines(len(self.episodes))),
        }


def look(root: Path, wanted: Wanted) -> OldDataset:
    """Look through an old dataset.

    Raises:
        DatasetFormatError: it is none, or nothing of it can be converted; says why.
        DatasetError: an episode is wanted that is not there.
    """
    found = meta.read(root)
    notices = Notices()
    problems: Problems = {}
    notices.extend(found.notices)
    declared = found.document['features']
    cameras = [k for k, f in declared.items() if isinstance(f, dict) and f.get('dtype') == 'video']
    there = files.find(root, cameras)
    numbers = _episodes(root, found, there, wanted, problems)
    _tell_missing(found, there, wanted, notices)
    tables = stored.tables(there, numbers, problems)
    settled = features.settle(declared, stored.look(declared, tables, there), notices)
    sentences, remarks = tasks.find(found, wanted.task)
    cameras = [f.source for f in settled.values() if schema.is_picture(f.entry)]
    known, odd = old_statistics.read(root, cameras)
    notices.extend([*remarks, *odd])
    episodes = []
    for number, table in tables.items():
        problem = problems.get(number) or _problem(table, number, settled, there, notices)
        if problem:
            problems[number] = problem
        else:
            episodes.append(_episode(number, table, settled, there, found))
    fps = _fps(found, wanted)
    return OldDataset(
        root, found, fps, settled, sentences, known, tuple(episodes), problems, notices
    )


def _fps(found: OldMeta, wanted: Wanted) -> int:
    fps: Any = wanted.fps if wanted.fps is not None else found.document.get('fps')
    is_number = isinstance(fps, int | float) and not isinstance(fps, bool)
    if not is_number or not 1 <= fps <= 100_000 or fps != int(fps):
        raise DatasetFormatError(
            f'info.json says fps {fps!r}, v3.0 takes whole numbers: name the one to use, '
            'as in --dataset.fps=30'
        )
    return int(fps)


def _episodes(
    root: Path, found: OldMeta, there: OldFiles, wanted: Wanted, problems: Problems
) -> list[int]:
    """Return the episodes to convert that have rows."""
    if not there.tables:
        raise DatasetFormatError(f'{root}/data holds no episode_*.parquet; download it first')
    if wanted.episodes is not None:
        absent = sorted(set(wanted.episodes) - set(there.tables))
        if absent:
            raise DatasetError(f'{root} has no {numbered(absent)}')
    chosen = set(there.tables) | set(found.listed)
    for number in sorted(chosen - set(there.tables)):
        is_wanted = wanted.episodes is None or number in wanted.episodes
        if is_wanted and there.has_video(number):
            problems[number] = 'its video is there, its Parquet file is not'
    return sorted(there.tables if wanted.episodes is None else set(wanted.episodes))


def _tell_missing(found: OldMeta, there: OldFiles, wanted: Wanted, notices: Notices) -> None:
    document = found.document
    missing = sorted(n for n in set(found.listed) - set(there.tables) if not there.has_video(n))
    if missing and wanted.episodes is None:
        notices.add(f'{numbered(missing)} of episodes.jsonl have no files here: left out')
    total = document.get('total_episodes')
    if total not in (None, len(there.tables)) and wanted.episodes is None and not missing:
        notices.add(f'info.json counts {total} episodes, {len(there.tables)} are here')
    unlisted = sorted(set(there.tables) - set(found.listed)) if found.listed else []
    if unlisted:
        notices.add(f'{numbered(unlisted)} are not in episodes.jsonl')


def _problem(
    table: OldTable,
    number: int,
    settled: Mapping[str, OldFeature],
    there: OldFiles,
    notices: Notices,
) -> str | None:
    """Return why an episode is not whole, None if it seems to be."""
    if not table.length:
        return f'{table.path} holds no rows'
    for feature in settled.values():
        if not schema.is_video(feature.entry):
            if feature.source not in table.columns.names:
                return f'{table.path} has no column {feature.source!r}, other episodes have it'
            continue
        path = there.videos[feature.source].get(number)
        if path is None:
            return f'its video of {feature.source} is missing'
        problem = _video_problem(path, table.length, feature)
        if problem:
            return problem
    return None


def _video_problem(path: Path, length: int, feature: OldFeature) -> str | None:
    try:
        facts = video_reader.probe(path)
    except DatasetFormatError as error:
        return str(error)
    if (facts.height, facts.width) != schema.size_of(feature.entry):
        height, width = schema.size_of(feature.entry)
        return f'{path} is {facts.width}x{facts.height}, other episodes are {width}x{height}'
    if facts.frames and facts.frames < length:
        return f'{path} has {facts.frames} frames for {length} rows'
    return None


def _episode(
    number: int,
    table: OldTable,
    settled: Mapping[str, OldFeature],
    there: OldFiles,
    found: OldMeta,
) -> OldEpisode:
    videos = {
        key: there.videos[feature.source][number]
        for key, feature in settled.items()
        if schema.is_video(feature.entry)
    }
    facts = found.listed.get(number, {})
    return OldEpisode(number, table.path, table.length, videos, facts)
