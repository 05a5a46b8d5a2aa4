"""What the operator asks for on its way to the robot: the steps of ``processor.robot_action``."""

from __future__ import annotations

from pathlib import Path

from lerobot_drivers.common.config import Section, build, read_yaml
from lerobot_drivers.common.naming import position_key
from lerobot_drivers.processors.commands import CommandProcessor
from lerobot_drivers.processors.config import processor_config
from lerobot_drivers.processors.step import ROBOT_ACTION
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_teleop.teleoperators.teleoperator import Teleoperator


def operator_commands(config_file: Path, leader: Teleoperator) -> CommandProcessor:
    """Return the steps on a leader's commands.

    Raises:
        ConfigError: the file cannot be read, or a step cannot work on these commands.
    """
    return command_processor(read_yaml(config_file), leader)


def command_processor(sections: Section, leader: Teleoperator) -> CommandProcessor:
    """Return the steps on a leader's commands, in the units of the robot if one is named.

    Without steps neither units nor a calibration are asked for.

    Raises:
        ConfigError: a step cannot be made or has no place there, cannot work on these commands,
            or makes none of the robot's.
    """
    pipeline = processor_config(sections).pipelines()[ROBOT_ACTION]
    if not pipeline:
        return CommandProcessor(pipeline, (), ())
    robot = sections.get('robot')
    joints = make_robot(build(RobotConfig, robot, 'robot')).joints if robot else leader.joints
    keys = [position_key(joint.name) for joint in leader.joints]
    return CommandProcessor(pipeline, keys, joints, others=leader.joints)
