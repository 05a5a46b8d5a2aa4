"""Robots by type name, and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lerobot_drivers.common.arm_cameras import SIDES
from lerobot_drivers.common.config import build, read_yaml
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.registry import Registry
from lerobot_drivers.robots.base_config import BaseConfig
from lerobot_drivers.robots.config import CameraConfig, RobotConfig, check_own_keys
from lerobot_drivers.robots.robot import JointReading, Robot

__all__ = [
    'ROBOTS',
    'CameraConfig',
    'JointReading',
    'Robot',
    'RobotConfig',
    'make_robot',
    'make_robot_from_config',
    'robot_config',
    'without_ports',
]

NO_PORT = 'none'

ROBOTS = Registry(
    'robot',
    {
        'so100_follower': 'lerobot_drivers.robots.so_follower:SOFollower',
        'so101_follower': 'lerobot_drivers.robots.so_follower:SOFollower',
        'bi_so_follower': 'lerobot_drivers.robots.bi_so_follower:BiSOFollower',
        'bi_so100_follower': 'lerobot_drivers.robots.bi_so_follower:BiSOFollower',
        'viperx': 'lerobot_drivers.robots.viperx:ViperX',
        'aloha': 'lerobot_drivers.robots.viperx:Aloha',
        'bi_viperx': 'lerobot_drivers.robots.viperx:Aloha',
        'hope_jr_arm': 'lerobot_drivers.robots.hope_jr_arm:HopeJrArm',
        'hope_jr_hand': 'lerobot_drivers.robots.hope_jr_hand:HopeJrHand',
        'lekiwi_client': 'lerobot_drivers.robots.lekiwi_client:LeKiwiClient',
        'lekiwi': 'lerobot_drivers.robots.lekiwi:LeKiwi',
        'koch_follower': 'lerobot_drivers.robots.koch_follower:KochFollower',
        'reachy2': 'lerobot_drivers.robots.reachy2:Reachy2',
    },
)


def make_robot(config: RobotConfig, *, with_cameras: bool = False) -> Robot:
    """Return the robot that a configuration describes, not connected yet.

    Args:
        config: its settings.
        with_cameras: let the robot open its cameras itself, as LeRobot's robots do;
            in a ROS graph their own nodes do that.

    Raises:
        ConfigError: the type is unknown, or it is told of what it has not.
    """
    check_own_keys(config)
    robot = ROBOTS.load(config.type)(config, with_cameras=with_cameras)
    assert isinstance(robot, Robot), config.type
    if robot.base is None and config.base != BaseConfig():
        raise ConfigError(f'a {config.type} has no mobile base: leave out robot.base')
    return robot


def make_robot_from_config(path: str | Path) -> Robot:
    """Return the robot, with its cameras, that a YAML file describes.

    Args:
        path: a file with a section ``robot``, or with the robot's keys at top level.

    Raises:
        ConfigError: the file cannot be read, or a key in it cannot be obeyed.
    """
    return make_robot(robot_config(path), with_cameras=True)


def without_ports(robot: Mapping[str, Any]) -> dict[str, Any]:
    """Return a robot's section with a name for each port that is not told; it is not opened."""
    known = robot.get('type') in ROBOTS.names()
    if not known or not hasattr(ROBOTS.load(str(robot['type'])), 'side_config'):
        return {'port': NO_PORT, **robot}
    told = {side: robot.get(f'{side}_arm_config') or {} for side in SIDES}
    missing = [f'{side}_arm_port' for side in SIDES if not told[side].get('port')]
    return {**dict.fromkeys(missing, NO_PORT), **robot}


def robot_config(path: str | Path) -> RobotConfig:
    """Return the settings of the robot in a YAML file, as ``make_robot_from_config`` reads it."""
    values: dict[str, Any] = read_yaml(Path(path))
    return build(RobotConfig, values.get('robot', values), f'{path}: robot')
