"""One old episode becomes a new one, in a working folder."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.importer import EpisodeImporter
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.running_episode import FinishedEpisode, spool_path, video_path
from lerobot_recorder.old_datasets import films, images, pictures, rows
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
    columns, videos, histograms = dict(found.columns), {}, {}
    notices = list(found.notices)
    try:
        for key, path in episode.videos.items():
            videos[key] = video_path(folder, key)
            notices += films.bring(path, videos[key], episode.length, dataset.fps)
            histograms[key] = pictures.sample(videos[key], episode.length)
        for key, feature in dataset.features.items():
            if feature.entry['dtype'] == 'image':
                size = schema.size_of(feature.entry)
                column = ImageColumn(episode.table, feature.source, dataset.root, size)
                spool = spool_path(folder, key)
                columns[key], histograms[key] = images.bring(column, spool, episode.length)
    except DatasetFormatError:
        importer.discard(folder)
        raise
    finished = FinishedEpisode(episode.length, columns, found.tasks, histograms, videos)
    return Made(episode, folder, finished, _record(dataset, episode, found), notices)


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
