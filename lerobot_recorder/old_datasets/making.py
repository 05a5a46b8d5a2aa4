"""One old episode becomes a new one, in a working folder."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.importer import EpisodeImporter
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.running_episode import FinishedEpisode, spool_path, video_path
from lerobot_recorder.dataset.statistics import PictureHistogram
from lerobot_recorder.old_datasets import films, images, old_statistics, pictures, rows
from lerobot_recorder.old_datasets.images import ImageColumn
from lerobot_recorder.old_datasets.survey import OldDataset, OldEpisode


@dataclass(frozen=True)
class Made:
    """An episode in its working folder.

    Attributes:
        source: The old one.
        folder: Where its videos are.
        episode: Its rows and pictures.
        record: Where it comes from.
        notices: What was found and mended, a sentence each.
    """

    source: OldEpisode
    folder: Path
    episode: FinishedEpisode
    record: EpisodeRecord
    notices: list[str]


def make(dataset: OldDataset, importer: EpisodeImporter, episode: OldEpisode) -> Made:
    """Make an episode in a working folder of its own; from any thread.

    Raises:
        DatasetFormatError: it is not whole; its folder is gone.
        OSError: the disk refuses.
    """
    found = rows.read(dataset, episode)
    folder = importer.start()
    try:
        shown = {
            key: _camera(dataset, episode, key, folder)
            for key in schema.picture_keys(dataset.entries)
        }
    except DatasetFormatError:
        importer.discard(folder)
        raise
    columns = {key: camera.images for key, camera in shown.items() if camera.images is not None}
    finished = FinishedEpisode(
        episode.length,
        {**found.columns, **columns},
        found.tasks,
        {key: camera.histogram for key, camera in shown.items()},
        {key: video_path(folder, key) for key in episode.videos},
    )
    notices = [*found.notices, *(notice for camera in shown.values() for notice in camera.notices)]
    return Made(episode, folder, finished, _record(dataset, episode, found), notices)


@dataclass(frozen=True)
class _Shown:
    """What became of a camera's pictures.

    Attributes:
        histogram: What the statistics need.
        images: Those that lie in Parquet.
        notices: What was found and mended.
    """

    histogram: PictureHistogram
    images: pa.ChunkedArray | None
    notices: list[str]


def _camera(dataset: OldDataset, episode: OldEpisode, key: str, folder: Path) -> _Shown:
    feature = dataset.features[key]
    known = dataset.statistics.get(episode.index, {}).get(feature.source)
    column: pa.ChunkedArray | None = None
    notices: list[str] = []
    if schema.is_video(feature.entry):
        film = episode.videos[key]
        notices = films.bring(film, video_path(folder, key), episode.length, dataset.fps)
        look = partial(pictures.sample, film)
    else:
        size = schema.size_of(feature.entry)
        source = ImageColumn(episode.table, feature.source, dataset.root, size)
        column = images.bring(source, spool_path(folder, key))
        look = partial(images.sample, source, column)
    histogram, remarks = old_statistics.settle(look, episode.length, known)
    return _Shown(histogram, column, [*notices, *(f'{key}: {remark}' for remark in remarks)])


def _record(dataset: OldDataset, episode: OldEpisode, found: rows.OldRows) -> EpisodeRecord:
    """Return where the episode comes from, and what v3.0 has no place for."""
    origin = {
        'codebase_version': dataset.meta.version,
        'folder': dataset.root.name,
        'episode_index': episode.index,
        'line': dict(episode.facts),
    }
    tables = {}
    if found.timestamps is not None:
        tables[rows.TIMES] = pa.table({'timestamp': found.timestamps})
    name = uuid_of(dataset, episode)
    return EpisodeRecord(name, details={'converted_from': origin}, tables=tables)


def uuid_of(dataset: OldDataset, episode: OldEpisode) -> str:
    """Return the episode's name for good: the same whenever it is converted."""
    name = f'{dataset.meta.identity}/{episode.index}/{episode.table.stat().st_size}'
    return uuid.uuid5(uuid.NAMESPACE_OID, name).hex
