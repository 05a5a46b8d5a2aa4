"""The episode that is being recorded: columns in memory, journal and videos on the disk."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import accepted, schema, video_reader
from lerobot_recorder.dataset.depth_codes import DepthScale
from lerobot_recorder.dataset.depth_writer import DepthEncoder, levels
from lerobot_recorder.dataset.encoders import JPEG
from lerobot_recorder.dataset.image_writer import ImageWriter
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.journal import ROWS, Journal
from lerobot_recorder.dataset.jpeg_writer import JpegCopier
from lerobot_recorder.dataset.picture import DepthPicture, Picture
from lerobot_recorder.dataset.picture_thread import PictureThread
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.sampling import SampledHistogram
from lerobot_recorder.dataset.side_tables import Cut, SideTables
from lerobot_recorder.dataset.statistics import PictureHistogram
from lerobot_recorder.dataset.video_writer import Encoder, VideoTarget

#: How long accepting an episode waits for its encoders, so that a crash later on loses nothing of
#: it [s].
ENCODERS_S = 0.02

Values = Mapping[str, NDArray[Any]]
Columns = dict[str, Any]
Pictures = Mapping[str, 'Picture | DepthPicture']


@dataclass(frozen=True)
class FinishedEpisode:
    """An episode whose rows, frames fed and frames on the disk agree.

    Attributes:
        length: Number of rows.
        columns: User feature that is no video -> values of all rows.
        tasks: Sentence of each row.
        histograms: Camera -> counts of its pixels' values.
        videos: Camera -> its file in the working folder.
        video: How the videos were encoded, None if nobody knows.
        reencoded: Camera -> pictures that could not be copied as they came.
        side_tables: Name -> file in the working folder, a closed Arrow stream.
        cut: What of the side tables belongs to it; None means all.
    """

    length: int
    columns: Columns
    tasks: list[str]
    histograms: Mapping[str, PictureHistogram] = field(default_factory=dict)
    videos: Mapping[str, Path] = field(default_factory=dict)
    video: VideoConfig | None = None
    reencoded: Mapping[str, int] = field(default_factory=dict)
    side_tables: Mapping[str, Path] = field(default_factory=dict)
    cut: Cut | None = None


class Column:
    """Values of one feature, growing."""

    def __init__(self, feature: schema.Feature) -> None:
        shape = schema.shape_of(feature)
        self.shape, self.dtype = shape, np.dtype(feature['dtype'])
        self._values = np.empty((256, *(() if shape == (1,) else shape)), self.dtype)
        self._length = 0

    def append(self, value: NDArray[Any]) -> None:
        """Add a value of exactly this column's shape."""
        if self._length == len(self._values):
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
        self._values[self._length] = value if self._values.ndim > 1 else value[0]
        self._length += 1

    def rows(self, start: int = 0) -> NDArray[Any]:
        """Return the values from a row on."""
        return self._values[start : self._length]

    def problem(self, value: Any) -> str | None:
        """Return why a value does not fit here, None if it does."""
        if not isinstance(value, np.ndarray):
            return f'is a {type(value).__name__}, expected an array'
        if value.dtype != self.dtype or value.shape != self.shape:
            return f'is {value.dtype} {value.shape}, expected {self.dtype} {self.shape}'
        if self.dtype.kind == 'f' and not np.isfinite(value).all():
            at = np.argwhere(~np.isfinite(value))[0].tolist()
            return f'is {value[tuple(at)]} at {at}; LeRobot cannot keep such values'
        return None


class StringColumn:
    """Values of a string feature, growing."""

    def __init__(self) -> None:
        self._values: list[str] = []

    def append(self, value: Any) -> None:
        """Add a string, or an array of one."""
        self._values.append(str(value[0]) if isinstance(value, np.ndarray) else value)

    def rows(self, start: int = 0) -> list[str]:
        """Return the values from a row on."""
        return self._values[start:]

    def problem(self, value: Any) -> str | None:
        """Return why a value does not fit here, None if it does."""
        if isinstance(value, str):
            return None
        if isinstance(value, np.ndarray) and value.shape == (1,) and isinstance(value[0], str):
            return None
        return f'is {type(value).__name__}, expected a string'


