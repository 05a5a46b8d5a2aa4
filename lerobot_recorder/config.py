"""Settings of recording, in LeRobot's words (``DatasetRecordConfig``)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.dataset import info as dataset_info
from lerobot_recorder.dataset.depth_codes import DepthScale
from lerobot_recorder.dataset.encoders import ALIASES, ENCODERS
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig
from lerobot_recorder.dataset.layout import INFO
from lerobot_recorder.dataset.schema import Features, is_picture
from lerobot_recorder.encoder_choice import AUTO, Need, resolve
from lerobot_recorder.guess import TopicHints
from lerobot_recorder.hub.job import PUSH_CHOICES


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
        vcodec, pix_fmt: ``hevc`` and ``gray12le``, the only ones there are.
        depth_min, depth_max: what is nearer or farther is cut off [m].
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
class DatasetConfig:
    """Where a dataset goes and how its episodes run (``--dataset.*``).

    Attributes:
        repo_id: name of the dataset, ``user/name``.
        single_task: what the robot is told to do.
        root: its folder; None means ``$HF_LEROBOT_HOME/<repo_id>``.
        fps: rows per second.
        episode_time_s: length of an episode [s].
        reset_time_s: time to reset the scene between two episodes [s].
        num_episodes: how many episodes to record.
        video: pictures as video, else as images in Parquet.
        push_to_hub: upload after the session, or each episode ``while_recording``.
        private: whether what is uploaded is private; None leaves that to the Hub's settings.
        tags: words for the dataset card, besides ``LeRobot``.
        vcodec: the same as rgb_encoder.vcodec.
        rgb_encoder: how pictures are encoded.
        depth_encoder: how depth is encoded.
        num_image_writer_processes: for LeRobot's flag; threads do it here, as many more.
        num_image_writer_threads_per_camera: threads that compress images where there is no video.
        allow_new_calibration: add to a dataset that was recorded with another calibration.
    """

    __pydantic_config__ = STRICT_KEYS

    repo_id: str
    single_task: str
    root: Path | None = None
    fps: int = 30
    episode_time_s: float = 60.0
    reset_time_s: float = 60.0
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
    allow_new_calibration: bool = False

    def __post_init__(self) -> None:
        checks = (
            ('single_task', bool(self.single_task.strip()), 'a sentence for the robot'),
            ('fps', self.fps >= 1, 'a whole number above 0'),
            ('episode_time_s', self.episode_time_s > 0, 'above 0'),
            ('reset_time_s', self.reset_time_s >= 0, 'not negative'),
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
        return DatasetInfo(self.fps, stored, robot_type, self._encoding(stored, resume))

    def _encoding(self, features: Features, resume: bool) -> VideoConfig:
        need = Need.of(features, self.fps)
        shared: dict[str, Any] = {
            'depth': self.depth_encoder.scale(),
            'image_threads': self._image_threads,
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
        native: table name -> topic to keep at its native rate beside the dataset.
        stamps: the true stamp of every stream as a column of the dataset, ``sync.*_ns``.
        reference: image feature whose pictures lead.
        mode: ``aligned`` or ``as_seen``.
        watermark_ms: how much longer than a stream's known latency to wait for it [ms].
        max_gap_s: a sensor silent for longer ends the take [s].
        prepare_timeout_s: how long to wait for the first message of every topic [s].
        allow_low_rate: record even if no camera is as fast as the dataset's fps says.
    """

    __pydantic_config__ = STRICT_KEYS

    features: dict[str, Any] | None = None
    native: dict[str, Any] = field(default_factory=dict)
    stamps: bool = False
    reference: str | None = None
    mode: str = 'aligned'
    watermark_ms: float = 100.0
    max_gap_s: float = 1.0
    prepare_timeout_s: float = 20.0
    allow_low_rate: bool = False

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
