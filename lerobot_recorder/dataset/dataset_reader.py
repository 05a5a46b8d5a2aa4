"""Reading LeRobot v3.0 datasets, ours and LeRobot's, episode by episode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import episodes, info, layout, schema, tasks, video_reader
from lerobot_recorder.dataset.depth_codes import MILLIMETRES
from lerobot_recorder.dataset.depth_writer import PIX_FMT, levels
from lerobot_recorder.dataset.encoders import JPEG
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.image_writer import decode_image
from lerobot_recorder.dataset.reading import guarded, parquet_table


class PictureSource(Protocol):
    """Where the pictures of an episode are."""

    def frames(self, camera: str, start: int, count: int) -> Iterator[NDArray[Any]]:
        """Yield some of a camera's pictures; see `EpisodeView.frames`."""
        ...

    def compressed(self, camera: str, count: int) -> Iterator[bytes] | None:
        """Return them as they lie on the disk; see `EpisodeView.compressed_frames`."""
        ...


@dataclass(frozen=True)
class EpisodeView:
    """One episode.

    Attributes:
        index: Its number.
        length: Number of its rows.
        tasks: The sentences that occur in it.
        rows: Column -> values, shape (length, *shape), (length,) where the shape is (1,); the
            five default features are among them, cameras are not.
        row_tasks: The sentence of each row.
        extra: Our columns of meta/episodes (`ros/uuid` ...), where there are any.
    """

    index: int
    length: int
    tasks: tuple[str, ...]
    rows: dict[str, NDArray[Any]]
    row_tasks: tuple[str, ...]
    extra: dict[str, str | None]
    _source: PictureSource = field(repr=False)

    def frames(self, camera: str) -> Iterator[NDArray[Any]]:
        """Yield the pictures of a camera.

        RGB, shape (height, width, 3); depth of shape (height, width), uint16 in [mm] or float32
        in [m], as the feature's `depth_unit` says.

        Args:
            camera: The feature's name.

        Raises:
            DatasetError: there is no such camera.
            DatasetFormatError: a picture is missing or damaged.
        """
        return self._source.frames(camera, 0, self.length)

    def compressed_frames(self, camera: str) -> Iterator[bytes] | None:
        """Return the JPEGs or PNGs of a colour camera, None if it lies there as something else.

        Raises:
            DatasetError: there is no such camera.
            DatasetFormatError: a picture is missing or damaged.
        """
        return self._source.compressed(camera, self.length)

    def frame(self, camera: str, frame_index: int) -> NDArray[Any]:
        """Return one picture, as `frames` yields them.

        Raises:
            DatasetError: there is no such camera or frame.
            DatasetFormatError: the picture is missing or damaged.
        """
        if not 0 <= frame_index < self.length:
            raise DatasetError(
                f'episode {self.index} has frames 0 to {self.length - 1}, not {frame_index}'
            )
        return next(self._source.frames(camera, frame_index, 1))


@dataclass(frozen=True)
class _PictureSource:
    """Finds the pictures of one episode."""

    root: Path
    fps: int
    features: schema.Features
    row: EpisodeRow
    table: pa.Table

    def frames(self, camera: str, start: int, count: int) -> Iterator[NDArray[Any]]:
        feature = self._feature(camera)
        if not schema.is_video(feature):
            return self._images(camera, start, count)
        path, first = self._video(camera, start)
        if schema.is_depth(feature):
            codes = video_reader.frames(path, first, count, self.fps, PIX_FMT)
            return _distances(codes, feature)
        return video_reader.frames(path, first, count, self.fps)

    def compressed(self, camera: str, count: int) -> Iterator[bytes] | None:
        feature = self._feature(camera)
        if schema.is_depth(feature):
            return None
        if not schema.is_video(feature):
            return self._image_bytes(camera, 0, count)
        path, first = self._video(camera, 0)
        if video_reader.probe(path).codec != JPEG:
            return None
        return video_reader.packets(path, first, count, self.fps)

    def _feature(self, camera: str) -> schema.Feature:
        known = schema.picture_keys(self.features)
        if camera not in known:
            raise DatasetError(f'the dataset has no camera {camera!r}, only {known}')
        return self.features[camera]

    def _video(self, camera: str, start: int) -> tuple[Path, int]:
        path = self.root / layout.video_file(camera, self.row.videos[camera])
        return path, self.row.video_starts[camera] + start

    def _images(self, camera: str, start: int, count: int) -> Iterator[NDArray[Any]]:
        depth = schema.is_depth(self.features[camera])
        for data in self._image_bytes(camera, start, count):
            yield decode_image(data, depth)

    def _image_bytes(self, camera: str, start: int, count: int) -> Iterator[bytes]:
        with guarded(f'{self.root}: {camera}'):
            images = self.table[camera].slice(start, count).to_pylist()
        for image in images:
            if not isinstance(image, dict) or not image.get('bytes'):
                raise DatasetFormatError(f'{camera}: an image has no bytes in the Parquet file')
            yield image['bytes']


