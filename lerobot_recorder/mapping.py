"""Which topic becomes which feature: the same mapping for live recording and for bags.

::

    fps: 30
    robot_type: so_follower
    features:
      observation.state:
        topic: /follower/joint_states
        joints: [shoulder_pan, shoulder_lift]
        units: {shoulder_pan: {mode: degrees}}
      action: {topic: /follower/joint_commands}
      observation.images.front: {topic: /follower/front/image_raw}

A feature made of several topics lists them under ``sources``. A topic faster than the rows
gives each row a window of samples, or goes at its native rate into a table beside the dataset::

    features:
      observation.wrench: {topic: /ft/wrench, window: {rate_hz: 1000}}
    native:
      wrench: {topic: /ft/wrench}
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lerobot_drivers.common.config import STRICT_KEYS, build, read_yaml
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.naming import (
    ACTION,
    CMD_VEL,
    CMD_VEL_SENT,
    DEFAULT_FEATURES,
    IMAGES_PREFIX,
    JOINT_COMMANDS,
    JOINT_COMMANDS_SENT,
    OBSERVATION_IMAGE,
    OBSERVATION_STATE,
)
from lerobot_recorder.messages import StampClock
from lerobot_recorder.source_config import (
    POSITION,
    SourceConfig,
    TransformConfig,
    UnitConfig,
    WindowConfig,
)
from lerobot_recorder.streams import Take
from lerobot_recorder.synchronizer import SyncMode

__all__ = [
    'POSITION',
    'FeatureConfig',
    'MappingConfig',
    'NativeConfig',
    'SourceConfig',
    'TransformConfig',
    'UnitConfig',
    'WindowConfig',
]

TAKEN_TABLES = (
    'frames', 'picture_histograms', JOINT_COMMANDS, JOINT_COMMANDS_SENT, CMD_VEL, CMD_VEL_SENT
)  # fmt: skip
"""Tables of an episode that are kept anyway."""
_TABLE = re.compile(r'[A-Za-z0-9_-]+')


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """The topics a feature is made of, its elements in their order."""

    __pydantic_config__ = STRICT_KEYS

    sources: list[SourceConfig]

    def __post_init__(self) -> None:
        if len({source.window for source in self.sources}) > 1:
            raise ValueError('the sources of one feature need the same window, or none of them')

    @property
    def is_window(self) -> bool:
        """Whether its rows are windows."""
        return bool(self.sources) and self.sources[0].window is not None


@dataclasses.dataclass(frozen=True, kw_only=True)
class NativeConfig:
    """A topic that is kept message by message, at its native rate, beside the dataset.

    Attributes:
        topic: absolute topic name.
        clock: which clock stamps it.
    """

    __pydantic_config__ = STRICT_KEYS

    topic: str
    clock: StampClock = StampClock.AUTO


@dataclasses.dataclass(frozen=True, kw_only=True)
class MappingConfig:
    """A whole dataset row, feature by feature.

    Attributes:
        features: feature key -> where it comes from.
        native: table name -> topic that is kept at its native rate beside the dataset.
        stamps: the true stamp of every stream is a column of the dataset, ``sync.*_ns``.
        fps: rows per second.
        robot_type: LeRobot's name of the robot.
        reference: image feature whose pictures lead; None takes the first.
        mode: aligned on acquisition time, or as a policy would have seen it.
        watermark_ms: how much longer than a stream's known latency to wait for it [ms].
        max_gap_s: a sensor silent for longer ends the take [s].
    """

    __pydantic_config__ = STRICT_KEYS

    features: dict[str, FeatureConfig]
    native: dict[str, NativeConfig] = dataclasses.field(default_factory=dict)
    stamps: bool = False
    fps: int = 30
    robot_type: str | None = None
    reference: str | None = None
    mode: SyncMode = SyncMode.ALIGNED
    watermark_ms: float = 100.0
    max_gap_s: float = 1.0

    def __post_init__(self) -> None:
        if not self.features:
            raise ValueError('a mapping needs at least one feature')
        self._check_names()
        if self.fps < 1:
            raise ValueError(f'fps must be a whole number above 0, found {self.fps}')
        if not 0 < self.max_gap_s < math.inf:
            raise ValueError(f'max_gap_s must be a time above 0 s, found {self.max_gap_s}')
        if not 0 <= self.watermark_ms < math.inf:
            raise ValueError(f'watermark_ms must not be negative, found {self.watermark_ms}')
        images = [key for key in self.features if is_image_feature(key)]
        if self.reference is not None and self.reference not in images:
            known = ', '.join(images) or 'none'
            raise ValueError(
                f'reference {self.reference!r} is not one of the image features: {known}'
            )

    def _check_names(self) -> None:
        for key, feature in self.features.items():
            if '/' in key or key in DEFAULT_FEATURES:
                raise ValueError(f'{key!r} cannot be the name of a feature')
            if feature.is_window and (is_single(key) or is_image_feature(key)):
                raise ValueError(
                    f'{key} cannot be a window; name it observation.NAME, '
                    'such as observation.wrench'
                )
            self._check_text(key, feature)
        for name in self.native:
            if not _TABLE.fullmatch(name) or name in TAKEN_TABLES:
                raise ValueError(
                    f'native: {name!r} cannot be the name of a table: letters, digits, "-" and '
                    f'"_", but not {", ".join(TAKEN_TABLES)}'
                )

    def _check_text(self, key: str, feature: FeatureConfig) -> None:
        if not any(source.dtype for source in feature.sources):
            return
        if len(feature.sources) > 1:
            raise ValueError(f'{key} is a text, which has one topic')
        if key.startswith('observation') or is_action(key):
            raise ValueError(
                f'{key} is a text, of which LeRobot would make an input of numbers: name it '
                'otherwise, such as subtask, or give the number of each text with labels: [...]'
            )

    def topics(self) -> list[str]:
        """Return every topic of the mapping once, in order."""
        return list(dict.fromkeys(s.topic for f in self.features.values() for s in f.sources))

    def high_rate_topics(self) -> list[str]:
        """Return the topics that are faster than the rows, each once."""
        windowed = [
            source.topic
            for feature in self.features.values()
            if feature.is_window
            for source in feature.sources
        ]
        return list(dict.fromkeys([*windowed, *self.native_topics()]))

    def native_topics(self) -> list[str]:
        """Return the topics that are kept at their native rate, each once."""
        return list(dict.fromkeys(source.topic for source in self.native.values()))


def is_image_feature(key: str) -> bool:
    """Return whether a feature holds pictures; simulations of LeRobot's have but one camera."""
    return key.startswith(IMAGES_PREFIX) or key == OBSERVATION_IMAGE


