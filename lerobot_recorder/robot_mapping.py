"""The mapping of a robot of ours: its topics, units and names follow from its configuration."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Collection, Mapping
from typing import Any

from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.common.naming import (
    ACTION,
    CMD_VEL_SENT,
    JOINT_COMMANDS,
    JOINT_STATES,
    OBSERVATION_STATE,
    ODOM,
    image_key,
    image_topic,
)
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.robots import ROBOTS, make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_recorder.guess import namespace_of

_ONE_ARM: dict[str, Any] = {'port': 'sim://any/arm'}
_TWO_ARMS: dict[str, Any] = {
    'left_arm_port': 'sim://any/left',
    'right_arm_port': 'sim://any/right',
}
"""Simulated ones need no calibration to tell their joints."""


def robot_features(config: RobotConfig, namespace: str) -> dict[str, dict[str, Any]]:
    """Return the features of a robot in a namespace, as a mapping file holds them.

    Args:
        config: the robot.
        namespace: absolute namespace of its nodes, such as ``/follower``.

    Raises:
        CalibrationError: its units need a calibration that is not there.
    """
    prefix = namespace.rstrip('/')
    robot = make_robot(config)
    axes = robot.base.axes if robot.base is not None else ()
    features: dict[str, dict[str, Any]] = {
        key: _feature(
            {
                f'{prefix}/{topic}': elements
                for topic, elements in ((joints, robot.joints), (base, axes))
                if elements
            }
        )
        for key, joints, base in (
            (OBSERVATION_STATE, JOINT_STATES, ODOM),
            (ACTION, JOINT_COMMANDS, CMD_VEL_SENT),
        )
    }
    for camera in config.cameras:
        features[image_key(camera)] = {'topic': f'{prefix}/{image_topic(camera)}'}
    return features


def _feature(topics: Mapping[str, tuple[JointSpec, ...]]) -> dict[str, Any]:
    """Return a feature made of these elements, by topic."""
    sources = [{'topic': topic, **_numbers(elements)} for topic, elements in topics.items()]
    return sources[0] if len(sources) == 1 else {'sources': sources}


def _numbers(elements: tuple[JointSpec, ...]) -> dict[str, Any]:
    numbers = {'joints': [element.name for element in elements], 'units': units(elements)}
    keys = [element.key for element in elements]
    return {**numbers, 'names': keys} if any(keys) else numbers


def with_units(
    features: Mapping[str, Mapping[str, Any]], config: RobotConfig
) -> dict[str, dict[str, Any]]:
    """Return guessed features with the joints, order and units of a robot we know."""
    numbers = _numbers(make_robot(config).joints)
    numeric = (OBSERVATION_STATE, ACTION)
    return {
        key: {**entry, **(numbers if key in numeric else {})} for key, entry in features.items()
    }


def with_base(
    features: Mapping[str, Mapping[str, Any]], config: RobotConfig, topics: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the features of a known robot's joints with its mobile base behind them.

    Args:
        features: as ``with_units`` returns them.
        config: the robot.
        topics: those there are; a base is taken where it has its topics beside the joints'.
    """
    base = make_robot(config).base
    found = {key: dict(entry) for key, entry in features.items()}
    for key, name in ((OBSERVATION_STATE, ODOM), (ACTION, CMD_VEL_SENT)):
        beside = f'{namespace_of(str(found.get(key, {}).get("topic", "")))}/{name}'
        if base is not None and beside in topics:
            found[key] = {'sources': [found[key], {'topic': beside, **_numbers(base.axes)}]}
    return found


def robots_with(joints: Collection[str]) -> list[str]:
    """Return the types of robots of ours that have just these joints."""
    found = []
    for name, ports in itertools.product(ROBOTS.names(), (_ONE_ARM, _TWO_ARMS)):
        with contextlib.suppress(LerobotRosError):  # it needs other settings
            robot = make_robot(RobotConfig(type=name, **ports))
            if {joint.name for joint in robot.joints} == set(joints):
                found.append(name)
    return found


def units(joints: tuple[JointSpec, ...]) -> dict[str, dict[str, Any]]:
    """Return joint -> unit as a mapping file holds it."""
    return {
        joint.name: {
            'mode': joint.unit.mode.value,
            'lower': joint.unit.lower,
            'upper': joint.unit.upper,
        }
        for joint in joints
    }
