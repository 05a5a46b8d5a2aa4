"""Settings of recording, in LeRobot's words (``DatasetRecordConfig``)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.guess import TopicHints


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """How pictures are encoded (``--dataset.rgb_encoder.*``).

    Attributes:
        vcodec: the codec; h264 so far.
        preset: x264's preset.
        crf: x264's constant rate factor.
        g: distance of key frames [frames].
    """

    __pydantic_config__ = STRICT_KEYS

    vcodec: str = 'h264'
    preset: str = 'ultrafast'
    crf: int = 21
    g: int = 2

    def video(self) -> VideoConfig:
        """Return what the dataset writer takes.

        Raises:
            ConfigError: the encoder cannot be obeyed.
        """
        return VideoConfig(codec=self.vcodec, preset=self.preset, crf=self.crf, gop=self.g)


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
        video: pictures as video; images in Parquet are not built in yet.
        push_to_hub: upload when done; not built in yet.
        rgb_encoder: how pictures are encoded.
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
    push_to_hub: bool = False
    rgb_encoder: EncoderConfig = field(default_factory=EncoderConfig)
    allow_new_calibration: bool = False

    def __post_init__(self) -> None:
        checks = (
            ('single_task', bool(self.single_task.strip()), 'a sentence for the robot'),
            ('fps', self.fps >= 1, 'a whole number above 0'),
            ('episode_time_s', self.episode_time_s > 0, 'above 0'),
            ('reset_time_s', self.reset_time_s >= 0, 'not negative'),
            ('num_episodes', self.num_episodes >= 1, 'at least 1'),
            ('video', self.video, 'true: images in Parquet are not built in yet'),
            ('push_to_hub', not self.push_to_hub, 'false: uploading is not built in yet'),
        )
        for name, good, expected in checks:
            if not good:
                raise ValueError(f'{name} must be {expected}, found {getattr(self, name)!r}')

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
    """

    __pydantic_config__ = STRICT_KEYS

    state: str | None = None
    action: str | None = None
    cameras: dict[str, str] | None = None

    def hints(self) -> TopicHints:
        """Return them as hints for guessing."""
        return TopicHints(self.state, self.action, self.cameras)


@dataclass(frozen=True, kw_only=True)
class RecorderConfig:
    """Settings of the recorder itself (``--recorder.*``).

    Attributes:
        features: a mapping of one's own, see ``lerobot_recorder.mapping``.
        reference: image feature whose pictures lead.
        mode: ``aligned`` or ``as_seen``.
        watermark_ms: how much longer than a stream's known latency to wait for it [ms].
        max_gap_s: a sensor silent for longer ends the take [s].
        prepare_timeout_s: how long to wait for the first message of every topic [s].
    """

    __pydantic_config__ = STRICT_KEYS

    features: dict[str, Any] | None = None
    reference: str | None = None
    mode: str = 'aligned'
    watermark_ms: float = 100.0
    max_gap_s: float = 1.0
    prepare_timeout_s: float = 20.0

    def mapping_keys(self) -> dict[str, Any]:
        """Return the keys that belong to the mapping."""
        names = ('reference', 'mode', 'watermark_ms', 'max_gap_s')
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