@dataclass(frozen=True)
class EpisodePlan:
    """What every episode of a dataset has in common.

    Attributes:
        features: The user's features.
        fps: Rows per second.
        video: How pictures are encoded.
    """

    features: schema.Features
    fps: int
    video: VideoConfig


class RunningEpisode:
    """Takes frames; each row is journaled and each picture encoded while recording.

    Args:
        folder: An empty folder for it.
        plan: What every episode of the dataset has in common.

    Attributes:
        side_tables: The tables beside its rows.
    """

    def __init__(self, folder: Path, plan: EpisodePlan) -> None:
        self._folder, self._plan = folder, plan
        self._columns = {
            key: Column(feature) if schema.is_number(feature) else StringColumn()
            for key, feature in plan.features.items()
            if not schema.is_picture(feature)
        }
        self._tasks: list[str] = []
        self._cameras = {
            key: _picture_writer(folder, key, plan) for key in schema.picture_keys(plan.features)
        }
        journaled = {key: plan.features[key] for key in self._columns}
        self._journal = Journal(folder / ROWS, journaled)
        self._journaled = 0
        self.side_tables = SideTables(folder)

    @property
    def folder(self) -> Path:
        """Its working folder."""
        return self._folder

    @property
    def length(self) -> int:
        """Number of rows so far."""
        return len(self._tasks)

    @property
    def behind(self) -> int:
        """Rows of which a picture is not encoded yet."""
        return max((camera.behind for camera in self._cameras.values()), default=0)

    def add(
        self, values: Values, pictures: Pictures, task: str, wait: bool = True
    ) -> frozenset[str]:
        """Add a row.

        Args:
            values: Feature -> its values.
            pictures: Camera -> its picture.
            task: What the robot is to do.
            wait: Wait for an encoder that is behind, else repeat that camera's last picture.

        Returns:
            The cameras whose last picture is repeated.

        Raises:
            DatasetError: the row does not fit (nothing was added), or an encoder failed.
        """
        self._check(values, pictures, task)
        repeated = self._add_pictures(pictures, wait)
        for key, column in self._columns.items():
            column.append(values[key])
        self._tasks.append(task)
        if self.length - self._journaled >= max(1, self._plan.fps // 4):
            self._write_journal()
        return repeated

    def accept(self, record: EpisodeRecord) -> None:
        """Take no more frames: the record is on the disk, the rows are with the operating system.

        So are the pictures, where the encoders can end within `ENCODERS_S` (x264 can).
        """
        for camera in self._cameras.values():
            camera.finish_soon()
        self._write_journal()
        self._journal.close()
        self.side_tables.close()
        accepted.write(self._folder, record, self.length)
        all(camera.join(ENCODERS_S) for camera in self._cameras.values())

    def finish(self) -> FinishedEpisode:
        """Close all files and compare rows, frames fed and frames in the files.

        Raises:
            DatasetError: an encoder failed, or the counts differ.
        """
        for key, camera in self._cameras.items():
            self._compare(key, camera.fed, camera.finish())
        columns: Columns = {key: column.rows() for key, column in self._columns.items()}
        videos = {}
        for key, camera in self._cameras.items():
            if isinstance(camera, ImageWriter):
                columns[key] = camera.images()
            else:
                videos[key] = video_path(self._folder, key)
                self._compare(
                    key, camera.fed, video_reader.frames_on_grid(videos[key], self._plan.fps)
                )
        histograms = {key: camera.histogram for key, camera in self._cameras.items()}
        return FinishedEpisode(
            self.length, columns, self._tasks, histograms, videos, self._plan.video,
            {key: camera.reencoded for key, camera in self._cameras.items() if camera.reencoded},
            self.side_tables.close(),
        )  # fmt: skip

    def abandon(self) -> None:
        """Stop the encoders, whatever waits in them, without waiting for them; see `join`."""
        for camera in self._cameras.values():
            camera.abandon()
        self._journal.abandon()
        self.side_tables.abandon()

    def end(self) -> None:
        """Close all files of an episode that failed, with as much in them as can be."""
        for camera in self._cameras.values():
            camera.end()
        self._journal.abandon()
        self.side_tables.abandon()

    def join(self) -> None:
        """Wait until nothing of an abandoned episode is being written any more."""
        for camera in self._cameras.values():
            camera.join()

    def _add_pictures(self, pictures: Pictures, wait: bool) -> frozenset[str]:
        if not wait:
            return frozenset(
                key
                for key, camera in self._cameras.items()
                if not camera.add_or_repeat(pictures[key])
            )
        for key, camera in self._cameras.items():
            camera.add(pictures[key])
        return frozenset()

    def _write_journal(self) -> None:
        if self.length > self._journaled:
            rows = {key: column.rows(self._journaled) for key, column in self._columns.items()}
            self._journal.append(rows, self._tasks[self._journaled :])
            self._journaled = self.length

    def _compare(self, key: str, fed: int, found: int) -> None:
        if not self.length == fed == found:
            raise DatasetError(
                f'{key}: {self.length} rows, {fed} pictures handed over, {found} in the file; '
                'the episode cannot be saved'
            )

    def _check(self, values: Values, pictures: Pictures, task: str) -> None:
        problems = _name_problems('values', set(values), set(self._columns))
        problems += _name_problems('pictures', set(pictures), set(self._cameras))
        if not isinstance(task, str) or not task.strip():
            problems.append(f'task is {task!r}, expected a sentence')
        if not problems:
            for key, column in self._columns.items():
                problem = column.problem(values[key])
                problems += [f'{key} {problem}'] if problem else []
            for key, picture in pictures.items():
                size = schema.size_of(self._plan.features[key])
                if (picture.height, picture.width) != size:
                    found = f'{picture.width}x{picture.height}'
                    problems.append(f'{key} is {found}, expected {size[1]}x{size[0]}')
        if problems:
            raise DatasetError(f'frame {self.length} was not added: ' + '; '.join(problems))


def video_path(folder: Path, key: str) -> Path:
    """Return the file of a camera's video in the working folder."""
    return folder / f'{_file_name(key)}.mp4'


def spool_path(folder: Path, key: str) -> Path:
    """Return the file of a camera's images in the working folder."""
    return folder / f'{_file_name(key)}.images'


def _picture_writer(folder: Path, key: str, plan: EpisodePlan) -> PictureThread:
    feature = plan.features[key]
    if schema.is_video(feature):
        return video_thread(key, feature, folder, plan)
    threads = plan.video.image_threads
    return ImageWriter(key, feature, spool_path(folder, key), plan.fps, threads)


def video_thread(
    key: str, feature: schema.Feature, folder: Path, plan: EpisodePlan
) -> PictureThread:
    """Return what encodes a camera's pictures, behind a queue; by default a second of them."""
    waiting = plan.video.queue or plan.fps
    height, width = schema.size_of(feature)
    target = VideoTarget(key, video_path(folder, key), height, width, plan.fps, plan.video)
    if schema.is_depth(feature):
        # The dataset's scale, whatever this session was told: codes mean one thing in a dataset.
        scale = DepthScale.of_info(feature.get('info') or {})
        target = replace(target, config=replace(plan.video, depth=scale))
        histogram = PictureHistogram(levels(feature))
        return PictureThread(key, DepthEncoder(target), waiting, histogram)
    if plan.video.vcodec == JPEG:
        return PictureThread(key, JpegCopier(target), waiting, SampledHistogram())
    return PictureThread(key, Encoder(target), waiting)


def _file_name(key: str) -> str:
    return urllib.parse.quote(key, safe='')


def _name_problems(what: str, found: set[str], expected: set[str]) -> list[str]:
    problems = []
    if expected - found:
        problems.append(f'{what} lack {sorted(expected - found)}')
    if found - expected:
        problems.append(f'{what} hold {sorted(found - expected)}, which the dataset has not')
    return problems
