"""meta/info.json: what a dataset is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import ConfigError, DatasetFormatError
from lerobot_recorder.dataset import durable, layout, schema
from lerobot_recorder.dataset.session_facts import SessionFacts

_ENCODERS = {'h264': 'libx264'}
_PRESETS = (
    'ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow',
)  # fmt: skip


@dataclass(frozen=True)
class VideoConfig:
    """How pictures are encoded.

    Attributes:
        codec: FFmpeg's canonical name; `h264` so far.
        preset: x264's preset; the slower, the smaller at about equal quality.
        crf: x264's constant rate factor, 0 (lossless) to 51.
        gop: Distance of key frames [frames]; 2 as in LeRobot, for fast random access.
        pix_fmt: FFmpeg's pixel format; `yuv420p` so far.
    """

    codec: str = 'h264'
    preset: str = 'ultrafast'
    crf: int = 21
    gop: int = 2
    pix_fmt: str = 'yuv420p'

    def __post_init__(self) -> None:
        checks = (
            ('codec', self.codec in _ENCODERS, f'one of {sorted(_ENCODERS)}'),
            ('preset', self.preset in _PRESETS, f'one of {list(_PRESETS)}'),
            ('crf', 0 <= self.crf <= 51, '0 to 51'),
            ('gop', self.gop >= 1, 'at least 1'),
            ('pix_fmt', self.pix_fmt == 'yuv420p', "'yuv420p'"),
        )
        for name, good, expected in checks:
            if not good:
                raise ConfigError(f'video.{name}: {getattr(self, name)!r} is not {expected}')

    @property
    def encoder(self) -> str:
        """FFmpeg's name of the encoder."""
        return _ENCODERS[self.codec]


@dataclass(frozen=True)
class DatasetInfo:
    """What a dataset is to be.

    Attributes:
        fps: Rows per second, a whole number.
        features: LeRobot's feature entries (`dtype`, `shape`, `names`) without the five defaults.
        robot_type: LeRobot's name of the robot.
        video: How pictures are encoded.
        facts: What its numbers mean; kept with each episode, compared on resuming.
    """

    fps: int
    features: Mapping[str, Mapping[str, Any]]
    robot_type: str | None = None
    video: VideoConfig = field(default_factory=VideoConfig)
    facts: SessionFacts = field(default_factory=SessionFacts)

    def __post_init__(self) -> None:
        if isinstance(self.fps, bool) or not isinstance(self.fps, int) or self.fps < 1:
            raise DatasetFormatError(f'fps: {self.fps!r} is not a whole number above 0')
        schema.check_features(self.features)


def new_document(info: DatasetInfo) -> dict[str, Any]:
    """Return info.json of an empty dataset, its keys in LeRobot's order."""
    features = schema.normalized(info.features)
    has_video = bool(schema.video_keys(info.features))
    return {
        'codebase_version': layout.CODEBASE_VERSION,
        'fps': info.fps,
        'features': {**features, **{k: dict(f) for k, f in schema.DEFAULT_FEATURES.items()}},
        'total_episodes': 0,
        'total_frames': 0,
        'total_tasks': 0,
        'chunks_size': layout.CHUNKS_SIZE,
        'data_files_size_in_mb': 100,
        'video_files_size_in_mb': 200,
        'data_path': layout.DATA_PATH,
        'video_path': layout.VIDEO_PATH if has_video else None,
        'robot_type': info.robot_type,
        'splits': {},
    }


def with_totals(
    document: Mapping[str, Any], episodes: int, frames: int, tasks: int
) -> dict[str, Any]:
    """Return the document with new totals, everything else as it was."""
    totals = {
        'total_episodes': episodes,
        'total_frames': frames,
        'total_tasks': tasks,
        'splits': {'train': f'0:{episodes}'},
    }
    return {**document, **totals}


def dumps(document: Mapping[str, Any]) -> bytes:
    """Return JSON as LeRobot formats it."""
    return json.dumps(document, indent=4, ensure_ascii=False).encode()


def read(root: Path) -> dict[str, Any]:
    """Read and check info.json.

    Raises:
        DatasetFormatError: missing, unreadable, or not of a v3.0 dataset in Parquet.
    """
    path = root / layout.INFO
    try:
        document = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise DatasetFormatError(
            f'{root} is no LeRobot dataset: {layout.INFO} is missing'
        ) from None
    except (ValueError, OSError) as error:
        raise DatasetFormatError(f'{path} cannot be read: {error}') from None
    check(document, path)
    return dict(document)


def check(document: Any, path: Path) -> None:
    """Check what every reader needs of info.json.

    Raises:
        DatasetFormatError: a key is missing or has a value we do not know.
    """
    if not isinstance(document, dict):
        raise DatasetFormatError(f'{path}: found no JSON object')
    missing = {'codebase_version', 'fps', 'features'} - set(document)
    if missing:
        raise DatasetFormatError(f'{path}: keys {sorted(missing)} are missing')
    version = str(document['codebase_version'])
    if not version.startswith('v3.'):
        raise DatasetFormatError(
            f'{path}: codebase_version is {version!r}, expected v3.0; convert it with '
            "LeRobot's convert_dataset_v21_to_v30 first"
        )
    storage = document.get('storage_format', 'parquet')
    if storage != 'parquet':
        raise DatasetFormatError(
            f'{path}: storage_format {storage!r} is not supported, only parquet'
        )
    fps = document['fps']
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 1 <= fps <= 100_000:
        raise DatasetFormatError(f'{path}: fps is {fps!r}, expected a whole number above 0')
    if not isinstance(document['features'], dict):
        raise DatasetFormatError(f'{path}: features is no JSON object')
    for key, feature in document['features'].items():
        problem = schema.entry_problem(feature)
        if problem:
            raise DatasetFormatError(f'{path}: feature {key!r} {problem}')


def write(root: Path, document: Mapping[str, Any]) -> None:
    """Replace info.json at once and for good."""
    (root / layout.INFO).parent.mkdir(parents=True, exist_ok=True)
    durable.write_bytes(root / layout.INFO, dumps(document))
