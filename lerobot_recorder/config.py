"""Settings of recording, in LeRobot's words (``DatasetRecordConfig``)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.processors.augmentation import AugmentationConfig
from lerobot_recorder.dataset import info as dataset_info
from lerobot_recorder.dataset.depth_codes import DepthScale
from lerobot_recorder.dataset.encoders import ALIASES, ENCODERS
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig
from lerobot_recorder.dataset.layout import INFO
from lerobot_recorder.dataset.limits import FileLimits
from lerobot_recorder.dataset.schema import Features, is_picture
from lerobot_recorder.encoder_choice import AUTO, Need, resolve
from lerobot_recorder.guess import TopicHints
from lerobot_recorder.hub.job import PUSH_CHOICES
from lerobot_recorder.lerobot_flags import LeRobotFlags
from lerobot_recorder.operator_config import JoyConfig
from lerobot_recorder.presets import Spec

MAX_PREROLL_S = 60.0


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """How pictures are encoded (``--dataset.rgb_encoder.*``).

    Attributes:
        vcodec: LeRobot's name of the encoder, ``auto`` for hardware that works, ``mjpeg`` to
            keep JPEGs as they come; None takes what suits cores and cameras.
        pix_fmt: FFmpeg's pixel format; None takes the encoder's own.
        g: distance of key frames [frames].
        crf: quality on the encoder's own scale; None takes about 40 dB.
        preset: the encoder's preset; None takes its default.
        fast_decode: LeRobot's tuning for cheap decoding.
        video_backend: ``pyav``, the only one there is.
        extra_options: more options of FFmpeg's encoder.
    """

    __pydantic_config__ = STRICT_KEYS

    vcodec: str | None = None
    pix_fmt: str | None = None
    g: int = 2
    crf: int | float | None = None
    preset: int | str | None = None
    fast_decode: int = 0
    video_backend: str = 'pyav'
    extra_options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {*ENCODERS, *ALIASES, AUTO, None}
        if self.vcodec not in known:
            names = ', '.join([AUTO, *ENCODERS])
            raise ValueError(f'vcodec must be one of {names}, found {self.vcodec!r}')
        if self.video_backend != 'pyav':
            raise ValueError(f"video_backend must be 'pyav', found {self.video_backend!r}")

    def settings(self) -> dict[str, Any]:
        """Return what was asked for besides the encoder, as `VideoConfig` takes it."""
        asked = {'pix_fmt': self.pix_fmt, 'crf': self.crf, 'preset': self.preset}
        always = {'gop': self.g, 'fast_decode': self.fast_decode}
        given = {key: value for key, value in asked.items() if value is not None}
        return {**given, **always, 'extra_options': self.extra_options}


@dataclass(frozen=True, kw_only=True)
class DepthEncoderConfig:
    """How depth is encoded (``--dataset.depth_encoder.*``): 12-bit HEVC without loss.

    Attributes:
        vcodec: ``hevc``, the only one there is.
        pix_fmt: ``gray12le``, the only one there is.
        depth_min: what is nearer is cut off [m].
        depth_max: what is farther is cut off [m].
        shift: added before the logarithm [m].
        use_log: finer where it is near.
    """

    __pydantic_config__ = STRICT_KEYS

    vcodec: str = 'hevc'
    pix_fmt: str = 'gray12le'
    depth_min: float = 0.01
    depth_max: float = 10.0
    shift: float = 3.5
    use_log: bool = True

    def __post_init__(self) -> None:
        if (self.vcodec, self.pix_fmt) != ('hevc', 'gray12le'):
            found = f'{self.vcodec} and {self.pix_fmt}'
            raise ValueError(f'vcodec and pix_fmt must be hevc and gray12le, found {found}')

    def scale(self) -> DepthScale:
        """Return it as the dataset writer takes it.

        Raises:
            ConfigError: the limits are not in order.
        """
        return DepthScale(self.depth_min, self.depth_max, self.shift, self.use_log)


@dataclass(frozen=True, kw_only=True)
class DatasetConfig(LeRobotFlags):
    """Where a dataset goes and how its episodes run (``--dataset.*``).

    Attributes:
        repo_id: name of the dataset, ``user/name``.
        single_task: what the robot is told to do.
        root: its folder; None means ``$HF_LEROBOT_HOME/<repo_id>``.
        fps: rows per second.
        episode_time_s: length of an episode [s].
        reset_time_s: time to reset the scene between two episodes [s].
        warmup_time_s: time before the first episode [s].
        num_episodes: how many episodes to record.
        video: pictures as video, else as images in Parquet.
        push_to_hub: upload after the session, or each episode ``while_recording``.
        private: whether what is uploaded is private; None leaves that to the Hub's settings.
        tags: words for the dataset card, besides ``LeRobot``.
        vcodec: the same as rgb_encoder.vcodec.
        rgb_encoder: how pictures are encoded.
        depth_encoder: how depth is encoded.
        num_image_writer_processes: where video is false: as with LeRobot's processes, so many
            times the threads compress a camera's images; threads suffice, they run in parallel.
        num_image_writer_threads_per_camera: where video is false: threads that compress the
            images of a camera, as PNG.
        chunks_size: files in a folder of the dataset; None is 1000, or what it has.
        data_files_size_in_mb: up to which ``compact`` joins data; None is 100, or what it has.
        video_files_size_in_mb: the same for videos; None is 200, or what it has.
        allow_new_calibration: add to a dataset that was recorded with another calibration.
        allow_new_processors: add to a dataset that was recorded with other processor steps.
        augmentation: how pictures are changed at random.
    """

    __pydantic_config__ = STRICT_KEYS

    repo_id: str
    single_task: str
    root: Path | None = None
    fps: int = 30
    episode_time_s: float = 60.0
    reset_time_s: float = 60.0
    warmup_time_s: float = 0.0
    num_episodes: int = 50
    video: bool = True
    push_to_hub: bool | str = False
    private: bool | None = None
    tags: list[str] | None = None
    vcodec: str | None = None
    rgb_encoder: EncoderConfig = field(default_factory=EncoderConfig)
    depth_encoder: DepthEncoderConfig = field(default_factory=DepthEncoderConfig)
    num_image_writer_processes: int = 0
    num_image_writer_threads_per_camera: int = 4
    chunks_size: int | None = None
    data_files_size_in_mb: int | None = None
    video_files_size_in_mb: int | None = None
    allow_new_calibration: bool = False
    allow_new_processors: bool = False
    augmentation: AugmentationConfig | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        checks = (
            ('single_task', bool(self.single_task.strip()), 'a sentence for the robot'),
            ('fps', self.fps >= 1, 'a whole number above 0'),
            ('episode_time_s', self.episode_time_s > 0, 'above 0'),
            ('reset_time_s', self.reset_time_s >= 0, 'not negative'),
            ('warmup_time_s', self.warmup_time_s >= 0, 'not negative'),
            ('num_episodes', self.num_episodes >= 1, 'at least 1'),
            ('num_image_writer_processes', self.num_image_writer_processes >= 0, 'not negative'),
            (
                'num_image_writer_threads_per_camera',
                self.num_image_writer_threads_per_camera >= 1,
                'at least 1',
            ),
            ('push_to_hub', self.push_to_hub in PUSH_CHOICES, 'true, false or while_recording'),
        )
        for name, good, expected in checks:
            if not good:
                raise ValueError(f'{name} must be {expected}, found {getattr(self, name)!r}')
        named = self.rgb_encoder.vcodec
        if None not in (named, self.vcodec) and named != self.vcodec:
            raise ValueError(f'vcodec is {self.vcodec!r}, but rgb_encoder.vcodec {named!r}')
        EncoderConfig(vcodec=self.vcodec)
        self.limits()

    def limits(self) -> FileLimits:
        """Return how large files and folders of the dataset may become."""
        sizes = self.data_files_size_in_mb, self.video_files_size_in_mb
        return FileLimits(self.chunks_size, *sizes)

    def info(
        self, features: Features, robot_type: str | None, resume: bool = False
    ) -> DatasetInfo:
        """Return what the dataset is to be; its encoder has been tried.

        Args:
            features: what it holds, pictures as video.
            robot_type: LeRobot's name of the robot.
            resume: whether the dataset is there already, and its codec is kept.

        Raises:
            ConfigError: the encoder does not work, or its settings are wrong.
            DatasetFormatError: a feature cannot be written.
        """
        kind = 'video' if self.video else 'image'
        stored = {
            k: {**f, 'dtype': kind} if is_picture(f) else dict(f) for k, f in features.items()
        }
        encoding = self._encoding(stored, resume)
        return DatasetInfo(self.fps, stored, robot_type, encoding, limits=self.limits())

    def _encoding(self, features: Features, resume: bool) -> VideoConfig:
        need = Need.of(features, self.fps)
        shared: dict[str, Any] = {
            'depth': self.depth_encoder.scale(),
            'image_threads': self._image_threads,
            'threads': self.encoder_threads,
            'queue': self.encoder_queue_maxsize,
        }
        if not need.sizes:
            return VideoConfig(**shared)
        vcodec = self.rgb_encoder.vcodec or self.vcodec
        known = resume and (self.folder / INFO).exists()
        document = dataset_info.read(self.folder) if known else None
        return resolve(vcodec, {**self.rgb_encoder.settings(), **shared}, need, document)

    @property
    def _image_threads(self) -> int:
        return self.num_image_writer_threads_per_camera * max(1, self.num_image_writer_processes)

    @property
    def folder(self) -> Path:
        """The dataset's folder."""
        return self.root.expanduser() if self.root else dataset_folder(self.repo_id)

    @property
    def episode_frames(self) -> int:
        """Rows in a full episode."""
        return max(1, round(self.episode_time_s * self.fps))


