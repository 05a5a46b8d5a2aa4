"""Cameras of a robot of two arms: those of one arm are named after it, as LeRobot names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from lerobot_drivers.common.errors import ConfigError

SIDES = ('left', 'right')
Camera = TypeVar('Camera')


def merged_cameras(
    shared: Mapping[str, Camera], left: Mapping[str, Camera], right: Mapping[str, Camera]
) -> dict[str, Camera]:
    """Return all cameras by the names they have in a dataset, in LeRobot's order.

    Args:
        shared: cameras of the whole, which keep their names.
        left: cameras of the left arm, ``left_`` is put in front.
        right: cameras of the right arm, likewise.

    Raises:
        ConfigError: two get the same name.
    """
    sides = [
        {f'{side}_{name}': camera for name, camera in own.items()}
        for side, own in zip(SIDES, (left, right), strict=True)
    ]
    doubled = sorted({*shared} & {*sides[0], *sides[1]})
    if doubled:
        raise ConfigError(
            f'robot.cameras and the cameras of an arm both come to be {", ".join(doubled)}; '
            'give one of them another name'
        )
    return {**sides[0], **shared, **sides[1]}


def cameras_of(robot: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cameras in a robot's section, of the whole and of its arms.

    Raises:
        ConfigError: two get the same name.
    """
    arms = [_mapping(robot.get(f'{side}_arm_config')) for side in SIDES]
    left, right = (_mapping(arm.get('cameras')) for arm in arms)
    return merged_cameras(_mapping(robot.get('cameras')), left, right)


def without_cameras(robot: Mapping[str, Any]) -> dict[str, Any]:
    """Return a robot's section with no cameras in it, nor in those of its arms."""
    sides = [f'{side}_arm_config' for side in SIDES]
    arms = {key: {**robot[key], 'cameras': {}} for key in sides if _mapping(robot.get(key))}
    return {**robot, **arms, 'cameras': {}}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