def _distances(
    codes: Iterator[NDArray[np.uint16]], feature: schema.Feature
) -> Iterator[NDArray[Any]]:
    """Yield what codes of depth mean: uint16 in [mm] or float32 in [m], as it was recorded."""
    depths = levels(feature).values
    in_mm = feature['info'].get('depth_unit', MILLIMETRES) == MILLIMETRES
    table = np.rint(depths).astype(np.uint16) if in_mm else depths.astype(np.float32)
    return (table[picture] for picture in codes)


class DatasetReader:
    """One dataset on disk.

    Args:
        root: Its folder.
        statistics: Read the episodes' statistics too.

    Attributes:
        root: Its folder.
        info: info.json.
        fps: Rows per second.
        features: Feature entries, the five defaults included.
        tasks: Sentences in the order of their index.

    Raises:
        DatasetFormatError: it cannot be read.
    """

    def __init__(self, root: Path, statistics: bool = True) -> None:
        self.root = Path(root)
        self.info = info.read(self.root)
        self.fps = int(self.info['fps'])
        self.features: dict[str, Any] = self.info['features']
        with guarded(f'{self.root}: meta'):
            # In this order: an episode that is saved meanwhile brings its tasks before its row.
            self._rows = episodes.rows_of(self.root, self.fps, self.features, statistics)
            self.tasks = tasks.read(self.root)
        self._file: tuple[Path, pa.Table] | None = None

    @property
    def num_episodes(self) -> int:
        """Number of episodes."""
        return len(self._rows)

    @property
    def cameras(self) -> list[str]:
        """Names of the camera features."""
        return schema.picture_keys(self.features)

    def episode(self, index: int) -> EpisodeView:
        """Return an episode with all its rows in memory; pictures are read when asked for.

        Raises:
            DatasetError: there is no such episode.
            DatasetFormatError: its data cannot be read.
        """
        if not 0 <= index < self.num_episodes:
            last = self.num_episodes - 1
            raise DatasetError(f'{self.root} has episodes 0 to {last}, not {index}')
        with guarded(f'{self.root}: episode {index}'):
            return self._view(index, self._rows[index])

    def _view(self, index: int, row: EpisodeRow) -> EpisodeView:
        table = self._table(row)
        rows = {}
        for key, feature in self.features.items():
            if not schema.is_picture(feature):
                rows[key] = self._column(table, key, feature)
        return EpisodeView(
            index=index,
            length=row.length,
            tasks=row.tasks,
            rows=rows,
            row_tasks=tuple(self._task(number) for number in rows['task_index']),
            extra=dict(row.extra),
            _source=_PictureSource(self.root, self.fps, self.features, row, table),
        )

    def episodes(self) -> Iterator[EpisodeView]:
        """Yield all episodes in order."""
        return (self.episode(index) for index in range(self.num_episodes))

    def rows_of_episodes(self) -> Sequence[EpisodeRow]:
        """Return meta/episodes."""
        return self._rows

    def _column(self, table: pa.Table, key: str, feature: schema.Feature) -> NDArray[Any]:
        if key not in table.column_names:
            raise DatasetFormatError(f'{self.root}: no data column {key!r}')
        try:
            return schema.to_numpy(table[key], feature)
        except DatasetFormatError as error:
            raise DatasetFormatError(f'{self.root}: column {key!r}: {error}') from None

    def _task(self, number: int) -> str:
        if not 0 <= number < len(self.tasks):
            raise DatasetFormatError(f'{self.root}: task_index {number} is not in tasks.parquet')
        return self.tasks[number]

    def _table(self, row: EpisodeRow) -> pa.Table:
        path = self.root / layout.data_file(row.data)
        if self._file is None or self._file[0] != path:
            try:
                self._file = path, parquet_table(path)
            except (OSError, pa.ArrowException) as error:
                raise DatasetFormatError(f'{path} cannot be read: {error}') from None
        whole = self._file[1]
        table = whole.filter(pc.equal(whole['episode_index'], row.index))
        if len(table) != row.length:
            raise DatasetFormatError(
                f'{path}: {len(table)} rows of episode {row.index}, expected {row.length}'
            )
        return table
