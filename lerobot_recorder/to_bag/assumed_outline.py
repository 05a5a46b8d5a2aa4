"""Topics for what nobody recorded the topics of: datasets of LeRobot's own and of other tools.

``observation.state`` becomes JointStates on ``/joint_states``, ``action`` on
``/joint_commands``, a camera images on ``/<camera>/image_raw``, other numbers arrays on
``/<feature>``, dots as slashes. Stamps lie on the grid of the rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.naming import (
    ACTION,
    IMAGE_RAW,
    JOINT_COMMANDS,
    JOINT_STATES,
    OBSERVATION_STATE,
    optical_frame,
)
from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_recorder.dataset import schema
from lerobot_recorder.joint_states import JOINT_STATE
from lerobot_recorder.mapping import (
    FeatureConfig,
    SourceConfig,
    UnitConfig,
    default_take,
)
from lerobot_recorder.numeric_fields import SUFFIXES
from lerobot_recorder.streams import Take
from lerobot_recorder.to_bag.outline import CameraPart, NumberPart, TextPart, Times

JOINT_TOPICS = {OBSERVATION_STATE: f'/{JOINT_STATES}', ACTION: f'/{JOINT_COMMANDS}'}
SUFFIX = SUFFIXES['position']
GAP_NS = 2 * NS_PER_S
"""Between the episodes of a dataset that does not tell when they were [ns]."""
_TOPIC = re.compile(r'[^A-Za-z0-9_/]')


@dataclass(frozen=True)
class Assumptions:
    """What a user may say of a dataset that does not tell it.

    Attributes:
        start_ns: when its first episode began [ns].
        degrees: values of joints are degrees, else they are taken for rad (or m).
    """

    start_ns: int = 1_600_000_000 * NS_PER_S
    degrees: bool = False


def grid(first_ns: int, rows: int, fps: int) -> Times:
    """Return the times of rows that lie exactly on their grid."""
    numbers = np.arange(rows, dtype=np.int64)
    ticks = first_ns + (numbers * NS_PER_S + fps // 2) // fps
    return Times(ticks, ticks)


def assumed_number(key: str, feature: schema.Feature, degrees: bool) -> NumberPart:
    """Return the topic of a feature of numbers."""
    names = names_of(feature)
    if key in JOINT_TOPICS:
        elements = joints_of(names)
        mode = NormMode.DEGREES if degrees else NormMode.RADIANS
        units = tuple(JointUnit(mode) for _ in elements)
        topic, msgtype = JOINT_TOPICS[key], JOINT_STATE
    else:
        elements, units = tuple(names), tuple(JointUnit() for _ in names)
        topic, msgtype = topic_of(key), _array_type(feature)
    take = default_take(key) if key in JOINT_TOPICS else Take.HOLD
    return NumberPart(key, key, topic, msgtype, elements, take, units=units)


def assumed_camera(key: str) -> CameraPart:
    """Return the topic of a camera."""
    camera = _TOPIC.sub('_', key.removeprefix('observation.').removeprefix('images.'))
    return CameraPart(key, f'/{camera}/{IMAGE_RAW}', optical_frame(camera))


def assumed_text(key: str) -> TextPart:
    """Return the topic of a feature of words."""
    return TextPart(key, topic_of(key))


def config_of(part: NumberPart | CameraPart, feature: schema.Feature) -> FeatureConfig:
    """Return the mapping's entry by which a feature is made of its topic again."""
    if isinstance(part, CameraPart):
        return FeatureConfig(sources=[SourceConfig(topic=part.topic)])
    is_array = part.msgtype != JOINT_STATE
    elements = [str(n) for n in range(len(part.elements))] if is_array else list(part.elements)
    units = {
        joint: UnitConfig(mode=unit.mode)
        for joint, unit in zip(elements, part.units, strict=True)
        if unit.mode is not NormMode.RADIANS
    }
    source = SourceConfig(
        topic=part.topic, joints=elements, names=names_of(feature), units=units, take=part.take
    )
    return FeatureConfig(sources=[source])


def names_of(feature: schema.Feature) -> list[str]:
    """Return the names of a feature's elements, however its writer laid them out."""
    count = int(np.prod(schema.shape_of(feature)))
    names = list(_flat(feature.get('names')))
    is_good = len(names) == count and len(set(names)) == count
    return names if is_good else [str(number) for number in range(count)]


def joints_of(names: list[str]) -> tuple[str, ...]:
    """Return what joints are called on a topic."""
    short = [name.removesuffix(SUFFIX) for name in names]
    has_all = all(name.endswith(SUFFIX) for name in names) and len(set(short)) == len(names)
    return tuple(short if has_all else names)


def topic_of(key: str) -> str:
    """Return the topic of a feature that has none of its own."""
    parts = [part for part in _TOPIC.sub('_', key.replace('.', '/')).split('/') if part]
    return '/' + '/'.join(part if not part[0].isdigit() else f'_{part}' for part in parts)


def _flat(names: Any) -> list[str]:
    if isinstance(names, Mapping):
        names = list(names.values())
    if isinstance(names, list | tuple):
        return [name for inner in names for name in _flat(inner)]
    return [] if names is None else [str(names)]


def _array_type(feature: schema.Feature) -> str:
    is_wide = feature['dtype'] in ('float64', 'int64', 'uint64', 'int32', 'uint32')
    return f'std_msgs/msg/Float{64 if is_wide else 32}MultiArray'
