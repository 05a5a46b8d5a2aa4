"""Checks of the videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import layout, schema, video_reader
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.finding import Findings


def check(
    root: Path,
    document: Mapping[str, Any],
    rows: Sequence[EpisodeRow],
    findings: Findings,
    decode: bool,
) -> None:
    """Check that every camera's files hold exactly the frames that the episodes need."""
    for key in schema.video_keys(document['features']):
        needed: dict[str, int] = {}
        for row in rows:
            where = layout.video_file(key, row.videos[key])
            stop = row.video_starts[key] + row.length
            needed[where] = max(needed.get(where, 0), stop)
        for where, frames in needed.items():
            try:
                _check_video(root, where, key, document, findings)
                _check_frames(root / where, where, frames, document['fps'], findings)
                if decode:
                    _decode(root / where, where, frames, document, findings)
            except DatasetFormatError as error:
                findings.error(where, error, f'{frames} frames')
        for path in layout.video_files(root, key):
            where = path.relative_to(root).as_posix()
            if where not in needed:
                findings.warning(where, 'no episode refers to it', 'no such file')
        _check_overlaps(key, rows, findings)


def _check_video(
    root: Path, where: str, key: str, document: Mapping[str, Any], findings: Findings
) -> None:
    facts = video_reader.probe(root / where)
    feature = document['features'][key]
    height, width = schema.size_of(feature)
    if (facts.height, facts.width) != (height, width):
        findings.error(where, f'{facts.width}x{facts.height}', f'{width}x{height}')
    if facts.fps != document['fps']:
        findings.error(where, f'{float(facts.fps):g} frames/s', f'exactly {document["fps"]}')
    block = feature.get('info') or {}
    for name, found in (('video.codec', facts.codec), ('video.pix_fmt', facts.pix_fmt)):
        if name in block and block[name] != found:
            findings.warning(where, f'{name} is {found}', f'{block[name]}, as in info.json')


def _check_frames(path: Path, where: str, needed: int, fps: int, findings: Findings) -> None:
    times = video_reader.frame_times(path)
    off = np.abs(times - np.arange(len(times)) / fps)
    if (off > video_reader.TOLERANCE_S).any():
        first = int(np.flatnonzero(off > video_reader.TOLERANCE_S)[0])
        found = f'frame {first} is at {times[first]:.4f} s'
        findings.error(where, found, f'{first / fps:.4f} s; pictures would be those of other rows')
    if len(times) < needed:
        findings.error(where, f'{len(times)} frames', f'{needed}; pictures would be shifted')
    elif len(times) > needed:
        findings.warning(where, f'{len(times)} frames', f'{needed}, as many as there are rows')


def _decode(
    path: Path, where: str, needed: int, document: Mapping[str, Any], findings: Findings
) -> None:
    frames = sum(1 for _ in video_reader.frames(path, 0, None, document['fps']))
    if frames < needed:
        findings.error(where, f'{frames} pictures can be decoded', needed)


def _check_overlaps(key: str, rows: Sequence[EpisodeRow], findings: Findings) -> None:
    reached: dict[layout.FileIndex, int] = {}
    for position, row in enumerate(rows):
        start, free = row.video_starts[key], reached.get(row.videos[key], 0)
        if start != free:
            where = layout.video_file(key, row.videos[key])
            found = f'{key} starts at frame {start} of {where}'
            report = findings.error if start < free else findings.warning
            report(f'episode {position}', found, f'frame {free}, behind the episode before it')
        reached[row.videos[key]] = start + row.length
