"""``lerobot-ros teleoperate``: the robot follows its operator, nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lerobot_drivers.common.clock import NS_PER_S, SystemClock
from lerobot_drivers.common.command_line import make_console, read_sections, seconds
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.display import (
    DISPLAY_FLAGS,
    DisplayConfig,
    check_display,
    display_processes,
)
from lerobot_drivers.common.errors import GraphError, UsageError
from lerobot_drivers.common.graph import (
    namespace_of,
    open_session,
    robot_processes,
    teleop_process,
)
from lerobot_drivers.common.help_text import Group, Help
from lerobot_drivers.common.registry import check_type
from lerobot_drivers.common.several import (
    RobotsConfig,
    expanded,
    members_of,
    processes_of_each,
)
from lerobot_drivers.common.supervisor import ProcessSpec, Supervisor
from lerobot_drivers.processors.config import processor_config
from lerobot_drivers.robots import ROBOTS, make_robot
from lerobot_drivers.robots.config import CameraConfig, RobotConfig
from lerobot_teleop.operator_commands import command_processor
from lerobot_teleop.teleoperators import TELEOPERATORS, make_teleoperator
from lerobot_teleop.teleoperators.config import TeleopConfig

KNOWN = ('robot', 'robots', 'teleop', 'mux', 'processor', 'teleop_time_s', *DISPLAY_FLAGS)
HELP = Help(
    usage='lerobot-ros teleoperate [--config_path=FILE] [--section.key=value ...]',
    about=(
        'Brings up a robot, its cameras and a leader, and lets the robot follow. Nothing is '
        'recorded. Ctrl-C ends it.'
    ),
    examples=('lerobot-ros teleoperate --config_path=config/so101_sim.yaml --teleop_time_s=10',),
    groups=(
        Group(
            'session',
            lines={
                '--config_path=FILE': 'all of these from a YAML file; flags are laid over it',
                '--teleop_time_s=SECONDS': 'end by itself',
            },
        ),
        Group(
            'robot',
            RobotConfig,
            'robot',
            lines={'--robot.config_path=FILE': 'the section robot from a file of its own'},
            table='lerobot_drivers.robots:ROBOTS',
        ),
        Group(
            'each camera, --robot.cameras="{NAME: {key: value, ...}}"',
            CameraConfig,
            'robot.cameras.NAME',
        ),
        Group(
            'operator', TeleopConfig, 'teleop', table='lerobot_teleop.teleoperators:TELEOPERATORS'
        ),
        Group(
            'steps on the way to the robot',
            lines={'--processor.robot_action="[{type: ..., ...}]"': 'see docs/processors.md'},
        ),
        Group('several robots', RobotsConfig, 'robots', leave_out=('members', 'datasets')),
        Group('live view', DisplayConfig),
    ),
    notes='Ports and cameras named sim://WORLD/DEVICE are simulated.',
)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``teleoperate``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        GraphError: there is no rclpy, or a process of the graph died.
    """
    sections = expanded(read_sections(arguments, KNOWN))
    limit_s = seconds(sections, 'teleop_time_s')
    members = members_of(sections)
    for member in members:
        _check({**sections, **member})
    check_display(sections)
    console = make_console()
    config_file = open_session(sections, console.print)
    specs = processes_of_each(sections, config_file, _processes)
    specs += display_processes(sections, config_file)
    logs = config_file.parent
    names = ' and '.join(namespace_of(member['robot'], 'follower') for member in members)
    verb = 'follows its operator' if len(members) == 1 else 'follow their operators'
    console.print(f'{names} {verb}; Ctrl-C ends it (logs: {logs})')
    clock = SystemClock()
    end_ns = clock.monotonic_ns() + round((limit_s or 0.0) * NS_PER_S)
    deaths = Supervisor(specs, logs, say=console.print).run(
        until=lambda: limit_s is not None and clock.monotonic_ns() >= end_ns
    )
    if deaths:
        raise GraphError('; '.join(str(death) for death in deaths))
    console.print('stopped')
    return 0


def _check(member: Section) -> None:
    for name in ('robot', 'teleop'):
        if name not in member:
            raise UsageError(f'name a --{name}.type and its --{name}.port')
    check_type(ROBOTS, member['robot'])
    check_type(TELEOPERATORS, member['teleop'])
    make_robot(build(RobotConfig, member['robot'], 'robot'))
    leader = build(TeleopConfig, member['teleop'], 'teleop')
    if processor_config(member).robot_action:
        command_processor(member, make_teleoperator(leader))


def _processes(member: Section, config_file: Path) -> list[ProcessSpec]:
    return [*robot_processes(member, config_file), teleop_process(member, config_file)]
