"""What a writer knows of the dataset so far, and how an episode is added to it.

Adding one costs the same whatever the dataset's size: nothing is read back or listed, and of the
files that hold something of all episodes only info.json, stats.json and, if there is a new task,
tasks.parquet are written anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import (
    closing,
    commit,
    depth_writer,
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
from lerobot_recorder.dataset.layout import FileIndex
from lerobot_recorder.dataset.limits import files_per_chunk
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.running_episode import FinishedEpisode
from lerobot_recorder.dataset.statistics import Summary


@dataclass(frozen=True)
class _Totals:
    """What changes with every episode; replaced as a whole when one is on the disk.

    Attributes:
        document: info.json.
        tasks: Sentences in the order of their index.
        episodes, frames: Saved so far.
        data_file, episodes_file: Numbers of the last files, None if there are none.
        video_files: The same for each camera.
        statistics: stats.json so far, its quantiles joined roughly; exact ones come at the end.
    """

    document: dict[str, Any]
    tasks: tuple[str, ...] = ()
    episodes: int = 0
    frames: int = 0
    data_file: FileIndex | None = None
    episodes_file: FileIndex | None = None
    video_files: Mapping[str, FileIndex | None] | None = None
    statistics: Mapping[str, Summary] | None = None

    @property
    def features(self) -> dict[str, Any]:
        """Feature entries of info.json."""
        features: dict[str, Any] = self.document['features']
        return features


class DatasetState:
    """Everything needed to append an episode.

    Attributes:
        root: The dataset.
        fps: Rows per second.
        base: Episodes that were there before this object was made.
        saved: Episodes saved since: their uuid -> number of the file that holds their row.

    Args:
        root: The dataset.
        document: Its info.json; no episode is in it.
        sentences: Tasks that have their index already, before an episode has them.
    """

    def __init__(
        self, root: Path, document: Mapping[str, Any], sentences: Sequence[str] = ()
    ) -> None:
        self.root = root
        self.fps = int(document['fps'])
        self.base = 0
        self._totals = _Totals(dict(document), tasks=tuple(sentences))
        self._columns = episodes.columns_for(self.features, extra=True)
        self.saved: dict[str, FileIndex] = {}
        self._session = GlobalStatistics(self.features)
        self._last: _Addition | None = None

    @classmethod
    def load(cls, root: Path) -> DatasetState:
        """Read the state of a dataset that is whole; its episodes are not looked at.

        Raises:
            DatasetFormatError: it cannot be read.
        """
        document = info.read(root)
        state = cls(root, document)
        files = layout.episodes_files(root)
        if not files:
            return state
        state._columns = pq.read_schema(files[0]).remove_metadata()
        state.base = int(document['total_episodes'])
        videos = schema.video_keys(state.features)
        state._totals = _Totals(
            document=document,
            tasks=tuple(tasks.read(root)),
            episodes=state.base,
            frames=int(document['total_frames']),
            data_file=layout.last_index(layout.data_files(root)),
            episodes_file=layout.last_index(files),
            video_files={k: layout.last_index(layout.video_files(root, k)) for k in videos},
            statistics=closing.read_summaries(root),
        )
        return state

    @property
    def document(self) -> dict[str, Any]:
        """info.json."""
        return self._totals.document

    @property
    def features(self) -> dict[str, Any]:
        """Feature entries of info.json."""
        return self._totals.features

    @property
    def num_episodes(self) -> int:
        """Episodes saved so far."""
        return self._totals.episodes

    @property
    def total_frames(self) -> int:
        """Rows of all episodes saved so far."""
        return self._totals.frames

    def session_statistics(self) -> dict[str, NDArray[Any]]:
        """Return the exact statistics of the episodes saved since, to be merged."""
        self._settle_last()
        return self._session.state()

    def save(self, folder: Path, episode: FinishedEpisode, record: EpisodeRecord) -> EpisodeRow:
        """Append an episode; it is on the disk for good when this returns.

        After an exception this object is as before, unless `commit.is_pending(folder)`: then the
        episode counts, and the dataset has to be mended before anything else is added.

        Args:
            folder: The working folder that holds the episode's videos.
            episode: The episode.
            record: What else is known of it.
        """
        addition = _Addition(self, self._totals, episode, record)
        commit.commit(folder, self.root, addition.write(folder, self._columns))
        self._totals = addition.totals
        self._settle_last()
        self._last = addition
        assert addition.totals.episodes_file is not None
        self.saved[record.uuid] = addition.totals.episodes_file
        return addition.row

    def drop_last(self, folder: Path, uuid: str) -> None:
        """Take the last episode out; it is gone for good when this returns.

        Args:
            folder: A working folder for the change.
            uuid: The episode's name, which must be that of the last one saved.

        Raises:
            DatasetError: it is not the last one.
        """
        last = self._last
        if last is None or last.uuid != uuid:
            raise DatasetError('only the last episode of a session can be dropped')
        files, removed = last.undo(folder)
        commit.commit(folder, self.root, files, removed)
        self._totals, self._last = last.before, None
        del self.saved[uuid]

    def _settle_last(self) -> None:
        """Count the last episode in: it is there to stay."""
        if self._last is not None:
            self._last.add_to(self._session)
            self._last = None


class _Addition:
    """One episode and what the dataset is with it; nothing of it counts before the commit."""

    def __init__(
        self, state: DatasetState, before: _Totals, episode: FinishedEpisode, record: EpisodeRecord
    ) -> None:
        self._root, self._fps = state.root, state.fps
        self.before, self._episode, self._record = before, episode, record
        self.uuid = record.uuid
        new = [task for task in dict.fromkeys(episode.tasks) if task not in before.tasks]
        sentences = (*before.tasks, *new)
        self.columns = self._all_columns(sentences)
        self.row = self._row()
        features = {**before.features, **self._probed_videos()}
        document = {**before.document, 'features': features}
        self.totals = _Totals(
            document=info.with_totals(document, self.row.index + 1, self.row.stop, len(sentences)),
            tasks=sentences,
            episodes=self.row.index + 1,
            frames=self.row.stop,
            data_file=self.row.data,
            episodes_file=self._free(layout.episodes_file, before.episodes_file),
            video_files={**(before.video_files or {}), **self.row.videos},
            statistics=self._joined_statistics(),
        )

    def write(self, folder: Path, columns: pa.Schema) -> dict[str, str]:
        """Write everything but the videos into the working folder.

        Returns:
            Name in the folder -> path in the dataset, of all files.
        """
        files = {
            path.name: layout.video_file(key, self.row.videos[key])
            for key, path in self._episode.videos.items()
        }
        record = _with_pictures(self._record, self._episode)
        files |= record.write(folder, self.row.index, self.row.length, self._root)
        tables, cut = self._episode.side_tables, self._episode.cut
        files |= side_tables.to_parquet(folder, tables, record.uuid, cut)
        meta = _write_meta(folder, self.totals, self.before)
        return files | self._write_rows(folder, columns) | meta

    def add_to(self, statistics: GlobalStatistics) -> None:
        """Add the episode to the statistics of many."""
        statistics.add(self.columns, self.row.statistics, self._episode.histograms)

    def undo(self, folder: Path) -> tuple[dict[str, str], list[str]]:
        """Write what the dataset was before into a working folder.

        Returns:
            Name in the folder -> path in the dataset; and the paths that have to go.
        """
        number = self.totals.episodes_file
        assert number is not None
        records = (self._root / layout.RECORDS).glob(f'{self.uuid}.*')
        removed = [
            layout.episodes_file(number),
            layout.data_file(self.row.data),
            *(layout.video_file(key, file) for key, file in self.row.videos.items()),
            *(path.relative_to(self._root).as_posix() for path in records),
        ]
        if not self.before.episodes:
            shared = (self._root / layout.SHARED_FILES).glob('*')
            files = [path.relative_to(self._root).as_posix() for path in shared]
            return {}, [*removed, *files, layout.INFO, layout.STATS, layout.TASKS]
        return _write_meta(folder, self.before, self.totals), removed

    def _all_columns(self, sentences: tuple[str, ...]) -> dict[str, Any]:
        length, before = self._episode.length, self.before
        count = np.arange(length, dtype=np.int64)
        numbers = {task: index for index, task in enumerate(sentences)}
        return {
            **self._episode.columns,
            'timestamp': (count / self._fps).astype(np.float32),
            'frame_index': count,
            'episode_index': np.full(length, before.episodes, dtype=np.int64),
            'index': count + before.frames,
            'task_index': np.array([numbers[t] for t in self._episode.tasks], dtype=np.int64),
        }

    def _row(self) -> EpisodeRow:
        before, episode = self.before, self._episode
        features = before.features
        summaries = {
            key: statistics.summarize(self.columns[key]) for key in schema.number_keys(features)
        }
        summaries |= {key: h.summary() for key, h in episode.histograms.items()}
        return EpisodeRow(
            index=before.episodes,
            start=before.frames,
            length=episode.length,
            tasks=tuple(dict.fromkeys(episode.tasks)),
            data=self._free(layout.data_file, before.data_file),
            videos={
                key: self._free(
                    lambda number, key=key: layout.video_file(key, number),
                    (before.video_files or {}).get(key),
                )
                for key in episode.videos
            },
            video_starts=dict.fromkeys(episode.videos, 0),
            statistics={key: summaries[key] for key in features if key in summaries},
            extra=self._record.extra_columns(),
        )

    def _free(self, path_of: Any, last: FileIndex | None) -> FileIndex:
        """Return the number after the last one, or a later one if someone took that."""
        chunk = files_per_chunk(self.before.document)
        number = last.next(chunk) if last else layout.FIRST_FILE
        while (self._root / path_of(number)).exists():
            number = number.next(chunk)
        return number

    def _probed_videos(self) -> dict[str, Any]:
        """Return the features whose videos nobody has described yet, with a description."""
        described = {}
        for key, path in self._episode.videos.items():
            feature = self.before.features[key]
            known = dict(feature.get('info') or {})
            if 'video.codec' not in known:
                encoder = _encoder_keys(feature, self._episode.video)
                block = video_reader.info_block(video_reader.probe(path), self._fps, encoder)
                described[key] = {**feature, 'info': {**block, **known}}
        return described

    def _joined_statistics(self) -> dict[str, Summary]:
        known = dict(self.before.statistics or {})
        for key, summary in self.row.statistics.items():
            known[key] = statistics.joined(known[key], summary) if key in known else summary
        return known

    def _write_rows(self, folder: Path, columns: pa.Schema) -> dict[str, str]:
        features, number = self.totals.features, self.totals.episodes_file
        assert number is not None
        stored = {key: f for key, f in features.items() if not schema.is_video(f)}
        arrays = [schema.to_arrow(self.columns[key], feature) for key, feature in stored.items()]
        table = pa.Table.from_arrays(arrays, schema=schema.arrow_schema(features))
        parquet_writer.write_table(table, folder / 'data.parquet')
        table = episodes.to_table(self.row, self._fps, features, columns, number)
        parquet_writer.write_table(table, folder / 'episodes.parquet')
        return {
            'data.parquet': layout.data_file(self.row.data),
            'episodes.parquet': layout.episodes_file(number),
        }


def _write_meta(folder: Path, totals: _Totals, before: _Totals) -> dict[str, str]:
    """Write what changes in `meta`; return name in the folder -> path in the dataset."""
    files = {'stats.json': layout.STATS, 'info.json': layout.INFO}
    document = closing.stats_document(totals.statistics or {}, totals.features)
    (folder / 'stats.json').write_bytes(info.dumps(document))
    (folder / 'info.json').write_bytes(info.dumps(totals.document))
    if totals.tasks != before.tasks or not before.episodes:
        tasks.write(folder / 'tasks.parquet', totals.tasks)
        files['tasks.parquet'] = layout.TASKS
    return files


def _encoder_keys(feature: schema.Feature, video: info.VideoConfig | None) -> dict[str, Any]:
    if video is None:
        return {}
    return depth_writer.info(video.gop) if schema.is_depth(feature) else video.info()


def _with_pictures(record: EpisodeRecord, episode: FinishedEpisode) -> EpisodeRecord:
    """Add what is known of the pictures: their histograms, and how they were encoded."""
    if not episode.histograms:
        return record
    table = global_statistics.to_table(episode.histograms)
    record = replace(record, tables={**record.tables, global_statistics.HISTOGRAMS: table})
    video = episode.video
    if not episode.videos or video is None:
        return record
    encoded = {'encoder': video.told(), 'why': video.why, **video.info()}
    if episode.reencoded:
        encoded['reencoded'] = dict(episode.reencoded)
    return replace(record, details={**record.details, 'video': encoded})
