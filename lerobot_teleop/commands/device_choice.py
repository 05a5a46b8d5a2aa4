"""Which arm a set-up command is about: ``--robot.*`` or ``--teleop.*``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lerobot_drivers.common.arm_cameras import SIDES
from lerobot_drivers.common.command_line import read_sections
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import UsageError
from lerobot_drivers.common.help_text import Group
from lerobot_drivers.common.registry import check_type
from lerobot_drivers.robots import ROBOTS
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.bi_follower import BiFollower
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.setup_tools.device import ArmDevice
from lerobot_teleop.teleoperators import TELEOPERATORS
from lerobot_teleop.teleoperators.bi_leader import BiLeader
from lerobot_teleop.teleoperators.config import TeleopConfig

GROUPS = tuple(
    Group(
        heading,
        lines={
            f'--{flag}.type=TYPE': 'which kind it is',
            f'--{flag}.port=PORT': 'its serial device, or sim://WORLD/DEVICE',
            f'--{flag}.left_arm_port=PORT': 'that of the left arm of two; also right_arm_port',
            f'--{flag}.id=NAME': 'which of several equal ones; names its calibration file',
            f'--{flag}.calibration_dir=PATH': "folder of that file instead of LeRobot's",
        },
        table=table,
    )
    for flag, heading, table in (
        ('robot', 'a robot', 'lerobot_drivers.robots:ROBOTS'),
        ('teleop', 'or an operator', 'lerobot_teleop.teleoperators:TELEOPERATORS'),
    )
)


def chosen_devices(arguments: Sequence[str]) -> list[ArmDevice]:
    """Return the arm that a command line names, or the two of a robot that has two.

    Raises:
        UsageError: it names none, or two, or one that has no motors of its own to set up.
        ConfigError: settings that cannot be obeyed.
    """
    sections = read_sections(arguments, ('robot', 'teleop'))
    named = [flag for flag in ('robot', 'teleop') if sections.get(flag)]
    if len(named) != 1:
        raise UsageError(
            f'name one arm, with --robot.type and --robot.port or with --teleop.type and '
            f'--teleop.port; found {" and ".join(named) or "neither"}'
        )
    (flag,) = named
    if flag == 'robot':
        check_type(ROBOTS, sections[flag])
        robot = build(RobotConfig, sections[flag], flag)
        return _devices(flag, ROBOTS.load(robot.type), robot)
    check_type(TELEOPERATORS, sections[flag])
    leader = build(TeleopConfig, sections[flag], flag)
    return _devices(flag, TELEOPERATORS.load(leader.type), leader)


def _devices(flag: str, made: type, config: Any) -> list[ArmDevice]:
    if issubclass(made, BiFollower | BiLeader):
        return [_device(flag, made.arm, made.side_config(config, side)) for side in SIDES]
    return [_device(flag, made, config)]


def _device(flag: str, made: type, config: RobotConfig | TeleopConfig) -> ArmDevice:
    plan_of = getattr(made, 'plan_of', lambda _: getattr(made, 'plan', None))
    plan = plan_of(config)
    if not isinstance(plan, ArmPlan):
        raise UsageError(f'a {config.type} has no motors that are set up or calibrated from here')
    if not config.port:
        raise UsageError(
            f'--{flag}.port is missing: where is the {config.type}? lerobot-ros find-port finds it'
        )
    return ArmDevice(
        kind='robots' if flag == 'robot' else 'teleoperators',
        name=str(getattr(made, 'name', config.type)),
        type=config.type,
        id=config.id,
        port=config.port,
        calibration_dir=config.calibration_dir,
        plan=plan,
    )
