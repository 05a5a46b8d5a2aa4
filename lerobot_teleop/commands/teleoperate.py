"""``lerobot-ros teleoperate``: the robot follows its operator, nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from lerobot_drivers.common.clock import NS_PER_S, SystemClock
from lerobot_drivers.common.command_line import read_sections
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import GraphError, UsageError
from lerobot_drivers.common.graph import (
    namespace_of,
    prepare_environment,
    robot_processes,
    session_folder,
    teleop_process,
    write_session,
)
from lerobot_drivers.common.processes import require_rclpy
from lerobot_drivers.common.supervisor import Supervisor
from lerobot_drivers.robots.config import RobotConfig
from lerobot_teleop.teleoperators.config import TeleopConfig

KNOWN = ('robot', 'teleop', 'mux', 'teleop_time_s', 'dataset', 'recorder', 'policy')
HELP = """usage: lerobot-ros teleoperate [--config_path=FILE] [--section.key=value ...]

Brings up a robot, its cameras and a leader, and lets the robot follow. Ctrl-C ends it.

  --robot.type, --robot.port, --robot.id, --robot.cameras="{front: {type: opencv, ...}}"
  --robot.config_path=FILE     the robot's section from a file of its own
  --teleop.type, --teleop.port, --teleop.id
  --teleop_time_s=SECONDS      end by itself

Ports and cameras named sim://WORLD/DEVICE are simulated."""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``teleoperate``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        GraphError: a process of the graph died.
    """
    sections = read_sections(arguments, KNOWN)
    for name in ('robot', 'teleop'):
        if name not in sections:
            raise UsageError(f'name a --{name}.type and its --{name}.port')
    limit = sections.pop('teleop_time_s', None)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float)):
        raise UsageError(f'--teleop_time_s is a number of seconds, found {limit!r}')
    build(RobotConfig, sections['robot'], 'robot')
    build(TeleopConfig, sections['teleop'], 'teleop')
    require_rclpy()
    console = Console(highlight=False)
    hint = prepare_environment(sections)
    if hint:
        console.print(hint)
    folder = session_folder()
    config_file = write_session(folder, sections)
    specs = [*robot_processes(sections, config_file), teleop_process(sections, config_file)]
    namespace = namespace_of(sections['robot'], 'follower')
    console.print(f'{namespace} follows its operator; Ctrl-C ends it (logs: {folder})')
    clock = SystemClock()
    end_ns = clock.monotonic_ns() + round((limit or 1e9) * NS_PER_S)
    deaths = Supervisor(specs, folder).run(until=lambda: clock.monotonic_ns() >= end_ns)
    if deaths:
        raise GraphError('; '.join(str(death) for death in deaths))
    console.print('stopped')
    return 0
