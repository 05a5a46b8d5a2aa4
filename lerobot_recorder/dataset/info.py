"""meta/info.json: what a dataset is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import ConfigError, DatasetFormatError
from lerobot_recorder.dataset import durable, encoders, layout, schema
from lerobot_recorder.dataset.depth_codes import DepthScale
from lerobot_recorder.dataset.encoders import ALIASES, ENCODERS, JPEG, EncoderType
from lerobot_recorder.dataset.limits import FileLimits
from lerobot_recorder.dataset.robot_facts import RobotFacts


@dataclass(frozen=True)
class VideoConfig:
    """How pictures are encoded.

    Attributes:
        vcodec: LeRobot's name of the encoder, one of `encoders.ENCODERS`.
        preset: The encoder's preset; None takes its default.
        crf: Its constant quality, on its own scale; None takes its default.
        gop: Distance of key frames [frames]; 2 as in LeRobot, for fast random access.
        pix_fmt: FFmpeg's pixel format; None takes the encoder's default.
        fast_decode: LeRobot's tuning for cheap decoding, 0 is off.
        extra_options: More options of FFmpeg's encoder; those set here come first.
        depth: How depth is quantised.
        image_threads: Threads per camera that compress pictures where there is no video.
        threads: Threads per encoder; None takes one.
        queue: Pictures per camera that may wait for the encoder; None takes a second of them.
        why: Why it was chosen, for the record; empty if it was asked for.
    """

    vcodec: str = 'h264'
    preset: str | int | None = None
    crf: float | None = None
    gop: int = 2
    pix_fmt: str | None = None
    fast_decode: int = 0
    extra_options: Mapping[str, Any] = field(default_factory=dict)
    depth: DepthScale = field(default_factory=DepthScale)
    image_threads: int = 4
    threads: int | None = None
    queue: int | None = None
    why: str = field(default='', compare=False)

    def __post_init__(self) -> None:
        name = ALIASES.get(self.vcodec, self.vcodec)
        if name not in ENCODERS:
            raise ConfigError(f'video.vcodec: {self.vcodec!r} is not one of {sorted(ENCODERS)}')
        kind = ENCODERS[name]
        self._settle(vcodec=name)
        if isinstance(self.depth, Mapping):
            self._settle(depth=DepthScale(**self.depth))
        if self.preset is None:
            self._settle(preset=kind.preset)
        if self.crf is None:
            self._settle(crf=kind.crf)
        if self.pix_fmt is None or name == JPEG:
            self._settle(pix_fmt=kind.pix_fmts[0])
        scale = f'{kind.best:g} to {kind.worst:g}' if kind.quality else f'known to {name}'
        presets = f'one of {list(kind.presets)}' if kind.presets else f'known to {name}'
        checks = (
            ('preset', kind.takes_preset(self.preset), presets),
            ('crf', kind.takes_quality(self.crf), scale),
            ('gop', self.gop >= 1, 'at least 1'),
            ('pix_fmt', self.pix_fmt in kind.pix_fmts, f'one of {list(kind.pix_fmts)}'),
            ('fast_decode', 0 <= self.fast_decode <= 2, '0 to 2'),
            ('image_threads', self.image_threads >= 1, 'at least 1'),
            (
                'threads',
                self.threads is None or name in encoders.THREADS,
                f'known to {name}; leave out encoder_threads',
            ),
        )
        for key, good, expected in checks:
            if not good:
                raise ConfigError(f'video.{key}: {getattr(self, key)!r} is not {expected}')

    @property
    def kind(self) -> EncoderType:
        """The encoder."""
        return ENCODERS[self.vcodec]

    @property
    def codec(self) -> str:
        """FFmpeg's canonical name of what the videos are."""
        return self.kind.codec

    def pix_fmt_for(self, height: int, width: int) -> str | None:
        """Return the pixel format for pictures of a size [px], None if it cannot take them."""
        assert self.pix_fmt is not None
        if self.pix_fmt.endswith('444p') or not (height % 2 or width % 2):
            return self.pix_fmt
        return self.kind.odd_pix_fmt

    def options(self) -> dict[str, str]:
        """Return the encoder's options as FFmpeg takes them."""
        given = {'g': str(self.gop)}
        if self.kind.quality is not None:
            given[self.kind.quality] = f'{(self.crf or 0) * self.kind.unit:g}'
        if self.preset is not None:
            given['preset'] = str(self.preset)
        if self.vcodec == 'libsvtav1':
            given['svtav1-params'] = f'fast-decode={self.fast_decode}'
        elif self.fast_decode and self.vcodec in ('h264', 'hevc'):
            given['tune'] = 'fastdecode'
        if self.threads is not None:
            option, value = encoders.THREADS[self.vcodec]
            given[option] = ':'.join(
                [*filter(None, [given.get(option)]), f'{value}{self.threads}']
            )
        extra = {key: str(value) for key, value in self.extra_options.items()}
        return encoders.options(self.vcodec, {**extra, **given})

    def info(self) -> dict[str, Any]:
        """Return LeRobot's encoder keys of a feature's info block."""
        return {
            'video.g': self.gop,
            'video.crf': self.crf,
            'video.preset': self.preset,
            'video.fast_decode': self.fast_decode,
            'video.video_backend': 'pyav',
            'video.extra_options': dict(self.extra_options),
        }

    def told(self) -> str:
        """Return it in a few words, for the operator."""
        parts = [self.vcodec]
        parts += [f'preset {self.preset}'] if self.preset is not None else []
        parts += [f'{self.kind.quality} {self.crf:g}'] if self.kind.quality else []
        return ' '.join(parts)

    def _settle(self, **values: Any) -> None:
        for key, value in values.items():
            object.__setattr__(self, key, value)


