"""A copy of a dataset with its videos encoded anew.

The copy is made in a folder of another name beside its place, video by video, and is given its
name when it is whole and on the disk. After an interruption the same call goes on where it was:
videos that are there have their frames already.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError
from lerobot_recorder.dataset import durable, info, layout, prefix, schema, video_reader
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.video_writer import Encoder, VideoTarget

_SETTINGS = '.transcode.json'
Progress = Callable[[int, int], None]


def transcode(
    root: Path, target: Path, config: VideoConfig, progress: Progress = lambda done, total: None
) -> int:
    """Write a copy of a dataset with its colour videos encoded anew; depth stays as it is.

    Args:
        root: The dataset; it is only read.
        target: The copy; nothing may be there.
        config: How to encode.
        progress: Called with the number of videos done and of all.

    Returns:
        How many frames were encoded.

    Raises:
        DatasetExistsError: there is something at the target.
        DatasetError: the dataset is not whole, a video cannot be encoded, or the disk refused;
            the same call goes on from there.
    """
    try:
        return _transcode(root, target, config, progress)
    except OSError as error:
        raise DatasetError(f'{target} cannot be written: {error}') from error


def _transcode(root: Path, target: Path, config: VideoConfig, progress: Progress) -> int:
    document = _whole(root)
    if target.exists():
        raise DatasetExistsError(f'{target} exists already; choose another folder for the copy')
    work = target.with_name(f'.{target.name}.transcoding')
    _start(work, root, config)
    jobs = [
        (key, path)
        for key in schema.video_keys(document['features'])
        if not schema.is_depth(document['features'][key])
        for path in layout.video_files(root, key)
    ]
    frames = done = 0
    with ThreadPoolExecutor(_workers(), 'transcode') as pool:
        found = [pool.submit(_video, root, work, job, document, config) for job in jobs]
        try:
            for future in found:
                frames, done = frames + future.result(), done + 1
                progress(done, len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    _copy_rest(root, work, {path for _, path in jobs})
    info.write(work, _described(document, work, dict(jobs), root, config))
    _publish(work, target)
    return frames


def _whole(root: Path) -> Mapping[str, Any]:
    document = info.read(root)
    if (root / layout.RECORDING).exists():
        raise DatasetError(f'{root} is being recorded into or was interrupted; resume it first')
    found = prefix.find(root, document)
    if found.problem is not None:
        raise DatasetError(f'{root} is not whole: {found.problem}; repair it first')
    return document


def _start(work: Path, root: Path, config: VideoConfig) -> None:
    """Make the working folder, or take up the one of the same call that was interrupted."""
    settings = json.dumps({'root': str(root.resolve()), 'told': config.told(), **config.info()})
    known = work / _SETTINGS
    if known.exists() and known.read_text(encoding='utf-8') == settings:
        return
    durable.remove_tree(work)
    durable.make_folders(work)
    durable.write_bytes(known, settings.encode())


def _workers() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 1


def _video(
    root: Path,
    work: Path,
    job: tuple[str, Path],
    document: Mapping[str, Any],
    config: VideoConfig,
) -> int:
    key, source = job
    path = work / source.relative_to(root)
    fps = int(document['fps'])
    expected = len(video_reader.frame_times(source))
    if path.exists():
        return expected
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix('.part.mp4')
    height, width = schema.size_of(document['features'][key])
    encoder = Encoder(VideoTarget(key, temporary, height, width, fps, config))
    try:
        encoder.open()
        for picture in video_reader.frames(source, 0, None, fps):
            encoder.write(ArrayPicture(picture), False)
    finally:
        encoder.close()
    found = video_reader.frames_on_grid(temporary, fps)
    if found != expected:
        raise DatasetError(f'{source}: {found} frames came out, expected {expected}')
    durable.sync_file(temporary)
    os.replace(temporary, path)
    return expected


def _copy_rest(root: Path, work: Path, encoded: set[Path]) -> None:
    for path in sorted(root.rglob('*')):
        place = work / path.relative_to(root)
        if path.is_file() and path not in encoded and layout.QUARANTINE not in path.parts:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def _described(
    document: Mapping[str, Any],
    work: Path,
    encoded: Mapping[str, Path],
    root: Path,
    config: VideoConfig,
) -> dict[str, Any]:
    """Return info.json with what the new videos really are."""
    features = dict(document['features'])
    for key, path in encoded.items():
        facts = video_reader.probe(work / path.relative_to(root))
        block = video_reader.info_block(facts, int(document['fps']), config.info())
        features[key] = {**features[key], 'info': block}
    return {**document, 'features': features}


def _publish(work: Path, target: Path) -> None:
    """Give the copy its name, once every byte of it is on the disk."""
    (work / _SETTINGS).unlink()
    durable.sync_all([work, *work.rglob('*')])
    os.rename(work, target)
    durable.sync_folder(target.parent)
