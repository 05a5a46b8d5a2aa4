"""Recovering the episode that was running when its writer was killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import cut, info, journal, layout, schema, side_tables, video_reader
from lerobot_recorder.dataset.image_writer import decode_image, read_spool
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.running_episode import FinishedEpisode, spool_path, video_path
from lerobot_recorder.dataset.state import DatasetState
from lerobot_recorder.dataset.statistics import PictureHistogram
from lerobot_recorder.dataset.work_folder import WorkFolder

OUTCOME = 'incomplete'


def recover(root: Path, work: WorkFolder) -> list[str]:
    """Save what is left of the interrupted episode, with the outcome `incomplete`.

    Args:
        root: The dataset; what was saved before is whole.
        work: Its work folder, which holds the journal and the videos.

    Returns:
        What was done, a sentence each.
    """
    session = work.read_session()
    if session is None:
        return [_set_aside(root, work, 'nothing says what the dataset was to be')]
    document, config = session
    has_info = (root / layout.INFO).exists()
    state = DatasetState.load(root) if has_info else DatasetState(root, document)
    try:
        episode = _whole_part(work.episode, state, config)
    except (DatasetError, OSError, av.FFmpegError) as error:
        return [_set_aside(root, work, str(error))]
    if episode is None:
        work.drop_episode()
        return ['dropped an interrupted episode of which no complete frame was on the disk']
    record = EpisodeRecord.recovered(work.episode, OUTCOME, {'interrupted': 1})
    record = replace(record, details={**record.details, 'recovered_frames': episode.length})
    row = state.save(work.episode, episode, record)
    work.drop_episode()
    seconds = row.length / state.fps
    return [
        f'recovered {row.length} frames ({seconds:.1f} s) of an interrupted episode as '
        f'episode {row.index}, outcome {OUTCOME!r}'
    ]


def _set_aside(root: Path, work: WorkFolder, reason: str) -> str:
    where = cut.set_aside(root, work.episode)
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
        length = min(length, sum(1 for _ in _pictures(folder, key, feature, state.fps)))
    if not length:
        return None
    columns = {key: column[:length] for key, column in columns.items()}
    histograms: dict[str, PictureHistogram] = {}
    videos = {}
    for key, feature in cameras.items():
        histograms[key] = _histogram(_pictures(folder, key, feature, state.fps), length)
        if schema.is_video(feature):
            videos[key] = video_path(folder, key)
            shorten(videos[key], length, state.fps)
        else:
            columns[key] = read_spool(spool_path(folder, key))[:length]
    tables = side_tables.find(folder)
    end = side_tables.cut_at(tables, length)
    return FinishedEpisode(
        length, columns, tasks[:length], histograms, videos, config, tables, end
    )


def _pictures(
    folder: Path, key: str, feature: schema.Feature, fps: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of the interrupted episode up to the first that is damaged."""
    if not schema.is_video(feature):
        for image in read_spool(spool_path(folder, key)):
            yield decode_image(image['bytes'])
        return
    path = video_path(folder, key)
    try:
        yield from video_reader.frames(path, 0, None, fps)
    except DatasetFormatError:
        return


def _histogram(pictures: Iterator[NDArray[np.uint8]], length: int) -> PictureHistogram:
    histogram = PictureHistogram()
    for _ in range(length):
        histogram.add(next(pictures))
    return histogram


def shorten(path: Path, length: int, fps: int) -> None:
    """Make an interrupted video an ordinary one of its first frames, copied, not encoded anew.

    Raises:
        DatasetFormatError: it has fewer frames.
    """
    temporary = path.with_suffix('.short.mp4')
    with av.open(str(path)) as source, av.open(str(temporary), 'w') as target:
        stream = source.streams.video[0]
        copy: Any = target.add_stream_from_template(stream)
        for number, packet in enumerate(source.demux(stream)):
            if number == length:
                break
            packet.stream = copy
            target.mux(packet)
    found = len(video_reader.frame_times(temporary))
    if found != length:
        raise DatasetFormatError(f'{path}: {found} frames could be copied, expected {length}')
    os.replace(temporary, path)
