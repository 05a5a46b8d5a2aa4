"""What the operator asks for on its way to the robot: the steps of ``processor.robot_action``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lerobot_drivers.common.config import Section, build, read_yaml
from lerobot_drivers.common.naming import position_key
from lerobot_drivers.processors.commands import CommandProcessor
from lerobot_drivers.processors.config import processor_config
from lerobot_drivers.processors.step import ROBOT_ACTION
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_teleop.joint_names import on_robot
from lerobot_teleop.teleoperators.teleoperator import Teleoperator


def operator_commands(config_file: Path, leader: Teleoperator) -> CommandProcessor:
    """Return the steps on a leader's commands.

    Raises:
        ConfigError: the file cannot be read, or a step cannot work on these commands.
    """
    return command_processor(read_yaml(config_file), leader)


def robot_names(sections: Section, leader: Teleoperator) -> list[str]:
    """Return what the robot of a session calls a leader's joints; its own names without one."""
    theirs = [joint.name for joint in leader.joints]
    robot = sections.get('robot')
    if not robot:
        return theirs
    # Names do not depend on the dataset's unit, which may need a calibration.
    config = replace(build(RobotConfig, robot, 'robot'), use_degrees=True)
    return on_robot(theirs, [joint.name for joint in make_robot(config).joints])


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
    names = robot_names(sections, leader)
    others = [replace(joint, name=n) for joint, n in zip(leader.joints, names, strict=True)]
    return CommandProcessor(pipeline, [position_key(n) for n in names], joints, others=others)
