"""Recovering the episodes that were on their way in when their writer was killed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import (
    accepted,
    cut,
    info,
    journal,
    layout,
    schema,
    side_tables,
    video_reader,
)
from lerobot_recorder.dataset.compact_videos import add_copy
from lerobot_recorder.dataset.depth_writer import PIX_FMT, in_millimetres, levels
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.image_column import read_column
from lerobot_recorder.dataset.image_writer import decode_image
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.running_episode import FinishedEpisode, spool_path, video_path
from lerobot_recorder.dataset.state import DatasetState
from lerobot_recorder.dataset.statistics import PictureHistogram
from lerobot_recorder.dataset.work_folder import WorkFolder

OUTCOME = 'incomplete'


def recover(root: Path, work: WorkFolder, folder: Path) -> str:
    """Save what is left of an interrupted episode.

    One that was accepted keeps the operator's word; if it lost its last frames, which were still
    in an encoder, the defect `lost_frames` says how many. One that was running gets the outcome
    `incomplete`.

    Args:
        root: The dataset; what was saved before is whole.
        work: Its work folder.
        folder: The episode's working folder, which holds the journal and the videos.

    Returns:
        What was done, in a sentence.

    Raises:
        OSError: the disk refuses; the episode stays for another time.
    """
    session = work.read_session()
    if session is None:
        return _set_aside(root, folder, 'nothing says what the dataset was to be')
    document, config = session
    has_info = (root / layout.INFO).exists()
    state = DatasetState.load(root) if has_info else DatasetState(root, document)
    kept = accepted.read(folder)
    try:
        episode = _whole_part(folder, state, config)
        if episode is None and kept is None:
            work.drop(folder)
            return 'dropped an interrupted episode of which no complete frame was on the disk'
        if episode is None:
            return _set_aside(root, folder, 'no complete frame of it was on the disk')
    except (DatasetError, OSError, ValueError, av.FFmpegError) as error:
        _check_room(folder, error)
        return _set_aside(root, folder, str(error))
    length = episode.length
    record = accepted.shortened(*kept, length) if kept else _incomplete(folder, length)
    row = state.save(folder, episode, record)
    work.drop(folder)
    return _told(row, record, state.fps, kept is not None)


def _check_room(folder: Path, error: Exception) -> None:
    """Check that it was not the full disk that failed: then nothing is wrong with the episode.

    Raises:
        OSError: it was.
    """
    needed = sum(path.stat().st_size for path in folder.iterdir())
    is_refused = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if is_refused or shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error


def _incomplete(folder: Path, length: int) -> EpisodeRecord:
    record = EpisodeRecord.recovered(folder, OUTCOME, {'interrupted': 1})
    return replace(record, details={**record.details, 'recovered_frames': length})


def _told(row: EpisodeRow, record: EpisodeRecord, fps: int, is_accepted: bool) -> str:
    what = f'{row.length} frames ({row.length / fps:.1f} s)'
    if not is_accepted:
        return (
            f'recovered {what} of an interrupted episode as episode {row.index}, '
            f'outcome {OUTCOME!r}'
        )
    lost = record.defects.get('lost_frames', 0)
    short = f'; its last {lost} frames were not on the disk' if lost else ''
    return f'saved an accepted episode of {what} as episode {row.index}{short}'


def _set_aside(root: Path, folder: Path, reason: str) -> str:
    where = cut.set_aside(root, folder)
    return f'moved an interrupted episode to {where}: it cannot be recovered, {reason}'


def _whole_part(
    folder: Path, state: DatasetState, config: info.VideoConfig
) -> FinishedEpisode | None:
    """Return the part of the episode of which rows and all pictures are there."""
    user = schema.user_features(state.features)
    plain = {key: feature for key, feature in user.items() if not schema.is_picture(feature)}
    columns, tasks = journal.read_rows(folder / journal.ROWS, plain)
    length = len(tasks)
    cameras = {key: user[key] for key in schema.picture_keys(user)}
    for key, feature in cameras.items():
        length = min(length, sum(1 for _ in pictures(folder, key, feature, state.fps)))
    if not length:
        return None
    columns = {key: column[:length] for key, column in columns.items()}
    histograms: dict[str, PictureHistogram] = {}
    videos = {}
    for key, feature in cameras.items():
        histograms[key] = _histogram(pictures(folder, key, feature, state.fps), feature, length)
        if schema.is_video(feature):
            videos[key] = video_path(folder, key)
            shorten(videos[key], length)
        else:
            columns[key] = read_column(spool_path(folder, key), length)
    tables = side_tables.find(folder)
    end = side_tables.cut_at(tables, length)
    return FinishedEpisode(
        length, columns, tasks[:length], histograms, videos, config,
        side_tables=tables, cut=end,
    )  # fmt: skip


def pictures(folder: Path, key: str, feature: schema.Feature, fps: int) -> Iterator[NDArray[Any]]:
    """Yield what the histogram takes of the interrupted episode, up to the first damage."""
    depth = schema.is_depth(feature)
    if not schema.is_video(feature):
        for image in read_column(spool_path(folder, key)):
            try:
                pixels = decode_image(image['bytes'].as_py(), depth)
            except DatasetError:
                return
            yield in_millimetres(pixels) if depth else pixels
        return
    pix_fmt = PIX_FMT if depth else video_reader.RGB24
    try:
        yield from video_reader.frames(video_path(folder, key), 0, None, fps, pix_fmt)
    except DatasetFormatError:
        return


def _histogram(
    pictures: Iterator[NDArray[Any]], feature: schema.Feature, length: int
) -> PictureHistogram:
    histogram = PictureHistogram(levels(feature))
    for _ in range(length):
        histogram.add(next(pictures))
    return histogram


def shorten(path: Path, length: int) -> None:
    """Make an interrupted video an ordinary one of its first frames, copied, not encoded anew.

    Raises:
        DatasetFormatError: it has fewer frames.
    """
    temporary = path.with_suffix('.short.mp4')
    with av.open(str(path)) as source, av.open(str(temporary), 'w') as target:
        stream = source.streams.video[0]
        copy = add_copy(target, stream)
        for number, packet in enumerate(source.demux(stream)):
            if number == length:
                break
            packet.stream = copy
            target.mux(packet)
    found = len(video_reader.frame_times(temporary))
    if found != length:
        raise DatasetFormatError(f'{path}: {found} frames could be copied, expected {length}')
    os.replace(temporary, path)