def is_single(key: str) -> bool:
    """Return whether LeRobot takes a feature for one vector per row."""
    return key == OBSERVATION_STATE or is_action(key)


def default_take(key: str) -> Take:
    """Return how a feature is taken unless its source says so itself."""
    if is_image_feature(key):
        return Take.NEAREST
    return Take.NEXT if is_action(key) else Take.INTERPOLATE


def is_action(key: str) -> bool:
    """Return whether a feature holds commands."""
    return key == ACTION or key.startswith(f'{ACTION}.')


def load_mapping(path: Path, overrides: Mapping[str, Any] | None = None) -> MappingConfig:
    """Read a mapping file.

    Raises:
        ConfigError: it cannot be read, or a key of it is missing, unknown or wrong.
    """
    return build_mapping({**read_yaml(path), **(overrides or {})}, str(path))


def build_mapping(section: Mapping[str, Any], where: str) -> MappingConfig:
    """Validate a mapping as YAML gives it; a feature of one topic needs no ``sources``.

    Raises:
        ConfigError: a key is missing, unknown or wrong.
    """
    features = section.get('features')
    if not isinstance(features, Mapping):
        raise ConfigError(f'{where}.features must be a mapping of features, found {features!r}')
    undecided = [str(key) for key, value in features.items() if value is None]
    if undecided:
        raise ConfigError(
            f'{where}.features.{undecided[0]} is not decided yet: name its topic, such as one of '
            'those that --init wrote below it'
        )
    spelled_out = {
        key: {'sources': [value]} if isinstance(value, Mapping) and 'topic' in value else value
        for key, value in features.items()
    }
    return build(MappingConfig, {**section, 'features': spelled_out}, where)


def unique(names: Iterable[str], what: str) -> list[str]:
    """Return the names as a list.

    Raises:
        ConfigError: one occurs twice.
    """
    listed = list(names)
    doubled = sorted({name for name in listed if listed.count(name) > 1})
    if doubled:
        raise ConfigError(
            f'{what}: {", ".join(doubled)} occur twice; give them names of their own'
        )
    return listed