@dataclass(frozen=True)
class DatasetInfo:
    """What a dataset is to be.

    Attributes:
        fps: Rows per second, a whole number.
        features: LeRobot's feature entries (`dtype`, `shape`, `names`) without the five defaults.
        robot_type: LeRobot's name of the robot.
        video: How pictures are encoded.
        facts: What its numbers mean; kept with each episode, compared on resuming.
        limits: How large its files and folders may become.
    """

    fps: int
    features: Mapping[str, Mapping[str, Any]]
    robot_type: str | None = None
    video: VideoConfig = field(default_factory=VideoConfig)
    facts: RobotFacts = field(default_factory=RobotFacts)
    limits: FileLimits = field(default_factory=FileLimits)

    def __post_init__(self) -> None:
        if isinstance(self.fps, bool) or not isinstance(self.fps, int) or self.fps < 1:
            raise DatasetFormatError(f'fps: {self.fps!r} is not a whole number above 0')
        schema.check_features(self.features)
        for key in schema.video_keys(self.features):
            height, width = schema.size_of(self.features[key])
            depth = schema.is_depth(self.features[key])
            if not depth and self.video.pix_fmt_for(height, width) is None:
                raise DatasetFormatError(
                    f'feature {key!r}: {width}x{height} cannot be encoded by '
                    f'{self.video.vcodec}, which needs even sizes; choose '
                    '--dataset.rgb_encoder.vcodec=h264 or another size of the camera'
                )


def new_document(info: DatasetInfo) -> dict[str, Any]:
    """Return info.json of an empty dataset, its keys in LeRobot's order."""
    features = schema.normalized(info.features)
    for key, feature in info.features.items():
        if schema.is_depth(feature):
            scale = info.video.depth.info() if schema.is_video(feature) else {}
            features[key]['info'] = {**feature['info'], **scale}
    has_video = bool(schema.video_keys(info.features))
    return {
        'codebase_version': layout.CODEBASE_VERSION,
        'fps': info.fps,
        'features': {**features, **{k: dict(f) for k, f in schema.DEFAULT_FEATURES.items()}},
        'total_episodes': 0,
        'total_frames': 0,
        'total_tasks': 0,
        **info.limits.document(),
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
            f'{path}: codebase_version is {version!r}, expected v3.0; lerobot-ros convert '
            'makes a v3.0 dataset of v2.0 and v2.1'
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
