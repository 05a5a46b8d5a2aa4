"""What a writer knows of the dataset so far, and how an episode is added to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_recorder.dataset import (
    commit,
    episodes,
    global_statistics,
    info,
    layout,
    parquet_writer,
    schema,
    side_tables,
    statistics,
    tasks,
    video_reader,
)
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.global_statistics import GlobalStatistics
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.running_episode import FinishedEpisode


class DatasetState:
    """Everything needed to append an episode.

    Attributes:
        document: info.json.
        tasks: Sentences in the order of their index.
        num_episodes, total_frames: Saved so far.
    """

    def __init__(self, root: Path, document: Mapping[str, Any]) -> None:
        self.root = root
        self.document = dict(document)
        self.features: dict[str, Any] = self.document['features']
        self.fps = int(self.document['fps'])
        self.tasks: list[str] = []
        self.num_episodes = self.total_frames = 0
        self._columns = episodes.columns_for(self.features, extra=True)
        self._statistics = GlobalStatistics(self.features)

    @classmethod
    def load(cls, root: Path) -> DatasetState:
        """Read the state of a dataset on disk.

        Raises:
            DatasetFormatError: it cannot be read.
        """
        state = cls(root, info.read(root))
        files = layout.episodes_files(root)
        if not files:
            return state
        rows = episodes.rows_of(root, state.fps, state.features)
        state._columns = pq.read_schema(files[0]).remove_metadata()
        state.tasks = tasks.read(root)
        state.num_episodes = len(rows)
        state.total_frames = sum(row.length for row in rows)
        state._statistics.add_saved(root, rows)
        return state

    def statistics(self) -> dict[str, Any]:
        """Return stats.json."""
        return self._statistics.to_document()

    def document_now(self) -> dict[str, Any]:
        """Return info.json with the totals of this state."""
        return info.with_totals(
            self.document, self.num_episodes, self.total_frames, len(self.tasks)
        )

    def save(self, folder: Path, episode: FinishedEpisode, record: EpisodeRecord) -> EpisodeRow:
        """Append an episode; it is on the disk for good when this returns.

        After an exception this object is worth nothing: load it again.

        Args:
            folder: The working folder that holds the episode's videos.
            episode: The episode.
            record: What else is known of it.
        """
        row = self._row(episode, record)
        files = {path.name: self._video_path(key) for key, path in episode.videos.items()}
        files |= self._write_rows(folder, episode, row)
        record = _with_histograms(record, episode)
        files |= record.write(folder, row.index, row.length, self.root)
        files |= side_tables.to_parquet(folder, episode.side_tables, record.uuid, episode.cut)
        self._probe_videos(episode)
        self._statistics.add(self._all_columns(episode), row.statistics, episode.histograms)
        self.num_episodes, self.total_frames = row.index + 1, row.stop
        files |= self._write_meta(folder)
        commit.commit(folder, self.root, files)
        return row

    def _row(self, episode: FinishedEpisode, record: EpisodeRecord) -> EpisodeRow:
        self.tasks += [task for task in _unique(episode.tasks) if task not in self.tasks]
        cameras = list(episode.videos)
        columns = self._all_columns(episode)
        summaries = {
            key: statistics.summarize(columns[key]) for key in schema.number_keys(self.features)
        }
        summaries |= {key: h.summary() for key, h in episode.histograms.items()}
        return EpisodeRow(
            index=self.num_episodes,
            start=self.total_frames,
            length=episode.length,
            tasks=tuple(_unique(episode.tasks)),
            data=layout.free_index(layout.data_files(self.root)),
            videos={key: self._video_index(key) for key in cameras},
            video_starts=dict.fromkeys(cameras, 0),
            statistics={key: summaries[key] for key in self.features if key in summaries},
            extra=record.extra_columns(),
        )

    def _all_columns(self, episode: FinishedEpisode) -> dict[str, Any]:
        count = np.arange(episode.length, dtype=np.int64)
        numbers = {task: index for index, task in enumerate(self.tasks)}
        return {
            **episode.columns,
            'timestamp': (count / self.fps).astype(np.float32),
            'frame_index': count,
            'episode_index': np.full(episode.length, self.num_episodes, dtype=np.int64),
            'index': count + self.total_frames,
            'task_index': np.array([numbers[task] for task in episode.tasks], dtype=np.int64),
        }

    def _write_rows(
        self, folder: Path, episode: FinishedEpisode, row: EpisodeRow
    ) -> dict[str, str]:
        columns = self._all_columns(episode)
        stored = {k: f for k, f in self.features.items() if not schema.is_video(f)}
        arrays = [schema.to_arrow(columns[key], feature) for key, feature in stored.items()]
        table = pa.Table.from_arrays(arrays, schema=schema.arrow_schema(self.features))
        parquet_writer.write_table(table, folder / 'data.parquet')
        file = layout.free_index(layout.episodes_files(self.root))
        table = episodes.to_table(row, self.fps, self.features, self._columns, file)
        parquet_writer.write_table(table, folder / 'episodes.parquet')
        return {
            'data.parquet': layout.data_file(row.data),
            'episodes.parquet': layout.episodes_file(file),
        }

    def _write_meta(self, folder: Path) -> dict[str, str]:
        self.document = self.document_now()
        tasks.write(folder / 'tasks.parquet', self.tasks)
        (folder / 'stats.json').write_bytes(info.dumps(self.statistics()))
        (folder / 'info.json').write_bytes(info.dumps(self.document))
        return {
            'tasks.parquet': layout.TASKS,
            'stats.json': layout.STATS,
            'info.json': layout.INFO,
        }

    def _probe_videos(self, episode: FinishedEpisode) -> None:
        for key, path in episode.videos.items():
            feature = self.features[key]
            if not feature.get('info'):
                facts = video_reader.probe(path)
                block = video_reader.info_block(facts, self.fps, episode.video)
                self.features[key] = {**feature, 'info': block}

    def _video_index(self, key: str) -> layout.FileIndex:
        return layout.free_index(layout.video_files(self.root, key))

    def _video_path(self, key: str) -> str:
        return layout.video_file(key, self._video_index(key))


def _unique(sentences: list[str]) -> list[str]:
    return list(dict.fromkeys(sentences))


def _with_histograms(record: EpisodeRecord, episode: FinishedEpisode) -> EpisodeRecord:
    if not episode.histograms:
        return record
    table = global_statistics.to_table(episode.histograms)
    return replace(record, tables={**record.tables, global_statistics.HISTOGRAMS: table})
