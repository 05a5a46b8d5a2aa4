"""``lerobot-ros teleoperate``: the robot follows its operator, nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.common.clock import NS_PER_S, SystemClock
from lerobot_drivers.common.command_line import make_console, read_sections, seconds
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import GraphError, UsageError
from lerobot_drivers.common.graph import (
    namespace_of,
    open_session,
    robot_processes,
    teleop_process,
)
from lerobot_drivers.common.supervisor import Supervisor
from lerobot_drivers.processors.config import processor_config
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_teleop.operator_commands import command_processor
from lerobot_teleop.teleoperators import TELEOPERATORS, make_teleoperator
from lerobot_teleop.teleoperators.config import TeleopConfig

KNOWN = ('robot', 'teleop', 'mux', 'processor', 'teleop_time_s')
HELP = """usage: lerobot-ros teleoperate [--config_path=FILE] [--section.key=value ...]

Brings up a robot, its cameras and a leader, and lets the robot follow. Ctrl-C ends it.

  --robot.type, --robot.port, --robot.id, --robot.cameras="{front: {type: opencv, ...}}"
  --robot.config_path=FILE     the robot's section from a file of its own
  --teleop.type, --teleop.port, --teleop.id
  --processor.robot_action="[{type: ..., ...}]"   steps on the way to the robot
  --teleop_time_s=SECONDS      end by itself

Ports and cameras named sim://WORLD/DEVICE are simulated."""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``teleoperate``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        GraphError: there is no rclpy, or a process of the graph died.
    """
    sections = read_sections(arguments, KNOWN)
    for name in ('robot', 'teleop'):
        if name not in sections:
            raise UsageError(f'name a --{name}.type and its --{name}.port')
    limit_s = seconds(sections, 'teleop_time_s')
    make_robot(build(RobotConfig, sections['robot'], 'robot'))
    leader = build(TeleopConfig, sections['teleop'], 'teleop')
    TELEOPERATORS.target(leader.type)
    if processor_config(sections).robot_action:
        command_processor(sections, make_teleoperator(leader))
    console = make_console()
    config_file = open_session(sections, console.print)
    specs = [*robot_processes(sections, config_file), teleop_process(sections, config_file)]
    namespace, logs = namespace_of(sections['robot'], 'follower'), config_file.parent
    console.print(f'{namespace} follows its operator; Ctrl-C ends it (logs: {logs})')
    clock = SystemClock()
    end_ns = clock.monotonic_ns() + round((limit_s or 0.0) * NS_PER_S)
    deaths = Supervisor(specs, logs).run(
        until=lambda: limit_s is not None and clock.monotonic_ns() >= end_ns
    )
    if deaths:
        raise GraphError('; '.join(str(death) for death in deaths))
    console.print('stopped')
    return 0