@dataclass(frozen=True, kw_only=True)
class TopicsConfig:
    """Which topics to record where they cannot be told by name (``--topics.*``).

    Attributes:
        state: topic of ``observation.state``.
        action: topic of ``action``, or ``none``.
        cameras: camera name -> image topic; None takes all.
        sent: topic of the commands really sent, after all limits, kept beside the dataset.
    """

    __pydantic_config__ = STRICT_KEYS

    state: str | None = None
    action: str | None = None
    cameras: dict[str, str] | None = None
    sent: str | None = None

    def hints(self) -> TopicHints:
        """Return them as hints for guessing."""
        return TopicHints(self.state, self.action, self.cameras)


@dataclass(frozen=True, kw_only=True)
class RecorderConfig:
    """Settings of the recorder itself (``--recorder.*``).

    Attributes:
        features: a mapping of one's own, see ``lerobot_recorder.mapping``.
        preset: a known robot or driver, see ``lerobot_recorder.presets``; what it does not name
            is found in the graph.
        robot_type: LeRobot's name of a robot that is not ours.
        native: table name -> topic to keep at its native rate beside the dataset.
        stamps: the true stamp of every stream as a column of the dataset, ``sync.*_ns``.
        reference: image feature whose pictures lead.
        mode: ``aligned`` or ``as_seen``.
        watermark_ms: how much longer than a stream's known latency to wait for it [ms].
        max_gap_s: a sensor silent for longer ends the take [s].
        prepare_timeout_s: how long to wait for the first message of every topic [s].
        allow_low_rate: record even if no camera is as fast as the dataset's fps says.
        manual_start: every episode begins only when somebody says start.
        preroll_s: how much of what came before its start an episode begins with [s].
        joy: buttons of a joystick that say the operator's words.
        global_keys: hear the keys whatever window is in front (X11).
        memory_limit_mb: what the recorder may hold; None for three quarters of what is free at
            its start, 0 for no guard of memory at all [MB].
        min_free_disk_mb: what has to stay free on the disk; 0 for no guard of it [MB].
        preflight: look at streams, disk and encoder before the first episode.
    """

    __pydantic_config__ = STRICT_KEYS

    features: dict[str, Any] | None = None
    preset: Spec = None
    robot_type: str | None = None
    native: dict[str, Any] = field(default_factory=dict)
    stamps: bool = False
    reference: str | None = None
    mode: str = 'aligned'
    watermark_ms: float = 100.0
    max_gap_s: float = 1.0
    prepare_timeout_s: float = 20.0
    allow_low_rate: bool = False
    manual_start: bool = False
    preroll_s: float = 0.0
    joy: JoyConfig | None = None
    global_keys: bool = False
    memory_limit_mb: int | None = None
    min_free_disk_mb: int = 1000
    preflight: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.preroll_s <= MAX_PREROLL_S:
            raise ValueError(
                f'preroll_s must be 0 to {MAX_PREROLL_S:.0f} s (it is kept in memory), '
                f'found {self.preroll_s}'
            )
        for name in ('memory_limit_mb', 'min_free_disk_mb'):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f'{name} must not be negative, found {getattr(self, name)}')

    def mapping_keys(self) -> dict[str, Any]:
        """Return the keys that belong to the mapping."""
        names = ('native', 'stamps', 'reference', 'mode', 'watermark_ms', 'max_gap_s')
        return {name: getattr(self, name) for name in names}


def dataset_folder(repo_id: str) -> Path:
    """Return where LeRobot keeps a dataset.

    Raises:
        ConfigError: the repo_id is empty or would leave that place.
    """
    if not repo_id or repo_id.startswith('/') or '..' in Path(repo_id).parts:
        raise ConfigError(f'dataset.repo_id must look like user/name, found {repo_id!r}')
    cache = Path(os.environ.get('HF_HOME', '~/.cache/huggingface'))
    home = os.environ.get('HF_LEROBOT_HOME', str(cache / 'lerobot'))
    return Path(home).expanduser() / repo_id
