"""The mapping of several robots together: their features side by side, named after their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lerobot_drivers.common.graph import namespace_of
from lerobot_drivers.common.naming import (
    ACTION,
    IMAGES_PREFIX,
    OBSERVATION_STATE,
    image_key,
    position_key,
)
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_recorder.robot_mapping import robot_features


def joined_features(robots: Sequence[RobotConfig]) -> dict[str, dict[str, Any]]:
    """Return the features of robots in one dataset, as a mapping file holds them.

    State and action hold the robots in order. Names get the id in front, as the arms of
    LeRobot's robots with two of them get ``left_`` and ``right_``; a single robot needs none.

    Args:
        robots: each in the namespace of its id.

    Raises:
        CalibrationError: units need a calibration that is not there.
    """
    each = [robot_features(robot, namespace_of({'id': robot.id}, 'follower')) for robot in robots]
    if len(each) == 1:
        return each[0]
    prefixes = [namespace_of({'id': robot.id}, '').strip('/') for robot in robots]
    named = list(zip(prefixes, each, strict=True))
    joined: dict[str, dict[str, Any]] = {
        key: {'sources': [source for p, f in named for source in _named(p, f[key])]}
        for key in (OBSERVATION_STATE, ACTION)
    }
    for prefix, features in named:
        for key, entry in features.items():
            if key.startswith(IMAGES_PREFIX):
                joined[image_key(f'{prefix}_{key.removeprefix(IMAGES_PREFIX)}')] = entry
    return joined


def joined_type(robots: Sequence[RobotConfig]) -> str | None:
    """Return the ``robot_type`` of a dataset of robots, None if there is none."""
    return '+'.join(make_robot(robot).name for robot in robots) or None


def _named(prefix: str, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sources of a robot's feature, their elements with its id in front."""
    return [
        {**source, 'names': [f'{prefix}_{name}' for name in _names(source)]}
        for source in entry.get('sources', [entry])
    ]


def _names(source: dict[str, Any]) -> list[str]:
    return source.get('names') or [position_key(joint) for joint in source['joints']]
